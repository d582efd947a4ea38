"""Checkpoints of others made into weights files: the same answers, our order of classes, and what is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from facesynth.core.errors import FacesynthError, OutputError, UsageError, WeightsDamaged, WeightsError
from facesynth.core.images import Photo
from facesynth.core.labels import LABEL_NAMES
from facesynth.core.refs import sha256_file
from facesynth.inference import networks
from facesynth.inference.convert import KINDS, convert
from facesynth.inference.parser import Parser
from facesynth.models.specs import BisenetSpec
from facesynth.weights import read_header
from tests.made_checkpoints import ZLLRUNNING, bisenet_logits, bisenet_state

CPU = torch.device("cpu")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "79999_iter.pth"
    torch.save(bisenet_state(), path)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "bisenet.safetensors"


def loaded(path: Path) -> torch.nn.Module:
    _, network = networks.load(path, ("parser",), CPU)["parser"]
    return network


def test_each_class_keeps_its_logits_under_its_own_number(source: Path, target: Path) -> None:
    convert(source, target)
    faces = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits, theirs = loaded(target)(faces), bisenet_logits(bisenet_state(), faces)
    for label, name in enumerate(LABEL_NAMES):
        torch.testing.assert_close(logits[:, label], theirs[:, ZLLRUNNING.index(name)], atol=1e-4, rtol=1e-4)
    assert len({theirs[:, label].mean().item() for label in range(19)}) == 19, "the comparison would say nothing"


def test_a_parser_of_it_answers_as_its_project_does(source: Path, target: Path) -> None:
    convert(source, target)
    parser = Parser.load(target, device="cpu", precision="float32")
    pixels = np.random.default_rng(0).integers(0, 256, (512, 512, 3), dtype=np.uint8)
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    x = (x - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
    with torch.inference_mode():
        theirs = bisenet_logits(bisenet_state(), x)[0]
    [probabilities] = parser.probabilities([Photo(pixels)])
    order = [ZLLRUNNING.index(name) for name in LABEL_NAMES]
    np.testing.assert_allclose(probabilities, theirs.softmax(0)[order].numpy(), atol=1e-4)
    [labels] = parser([Photo(pixels)])
    named = np.array([LABEL_NAMES.index(name) for name in ZLLRUNNING])[theirs.argmax(0).numpy()]
    assert (labels.ids == named).mean() > 0.999


def test_the_published_shape_converts_whole(tmp_path: Path, target: Path) -> None:
    state = bisenet_state(width=64)
    assert len(state) == 191
    learned = [value for key, value in state.items() if not key.endswith(("_mean", "_var", "_tracked"))]
    assert sum(value.numel() for value in learned) == 13_300_416
    torch.save(state, tmp_path / "79999_iter.pth", _use_new_zipfile_serialization=False)  # as it was in 2019
    assert convert(tmp_path / "79999_iter.pth", target).parameters == 13_150_272
    spec, network = networks.load(target, ("parser",), CPU)["parser"]
    assert spec == BisenetSpec() and (spec.size, spec.width) == (512, 64)
    kept = network.state_dict()
    assert {key for key in state if not key.startswith(("conv_out16.", "conv_out32."))} == kept.keys()
    last = "conv_out.conv_out.weight"
    changed = {key for key in kept if not key.endswith("_tracked") and not torch.equal(kept[key], state[key])}
    assert changed == {last}
    for label, name in enumerate(LABEL_NAMES):
        assert torch.equal(kept[last][label], state[last][ZLLRUNNING.index(name)])


def test_the_file_says_where_it_comes_from_and_is_the_same_each_time(source: Path, target: Path) -> None:
    made = convert(source, target)
    header = read_header(target)
    assert made.sha256 == header["source_sha256"] == sha256_file(source)
    assert (header["converted_from"], header["licence"], header["labels"]) == ("bisenet", "unstated", "celebamask-hq")
    assert header["source_labels"] == made.schema == "zllrunning"
    first = target.read_bytes()
    convert(source, target, replace=True)
    assert target.read_bytes() == first
    convert(source, target, replace=True, licence="MIT")
    assert read_header(target)["licence"] == "MIT"


def without(*endings: str) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda state: {key: value for key, value in state.items() if not key.endswith(endings)}


def plus(key: str, value: Tensor) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    return lambda state: state | {key: value}


def as_parameters(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: torch.nn.Parameter(value) if value.is_floating_point() else value for key, value in state.items()}


@pytest.mark.parametrize(
    "change",
    [
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {f"module.model.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": state, "epoch": 3},
        as_parameters,
        lambda state: {key: value.double() if value.is_floating_point() else value for key, value in state.items()},
        without(".num_batches_tracked"),
        lambda state: {key: value for key, value in state.items() if not key.startswith(("conv_out16", "conv_out32"))},
    ],
    ids=["module", "module.model", "state_dict", "parameters", "float64", "no counters", "no auxiliary heads"],
)  # fmt: skip
def test_the_ways_it_is_passed_around_in_give_the_same_network(
    change: Callable[[dict[str, Tensor]], object], source: Path, target: Path, tmp_path: Path
) -> None:
    convert(source, target)
    torch.save(change(bisenet_state()), tmp_path / "changed.pth")
    convert(tmp_path / "changed.pth", tmp_path / "changed.safetensors")
    wanted = loaded(target).state_dict()
    assert all(
        torch.equal(value, wanted[key]) for key, value in loaded(tmp_path / "changed.safetensors").state_dict().items()
    )


def test_classes_of_another_order_are_put_right_when_it_is_named(source: Path, target: Path) -> None:
    convert(source, target, schema="celebamask-hq")
    assert torch.equal(
        loaded(target).state_dict()["conv_out.conv_out.weight"], bisenet_state()["conv_out.conv_out.weight"]
    )
    with pytest.raises(UsageError, match="use one of: celebamask-hq, zllrunning"):
        convert(source, target, schema="mine", replace=True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: bisenet_state(classes=21), "it tells 21 classes apart, a face parser 19"),
        (without("ffm.conv1.weight", "arm16.bn_atten.bias"), r"lacks cp\.arm16\.bn_atten\.bias, ffm\.conv1\.weight$"),
        (without("conv_out.conv_out.weight", "resnet.conv1.weight"), r"it lacks cp\.resnet\.conv1\.weight"),
        (without("running_var"), "it lacks .*, .*, .* and 26 more$"),
        (plus("sp.conv1.conv.weight", torch.ones(1)), r"beyond what is known, sp\.conv1\.conv\.weight$"),
        (plus("ffm.conv2.weight", torch.ones(3, 4)), r"another shape of ffm\.conv2\.weight \(3×4, not 32×8×1×1\)$"),
        (plus("ffm.conv2.weight", torch.full((32, 8, 1, 1), torch.nan)), r"no finite numbers in ffm\.conv2\.weight$"),
        (plus("ffm.conv2.weight", torch.ones(32, 8, 1, 1).int()), r"no finite numbers in ffm\.conv2\.weight$"),
        (plus("cp.resnet.conv1.weight", torch.ones(999, 1, 1, 1)), "1 to 256 wide, not 19 and 999"),
        (plus("conv_out.conv_out.weight", torch.tensor(1.0)), r"weight \(a single number, not 19×32×1×1\)$"),
        (lambda _: {"fc.weight": torch.ones(1), "fc.bias": torch.ones(1)}, r"2 tensors \(fc\.weight, fc\.bias\) are"),
        (lambda _: {"fc.weight": torch.ones(1)}, r"of no kind.*kinds: bisenet, .*79999_iter\.pth; spade, .*_D\.pth$"),
        (lambda _: {}, "its 0 tensors .* are of no kind"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(
    change: Callable[[dict[str, Tensor]], dict[str, Tensor]], said: str, target: Path, tmp_path: Path
) -> None:
    stream = io.BytesIO()
    torch.save(change(bisenet_state()), stream)
    (tmp_path / "other.pth").write_bytes(stream.getvalue())
    with pytest.raises(WeightsError, match=said):
        convert(tmp_path / "other.pth", target)
    assert not target.exists()


def test_nothing_is_overwritten_unasked_and_the_input_never(source: Path, target: Path, tmp_path: Path) -> None:
    target.write_bytes(b"mine")
    with pytest.raises(OutputError, match="is there already"):
        convert(source, target)
    assert target.read_bytes() == b"mine"
    link = tmp_path / "link.safetensors"
    link.symlink_to(source)
    twin = tmp_path / "checkpoint.safetensors"
    twin.hardlink_to(source)
    before = source.read_bytes()
    for same in (link, twin):
        with pytest.raises(OutputError, match="is the input, which is never overwritten"):
            convert(source, same, replace=True)
    assert source.read_bytes() == before and link.is_symlink()
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        convert(source, tmp_path / "folder.safetensors", replace=True)
    with pytest.raises(UsageError, match=r"ends in \.safetensors"):
        convert(source, tmp_path / "bisenet.pth")


def test_what_was_converted_already_is_told_apart(source: Path, target: Path, tmp_path: Path) -> None:
    convert(source, target)
    with pytest.raises(WeightsDamaged, match=r"is a safetensors file.*needs no conversion"):
        convert(target, tmp_path / "again.safetensors")
    with pytest.raises(FacesynthError, match="no such file"):
        convert(tmp_path / "nothing.pth", tmp_path / "again.safetensors")


def test_signatures_tell_kinds_apart() -> None:
    """No kind's signature ends another's, or the first in the table would take both."""
    endings = [f".{role.signature}" for kind in KINDS.values() for role in kind.roles.values()]
    assert not [(a, b) for a in endings for b in endings if a is not b and a.endswith(b)]
