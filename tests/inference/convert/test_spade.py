"""NVlabs/SPADE's checkpoints made into weights files: the same pictures, styles and scores to 1e-4."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from facesynth.core.images import Photo
from facesynth.core.labels import SCHEMAS, LabelMap
from facesynth.core.refs import sha256_file
from facesynth.core.styles import Style
from facesynth.inference import networks
from facesynth.inference.convert import convert
from facesynth.inference.encoder import Encoder
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import DiscriminatorSpec, EncoderSpec, GeneratorSpec
from facesynth.training.initial import load_initial
from facesynth.weights import read_header
from tests.inference.convert import nvlabs_layout as nvlabs
from tests.inference.convert.nvlabs_layout import label_ids, one_hot, trained_generator, write

CPU = torch.device("cpu")


def loaded(path: Path, role: str = "generator") -> nn.Module:
    _, network = networks.load(path, (role,), CPU)[role]
    assert isinstance(network, nn.Module)
    return network


def assert_same_pictures(theirs: nvlabs.Generator, path: Path, schema: str = "celebamask-hq") -> None:
    """Both paint the same of label maps in CelebAMask-HQ's order, given to theirs in the order it learned."""
    ours = loaded(path)
    assert isinstance(ours, SpadeGenerator)
    ids, z = label_ids(ours.spec.size), torch.randn(2, ours.spec.style_channels)
    foreign = torch.from_numpy(SCHEMAS[schema].from_standard).long()[ids]
    channels = theirs.state_dict()["head_0.norm_0.mlp_shared.0.weight"].shape[1]
    with torch.inference_mode():
        wanted, found = theirs(one_hot(foreign, channels), z), ours(one_hot(ids, 19), z)
    assert wanted.std() > 0.1 and wanted[0].sub(wanted[1]).abs().mean() > 0.05, "the comparison would say nothing"
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)


@pytest.fixture(scope="module")
def together() -> dict[str, nn.Module]:
    """Generator, encoder and discriminator of one training at 256 pixels."""
    faces, labels = torch.rand(2, 3, 256, 256) * 2 - 1, one_hot(label_ids(256), 19)
    return {
        "G": trained_generator(crop=256),
        "E": nvlabs.trained(nvlabs.Encoder(), faces),
        "D": nvlabs.trained(nvlabs.Discriminator(), labels, faces),
    }


@pytest.mark.parametrize(
    ("layers", "crop", "start"), [("normal", 64, 2), ("more", 64, 1), ("most", 256, 2)], ids=["normal", "more", "most"]
)
def test_label_map_and_z_give_the_same_picture(layers: str, crop: int, start: int, tmp_path: Path) -> None:
    theirs = trained_generator(layers=layers, crop=crop)
    convert(write(tmp_path, {"G": theirs}), tmp_path / "made.safetensors", size=crop)
    spec, _ = networks.load(tmp_path / "made.safetensors", ("generator",), CPU)["generator"]
    assert (spec.size, spec.start, spec.width, spec.spade_hidden, spec.style_channels) == (crop, start, 2, 8, 16)
    assert spec.spectral and (spec.labels, spec.max_width) == (19, 1024)
    assert_same_pictures(theirs, tmp_path / "made.safetensors")


@pytest.mark.parametrize("schema", ["celebamask-hq", "zllrunning"])
def test_the_three_files_become_one(schema: str, together: dict[str, nn.Module], tmp_path: Path) -> None:
    target = tmp_path / "made.safetensors"
    source = write(tmp_path, together)
    made = convert(source, target, schema=schema)
    assert made.schema == schema and list(made.networks) == ["generator", "encoder", "discriminator"]
    generator, encoder, discriminator = together["G"], together["E"], together["D"]
    assert isinstance(generator, nvlabs.Generator)
    assert_same_pictures(generator, target, schema)
    faces, ids = torch.rand(3, 3, 256, 256) * 2 - 1, label_ids(256, count=3, seed=8)
    foreign = torch.from_numpy(SCHEMAS[schema].from_standard).long()[ids]
    with torch.inference_mode():
        for found, wanted in zip(loaded(target, "encoder")(faces), encoder(faces), strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)
            assert wanted.std(0).mean() > 0.01, "the comparison would say nothing"
        scales = loaded(target, "discriminator")(one_hot(ids, 19), faces)
        theirs = discriminator(one_hot(foreign, 19), faces)
    assert [len(scale) for scale in scales] == [5, 5]
    for scale, wanted_scale in zip(scales, theirs, strict=True):
        for found, wanted in zip(scale, wanted_scale, strict=True):
            torch.testing.assert_close(found, wanted, atol=1e-4, rtol=0)
    header = read_header(target)
    assert header["source_sha256"] == made.sha256 == sha256_file(source)
    assert header["source_sha256_encoder"] == sha256_file(tmp_path / "latest_net_E.pth")
    assert header["source_sha256_discriminator"] == sha256_file(tmp_path / "latest_net_D.pth")
    assert (header["converted_from"], header["labels"], header["source_labels"]) == ("spade", "celebamask-hq", schema)


def test_predictors_paint_and_read_styles_with_it(together: dict[str, nn.Module], tmp_path: Path) -> None:
    target = tmp_path / "made.safetensors"
    convert(write(tmp_path, together), target)
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    [style] = Encoder.load(target, device="cpu", precision="float32")([Photo(pixels)])
    faces = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1
    ids = label_ids(256, count=1)
    with torch.inference_mode():
        mean, _ = together["E"](faces)
        wanted = (together["G"](one_hot(ids, 19), mean)[0].permute(1, 2, 0).numpy() + 1) * 127.5
    painter = Synthesizer.load(target, device="cpu", precision="float32")
    labels = LabelMap(ids[0].numpy().astype(np.uint8))
    [painted] = painter([labels], [style])
    assert np.abs(painted.pixels - wanted).max() < 0.51
    [seeded] = painter([labels], [Style.from_seed(3)])
    assert np.abs(seeded.pixels.astype(int) - painted.pixels).mean() > 1


def test_training_starts_from_all_three(together: dict[str, nn.Module], tmp_path: Path) -> None:
    theirs = trained_generator(crop=256)
    for module in normalised(theirs).values():  # as after a long training: u and v have arrived
        left, _, right = torch.linalg.svd(module.weight_orig.detach().flatten(1), full_matrices=False)
        module.weight_u.copy_(left[:, 0])
        module.weight_v.copy_(right[0])
    convert(write(tmp_path, {**together, "G": theirs}), tmp_path / "made.safetensors")
    specs: dict[str, networks.Spec] = {
        "generator": GeneratorSpec(style_channels=16, width=2, spade_hidden=8),
        "encoder": EncoderSpec(style_channels=16, width=2, max_width=16),
        "discriminator": DiscriminatorSpec(width=4),
    }
    begun = {role: (spec, networks.build(spec)) for role, spec in specs.items()}
    load_initial("made.safetensors", tmp_path, begun)
    label_map, z = one_hot(label_ids(256), 19), torch.randn(2, 16)
    with torch.inference_mode():
        wanted, found = theirs(label_map, z), begun["generator"][1].eval()(label_map, z)
    assert found.sub(wanted).abs().mean() < 0.02, "its largest singular values are found anew, by power iterations"


def normalised(network: nn.Module) -> dict[str, Any]:
    """Its modules with spectral normalisation, whose attributes PyTorch makes as it runs."""
    return {name: module for name, module in network.named_modules() if hasattr(module, "weight_orig")}


def without_v(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if not key.endswith("weight_v")}


def as_pytorch_0_4(state: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Its state had the divided weight, and no v."""
    divided = {f"{name}.weight": module.weight.detach().clone() for name, module in normalised(network).items()}
    return without_v(state) | divided


def as_parametrised(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for old, new in ((".weight_orig", "original"), (".weight_u", "0._u"), (".weight_v", "0._v")):
        state = {re.sub(rf"{old}$", f".parametrizations.weight.{new}", key): value for key, value in state.items()}
    return state


def with_sums(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """An early synchronised batch normalisation kept what it had added up."""
    stems = [key.removesuffix("running_mean") for key in state if key.endswith("running_mean")]
    return state | {f"{stem}{name}": torch.ones(1) for stem in stems for name in ("_tmp_running_mean", "_running_iter")}


@pytest.mark.parametrize(
    "change",
    [
        as_pytorch_0_4,
        lambda state, _: as_parametrised(state),
        lambda state, _: with_sums(state),
        lambda state, _: {f"module.{key}": value for key, value in state.items()},
        lambda state, _: {key: value for key, value in state.items() if not key.endswith("_tracked")},
        lambda state, _: {key: value.double() if value.is_floating_point() else value for key, value in state.items()},
    ],
    ids=["pytorch 0.4", "parametrizations", "synchronised sums", "module", "no counters", "float64"],
)
def test_the_ways_it_was_stored_in_give_the_same_picture(
    change: Callable[[dict[str, Tensor], nn.Module], dict[str, Tensor]], tmp_path: Path
) -> None:
    theirs = trained_generator()
    torch.save(change(dict(theirs.state_dict()), theirs), tmp_path / "latest_net_G.pth")
    convert(tmp_path / "latest_net_G.pth", tmp_path / "made.safetensors")
    assert_same_pictures(theirs, tmp_path / "made.safetensors")


def test_v_is_found_from_u_where_neither_it_nor_the_divided_weight_was_kept(tmp_path: Path) -> None:
    theirs = trained_generator()
    torch.save(without_v(dict(theirs.state_dict())), tmp_path / "latest_net_G.pth")
    convert(tmp_path / "latest_net_G.pth", tmp_path / "made.safetensors")
    for module in normalised(theirs).values():
        rows = module.weight_orig.detach().numpy().reshape(len(module.weight_u), -1)
        found = rows.T @ module.weight_u.numpy()
        module.weight_v.copy_(torch.from_numpy(found / np.linalg.norm(found)))
    assert_same_pictures(theirs, tmp_path / "made.safetensors")


def test_without_spectral_normalisation_it_is_taken_as_it_is(tmp_path: Path) -> None:
    theirs = trained_generator()
    for module in normalised(theirs).values():
        nn.utils.remove_spectral_norm(module)
    convert(write(tmp_path, {"G": theirs}), tmp_path / "made.safetensors")
    spec, _ = networks.load(tmp_path / "made.safetensors", ("generator",), CPU)["generator"]
    assert not spec.spectral
    assert_same_pictures(theirs, tmp_path / "made.safetensors")


@pytest.mark.parametrize("told", ["by option", "by opt.txt"])
@pytest.mark.parametrize("schema", ["celebamask-hq", "facer"])
def test_a_channel_for_pixels_of_no_class_is_left_out(told: str, schema: str, tmp_path: Path) -> None:
    """It is 0 in every label map of ours, so that nothing changes."""
    theirs, faces = trained_generator(labels=20), torch.rand(2, 3, 64, 64) * 2 - 1
    judge = nvlabs.trained(nvlabs.Discriminator(labels=20), one_hot(label_ids(64), 20), faces)
    text = (
        f"{'label_nc':>25}: 19\n{'contain_dontcare_label':>25}: True   \t[default: False]\n{'no_instance':>25}: True\n"
    )
    source = write(tmp_path, {"G": theirs, "D": judge}, options=text if told == "by opt.txt" else None)
    made = convert(source, tmp_path / "made.safetensors", schema=schema, dontcare=told == "by option")
    assert "its label channel for pixels of no class is left out" in made.notes
    assert_same_pictures(theirs, tmp_path / "made.safetensors", schema)
    ids = label_ids(64)
    foreign = torch.from_numpy(SCHEMAS[schema].from_standard).long()[ids]
    with torch.inference_mode():
        scales = loaded(tmp_path / "made.safetensors", "discriminator")(one_hot(ids, 19), faces)
        wanted = judge(one_hot(foreign, 20), faces)
    torch.testing.assert_close(scales, wanted, atol=1e-4, rtol=0)


def test_published_networks_have_as_many_parameters_as_ours() -> None:
    def count(network: nn.Module) -> int:
        return sum(each.numel() for each in network.parameters())

    with torch.device("meta"):
        generator = nvlabs.Generator(ngf=64, crop=256, hidden=128, z=256)
        ours = SpadeGenerator(GeneratorSpec(spectral=False))
        assert count(generator) == count(ours) == pytest.approx(109.21e6, abs=1e4)
        ours = SpadeGenerator(GeneratorSpec(size=1024, start=8, spectral=False))
        generator = nvlabs.Generator(ngf=64, crop=1024, layers="most", hidden=128, z=256)
        assert count(generator) == count(ours) == pytest.approx(109.67e6, abs=1e4)
        encoder = nvlabs.Encoder(ngf=64, z=256)
        assert count(encoder) == count(StyleEncoder(EncoderSpec())) == pytest.approx(10.47e6, abs=1e4)
        judge = nvlabs.Discriminator(ndf=64)
        assert count(judge) == count(Discriminator(DiscriminatorSpec())) == pytest.approx(5.57e6, abs=1e4)
