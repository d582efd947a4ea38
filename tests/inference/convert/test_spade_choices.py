"""NVlabs/SPADE's checkpoints: what tensors leave open, which files belong together, and what is refused by name."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from facesynth.core.errors import FacesynthError, OutputError, UsageError, WeightsDamaged, WeightsError
from facesynth.inference import networks
from facesynth.inference.convert import convert
from tests.inference.convert import nvlabs_layout as nvlabs
from tests.inference.convert.nvlabs_layout import write
from tests.made_checkpoints import bisenet_state

State = dict[str, Tensor]


def options(**changes: object) -> str:
    """opt.txt as a training on the 19 classes notes it."""
    noted = {"contain_dontcare_label": False, "label_nc": 19, "no_instance": True, "num_upsampling_layers": "normal"}
    return "".join(f"{key:>25}: {value!s:<30}\t[default: x]\n" for key, value in (noted | changes).items())


def size_of(path: Path) -> int:
    [(spec, _)] = networks.load(path, ("generator",), torch.device("cpu")).values()
    return int(spec.size)


@pytest.mark.parametrize(
    ("crop", "layers", "deep", "noted", "asked", "size", "doubtful"),
    [
        (256, "normal", None, None, None, 256, True),
        (256, "normal", 256, None, None, 256, True),
        (256, "normal", 256, None, 512, 512, False),
        (256, "normal", 256, "normal", None, 256, False),
        (512, "more", 256, "more", None, 512, False),
        (256, "more", 256, None, None, 256, False),  # five doublings of 4 are 128, which is no crop for this encoder
        (128, "normal", 128, None, None, 128, False),
        (256, "most", 256, None, None, 256, False),
        (256, "normal", 256, "more", 256, 256, False),  # what is said now goes before what was noted
    ],
)
def test_the_side_of_the_pictures_is_told_noted_or_deduced(
    crop: int,
    layers: str,
    deep: int | None,
    noted: str | None,
    asked: int | None,
    size: int,
    doubtful: bool,
    tmp_path: Path,
) -> None:
    files: dict[str, nn.Module] = {"G": nvlabs.Generator(crop=crop, layers=layers)}
    if deep is not None:
        files["E"] = nvlabs.Encoder(crop=deep)
    source = write(tmp_path, files, options(num_upsampling_layers=noted) if noted else None)
    made = convert(source, tmp_path / "made.safetensors", size=asked)
    assert size_of(tmp_path / "made.safetensors") == size
    assert any("convert it with --size" in note for note in made.notes) is doubtful
    assert made.options == (tmp_path / "opt.txt" if noted else None)


def test_what_lies_beside_a_generator_comes_along_unless_files_are_chosen(tmp_path: Path) -> None:
    files: dict[str, nn.Module] = {"G": nvlabs.Generator(crop=256), "E": nvlabs.Encoder(), "D": nvlabs.Discriminator()}
    source, target = write(tmp_path, files), tmp_path / "made.safetensors"
    encoder, judge = tmp_path / "latest_net_E.pth", tmp_path / "latest_net_D.pth"

    def converted(chosen: Path | Sequence[Path]) -> list[Path]:
        made = convert(chosen, target, replace=True)
        assert made.parameters == sum(each.parameters for each in made.networks.values())
        assert set(networks.load(target, tuple(made.networks), torch.device("cpu"))) == set(made.networks)
        return [each.path for each in made.networks.values()]

    assert converted(source) == [source, encoder, judge]
    assert converted([encoder, source]) == [source, encoder]
    assert converted([source, judge]) == [source, judge]
    encoder.unlink()
    made = convert(source, target, replace=True)
    assert list(made.networks) == ["generator", "discriminator"]
    assert any("no encoder" in note for note in made.notes)
    judge.rename(tmp_path / "latest_net_E.pth")
    with pytest.raises(WeightsError, match=r"latest_net_E\.pth: is no encoder of spade, as its name says"):
        convert(source, target, replace=True)
    renamed = source.rename(tmp_path / "G.pth")
    assert converted(renamed) == [renamed]


def test_files_that_are_not_of_one_checkpoint_are_refused(tmp_path: Path) -> None:
    source = write(tmp_path, {"G": nvlabs.Generator(crop=256), "E": nvlabs.Encoder()})
    encoder, target = tmp_path / "latest_net_E.pth", tmp_path / "made.safetensors"
    torch.save(bisenet_state(), tmp_path / "79999_iter.pth")
    with pytest.raises(
        UsageError, match=r"latest_net_E\.pth: is an encoder alone; name its generator too, .*_net_G\.pth"
    ):
        convert(encoder, target)
    with pytest.raises(UsageError, match=r"79999_iter\.pth: is of the kind bisenet, the first of spade"):
        convert([source, tmp_path / "79999_iter.pth"], target)
    with pytest.raises(UsageError, match=r"is a generator, as .*latest_net_G\.pth is"):
        convert([source, source], target)
    with pytest.raises(UsageError, match="tell nothing of bisenet"):
        convert(tmp_path / "79999_iter.pth", target, size=256)
    with pytest.raises(UsageError, match="no checkpoint is named"):
        convert([], target)
    link = tmp_path / "link.safetensors"
    link.symlink_to(encoder)
    with pytest.raises(OutputError, match="is the input, which is never overwritten"):
        convert(source, link, replace=True)
    assert not target.exists()


@pytest.mark.parametrize(
    ("generator", "encoder", "judge", "said"),
    [
        ({"crop": 256}, {"z": 8}, None, r"_E\.pth: .* its styles are 8 numbers, the generator's 16: they are of two"),
        ({"crop": 64}, {}, None, r"_E\.pth: .*6 convolutions are for .* at least 256 pixels, .* 64 or 128: they"),
        ({"crop": 512}, {"crop": 128}, None, r"_E\.pth: .*5 convolutions are for .* less than 256 pixels, .* 1024"),
        ({}, None, {"labels": 20}, r"_D\.pth: .* it judges 20 label channels, the generator takes 19: they are of two"),
    ],
)  # fmt: skip
def test_networks_of_two_trainings_are_told(
    generator: dict[str, int], encoder: dict[str, int] | None, judge: dict[str, int] | None, said: str, tmp_path: Path
) -> None:
    files: dict[str, nn.Module] = {"G": nvlabs.Generator(**generator)}  # type: ignore[arg-type]
    if encoder is not None:
        files["E"] = nvlabs.Encoder(**encoder)
    if judge is not None:
        files["D"] = nvlabs.Discriminator(**judge)
    with pytest.raises(WeightsError, match=said):
        convert(write(tmp_path, files), tmp_path / "made.safetensors")
    assert not (tmp_path / "made.safetensors").exists()


def changed(key: str, value: Tensor | None) -> Callable[[State], State]:
    return lambda state: {name: each for name, each in (state | {key: value}).items() if each is not None}


@pytest.mark.parametrize(
    ("generator", "noted", "arguments", "said"),
    [
        ({"vae": False}, None, {}, "it was trained without --use_vae: it begins with its label map and takes no style"),
        ({"labels": 13}, None, {}, "it takes 13 label channels, a face's label map has 19$"),
        ({"labels": 18}, None, {"dontcare": True}, "takes 18 label channels, .* has 19 and the one that --dontcare"),
        ({"labels": 20}, None, {}, "takes 20 label channels, one beyond the 19 classes: .* say --dontcare; it cannot"),
        ({"labels": 21}, None, {}, "it takes 21 label channels, so that the last is of edges between instances"),
        ({"labels": 20}, {"no_instance": False}, {}, "its last label channel is of edges between instances"),
        ({"labels": 19}, {"label_nc": 18}, {}, r"opt\.txt beside it tells of 18 label channels, and it takes 19: move"),
        (
            {"labels": 19}, {"label_nc": 18, "contain_dontcare_label": True}, {},
            "opt.txt beside it tells of 18 classes and one channel for pixels of none",
        ),
        ({}, {"num_upsampling_layers": "most"}, {}, r"opt\.txt beside it says num_upsampling_layers most, and"),
        ({}, None, {"size": 256}, r"its pictures have 64 or 128 pixels, not 256$"),
        ({"layers": "most", "crop": 128}, None, {"size": 64}, r"its pictures have 128 pixels, not 64$"),
    ],
)  # fmt: skip
def test_what_ours_cannot_be_is_told(
    generator: dict[str, int],
    noted: dict[str, object] | None,
    arguments: dict[str, bool | int],
    said: str,
    tmp_path: Path,
) -> None:
    files = {"G": nvlabs.Generator(**generator)}  # type: ignore[arg-type]
    source = write(tmp_path, files, None if noted is None else options(**noted))
    with pytest.raises(WeightsError, match=rf"latest_net_G\.pth: is no spade checkpoint that can be used: .*{said}"):
        convert(source, tmp_path / "made.safetensors", **arguments)  # type: ignore[arg-type]
    assert not (tmp_path / "made.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (changed("up_1.conv_s.weight_u", None), r"it lacks up_1\.conv_s\.weight_u, without which"),
        (changed("up_1.conv_s.weight_u", torch.ones(3)), r"vectors .* of up_1\.conv_s\.weight_orig do not fit it$"),
        (changed("up_1.conv_s.weight_v", torch.tensor(1.0)), r"vectors .* of up_1\.conv_s\.weight_orig do not fit it$"),
        (changed("up_1.conv_s.weight_u", torch.zeros(8)), r"no finite numbers in up_1\.conv_s\.weight$"),
        (changed("up_1.conv_s.weight_orig", torch.tensor(1.0)), r"up_1\.conv_s\.weight_orig do not fit it$"),
        (changed("up_1.norm_s.mlp_beta.bias", None), r"lacks up_1\.norm_s\.mlp_gamma\.bias and up_1\.norm_s\.mlp_beta"),
        (changed("up_3.conv_1.bias", torch.ones(3)), r"another shape of up_3\.conv_1\.bias \(3, not 2\)$"),
        (changed("conv_img.weight", None), r"it lacks conv_img\.weight$"),
        (changed("up_5.conv_1.bias", torch.ones(3)), r"beyond what is known, up_5\.conv_1\.bias$"),
        (changed("head_0.norm_0.mlp_shared.0.weight", None), r"lacks head_0\.norm_0\.mlp_shared\.0\.weight$"),
        (changed("fc.weight", None), r"no fc\.weight, head_0\.conv_0 or head_0\.norm_0 to tell its size by$"),
        (changed("fc.weight", torch.ones(32 * 3, 16)), "which are no square map 32 deep$"),
        (changed("fc.weight", torch.ones(0, 16)), "which are no square map 32 deep$"),
        (changed("head_0.conv_0.weight_orig", torch.ones(40, 1)), "do not fit it$"),
        (lambda state: {k: v for k, v in state.items() if "running" not in k}, r"keep no statistics \(norm_G spadein"),
    ],
)  # fmt: skip
def test_tensors_that_do_not_fit_are_told_by_their_published_names(
    change: Callable[[State], State], said: str, tmp_path: Path
) -> None:
    torch.save(change(dict(nvlabs.Generator().state_dict())), tmp_path / "latest_net_G.pth")
    with pytest.raises(WeightsError, match=rf"latest_net_G\.pth: .*{said}"):
        convert(tmp_path / "latest_net_G.pth", tmp_path / "made.safetensors")
    assert not (tmp_path / "made.safetensors").exists()


@pytest.mark.parametrize(
    ("letter", "change", "said"),
    [
        ("E", changed("layer1.0.weight_orig", None), "no layer1 or fc_mu to tell its size by"),
        ("E", changed("layer3.0.weight_v", None), None),
        ("E", changed("layer3.0.bias", torch.ones(8)), None),  # instance normalisation takes it out
        ("E", changed("fc_mu.weight", torch.ones(16, 99)), "fc_mu takes 99 numbers, which are no square map 16 deep"),
        ("E", changed("layer2.1.weight", torch.ones(4)), r"beyond what is known, layer2\.1\.weight"),
        ("E", changed("fc_var.bias", torch.ones(4)), r"another shape of fc_var\.bias \(4, not 16\)"),
        ("D", changed("discriminator_1.model2.0.0.weight_u", None), r"lacks discriminator_1\.model2\.0\.0\.weight_u"),
        ("D", changed("discriminator_1.model4.0.bias", None), r"lacks discriminator_1\.model4\.0\.bias"),
        ("D", changed("discriminator_0.model0.0.weight", torch.ones(1)), "first layer is no convolution"),
        ("D", changed("discriminator_0.model1.0.1.running_mean", torch.ones(8)), "beyond what is known, discr"),
    ],
)
def test_so_are_those_of_the_other_two(
    letter: str, change: Callable[[State], State], said: str | None, tmp_path: Path
) -> None:
    files: dict[str, nn.Module] = {"G": nvlabs.Generator(crop=256), "E": nvlabs.Encoder(), "D": nvlabs.Discriminator()}
    source, path = write(tmp_path, files), tmp_path / f"latest_net_{letter}.pth"
    torch.save(change(dict(files[letter].state_dict())), path)
    if said is None:
        assert len(convert(source, tmp_path / "made.safetensors").networks) == 3
        return
    with pytest.raises(WeightsError, match=rf"latest_net_{letter}\.pth: .*{said}"):
        convert(source, tmp_path / "made.safetensors")


def test_what_is_no_checkpoint_is_told_of_the_file_that_it_is(tmp_path: Path) -> None:
    source = write(tmp_path, {"G": nvlabs.Generator(crop=256), "E": nvlabs.Encoder()})
    encoder, target = tmp_path / "latest_net_E.pth", tmp_path / "made.safetensors"
    whole = encoder.read_bytes()
    damages = {
        whole[: len(whole) // 2]: "not a PyTorch weights file, or a damaged one",
        pickle.dumps({"crop_size": 256}): "not a PyTorch weights file",
        b"": "not a PyTorch weights file",
    }
    for data, said in damages.items():
        encoder.write_bytes(data)
        with pytest.raises(WeightsDamaged, match=said) as caught:
            convert(source, target)
        assert caught.value.where == str(encoder)
    torch.save(nvlabs.Encoder(), encoder)
    with pytest.raises(WeightsDamaged, match=r"holds .*Encoder, so it is not read"):
        convert(source, target)
    torch.save({"fc.weight": torch.ones(1)}, encoder)
    with pytest.raises(WeightsError, match=r"latest_net_E\.pth: its 1 tensors .* are of no kind"):
        convert(source, target)
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"label_nc\n: :\n", b"label_nc: many\n", "folder"])
def test_another_opt_txt_changes_nothing(content: bytes | str, tmp_path: Path) -> None:
    source = write(tmp_path, {"G": nvlabs.Generator()})
    if isinstance(content, str):
        (tmp_path / "opt.txt").mkdir()
    else:
        (tmp_path / "opt.txt").write_bytes(content)
    convert(source, tmp_path / "made.safetensors")
    assert size_of(tmp_path / "made.safetensors") == 64


def test_no_shape_ends_in_another_error_or_fills_the_memory(tmp_path: Path) -> None:
    """Every tensor is in turn empty, a number, or of a shape that would make a huge network; the first is all of it."""
    state = dict(nvlabs.Generator().state_dict())
    keys = [key for key in state if key.startswith(("fc", "head_0", "conv_img")) and not key.endswith("_tracked")]
    odd = (
        torch.ones(0),
        torch.tensor(1.0),
        torch.ones(1 << 20, 0),
        torch.ones(1, 0, 3, 3),
        torch.ones(16 * 4096, 1, 1, 1),
    )
    for number, key in enumerate(keys):
        for value in odd if number == 0 else (odd[number % len(odd)], odd[-1]):
            torch.save(state | {key: value}, tmp_path / "latest_net_G.pth")
            with pytest.raises(FacesynthError):
                convert(tmp_path / "latest_net_G.pth", tmp_path / "made.safetensors")
