"""Weights files: what is saved is what is loaded, and a wrong file is told apart from a damaged one."""

from __future__ import annotations

import dataclasses
import errno
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from facesynth.core.errors import OutputError, WeightsDamaged, WeightsError
from facesynth.core.refs import sha256_file
from facesynth.inference import networks
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import BisenetSpec, GeneratorSpec, ParserSpec
from facesynth.training.initial import initialise
from facesynth.weights import read_header

SPEC = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=16, spade_hidden=8, noise=True)


@pytest.fixture
def trained() -> SpadeGenerator:
    """A generator whose spectral norms have settled, as after some training."""
    torch.manual_seed(0)
    network = SpadeGenerator(SPEC)
    initialise(network)
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.rand(2, 19, 64, 64), torch.randn(2, 8))
    return network.eval()


def test_spectral_norm_is_folded_and_the_picture_stays(trained: SpadeGenerator, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    networks.save(path, {"generator": (SPEC, trained)}, licence="CC-BY-NC-SA-4.0", half=False, about={"name": "x"})
    spec, loaded = networks.load(path, ("generator",), torch.device("cpu"))["generator"]
    assert spec == SPEC
    assert not any("parametrizations" in name for name in loaded.state_dict())
    label_map, style = torch.rand(2, 19, 64, 64), torch.randn(2, 8)
    torch.testing.assert_close(loaded(label_map, style), trained(label_map, style), atol=1e-5, rtol=1e-4)
    header = read_header(path)
    assert header["labels"] == "celebamask-hq"
    assert header["licence"] == "CC-BY-NC-SA-4.0"
    assert header["name"] == "x"


def test_half_precision_moves_the_picture_by_less_than_a_grey_level(trained: SpadeGenerator, tmp_path: Path) -> None:
    networks.save(tmp_path / "w.safetensors", {"generator": (SPEC, trained)})
    _, loaded = networks.load(tmp_path / "w.safetensors", ("generator",), torch.device("cpu"))["generator"]
    label_map, style = torch.rand(2, 19, 64, 64), torch.randn(2, 8)
    assert (loaded(label_map, style) - trained(label_map, style)).abs().max() * 127.5 < 1


def test_saving_does_not_change_the_network(trained: SpadeGenerator, tmp_path: Path) -> None:
    before = {name: value.clone() for name, value in trained.train().state_dict().items()}
    networks.save(tmp_path / "w.safetensors", {"generator": (SPEC, trained)})
    assert trained.training
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())


def test_wrong_and_damaged_files(trained: SpadeGenerator, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    networks.save(path, {"generator": (SPEC, trained)})
    with pytest.raises(WeightsError, match="holds generator, but no parser"):
        networks.load(path, ("parser",), torch.device("cpu"))
    save_file({"x": torch.zeros(1)}, tmp_path / "foreign.safetensors")
    with pytest.raises(WeightsError, match="not a facesynth weights file"):
        networks.load(tmp_path / "foreign.safetensors", ("parser",), torch.device("cpu"))
    other = GeneratorSpec(size=64, start=2, style_channels=9, width=4, max_width=16, spade_hidden=8, noise=True)
    networks.save(tmp_path / "mixed.safetensors", {"generator": (other, trained)})
    with pytest.raises(WeightsDamaged, match="do not fit their description"):
        networks.load(tmp_path / "mixed.safetensors", ("generator",), torch.device("cpu"))


def test_the_bytes_that_are_loaded_are_the_ones_compared(trained: SpadeGenerator, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    networks.save(path, {"generator": (SPEC, trained)})
    networks.load(path, ("generator",), torch.device("cpu"), sha256=sha256_file(path))
    with pytest.raises(WeightsError, match=r"w\.safetensors: the file changed while it was being read; run again"):
        networks.load(path, ("generator",), torch.device("cpu"), sha256="0" * 64)


@pytest.mark.parametrize(
    ("metadata", "kind", "said"),
    [
        ({"labels": "facer", "specs": "{}"}, WeightsError, "its label schema is 'facer', not 'celebamask-hq'"),
        ({"specs": "{}"}, WeightsError, "its label schema is None"),
        ({"labels": "celebamask-hq"}, WeightsDamaged, "its metadata holds no 'specs'"),
        ({"labels": "celebamask-hq", "specs": "{"}, WeightsDamaged, "do not fit their description"),
        ({"labels": "celebamask-hq", "specs": "3"}, WeightsDamaged, "do not fit their description"),
    ],
)
def test_metadata_is_read_before_it_is_believed(
    metadata: dict[str, str], kind: type[WeightsError], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"format": networks.FORMAT, **metadata})
    with pytest.raises(kind, match=said):
        networks.load(path, ("parser",), torch.device("cpu"))


def test_a_file_that_cannot_be_written_leaves_no_draft(
    trained: SpadeGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("facesynth.inference.networks.os.replace", fail)
    with pytest.raises(OutputError, match=r"/w\.safetensors: cannot be written \(No space left on device\); free some"):
        networks.save(tmp_path / "w.safetensors", {"generator": (SPEC, trained)})
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(trained: SpadeGenerator, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"/file/w\.safetensors: cannot be written .*; name a file that can be"):
        networks.save(tmp_path / "file" / "w.safetensors", {"generator": (SPEC, trained)})


def test_a_checkpoint_is_told_how_to_be_converted(tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(1)}, tmp_path / "79999_iter.pth")
    with pytest.raises(WeightsDamaged, match=r"run: facesynth weights convert .*79999_iter\.pth -o NEW\.safetensors"):
        networks.load(tmp_path / "79999_iter.pth", ("parser",), torch.device("cpu"))


def test_every_kind_of_network_is_built_from_its_spec() -> None:
    with torch.device("meta"):
        assert type(networks.build(ParserSpec())).__name__ == "ParserNet"
        assert type(networks.build(BisenetSpec())).__name__ == "Bisenet"
        assert type(networks.build(SPEC)).__name__ == "SpadeGenerator"
    with pytest.raises(TypeError, match="not the spec"):
        networks.build("parser")  # type: ignore[arg-type]


def test_the_same_network_gives_the_same_bytes(tmp_path: Path) -> None:
    spec = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)
    torch.manual_seed(0)
    network = networks.build(spec)
    about = {key: key.upper() for key in "qwertyuiop"}
    for index in range(4):
        networks.save(tmp_path / f"{index}.safetensors", {"parser": (spec, network)}, about=about)
    assert len({(tmp_path / f"{index}.safetensors").read_bytes() for index in range(4)}) == 1
    assert read_header(tmp_path / "0.safetensors").items() >= about.items()
    [(_, restored)] = networks.load(tmp_path / "0.safetensors", ("parser",), torch.device("cpu")).values()
    for name, value in restored.state_dict().items():
        wanted = network.state_dict()[name]
        assert torch.equal(value, wanted.half().float() if wanted.is_floating_point() else wanted)


def test_numbers_beyond_float16_are_kept(tmp_path: Path) -> None:
    spec = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)
    network = networks.build(spec)
    key = next(key for key in network.state_dict() if key.endswith("running_var"))
    network.state_dict()[key].fill_(1e5)
    networks.save(tmp_path / "w.safetensors", {"parser": (spec, network)})
    [(_, restored)] = networks.load(tmp_path / "w.safetensors", ("parser",), torch.device("cpu")).values()
    assert torch.equal(restored.state_dict()[key], network.state_dict()[key])
    kinds = [value.dtype for value in load_file(tmp_path / "w.safetensors").values() if value.is_floating_point()]
    assert kinds.count(torch.float32) == 1 and kinds.count(torch.float16) == len(kinds) - 1


def test_a_role_has_several_architectures_and_files_name_theirs(tmp_path: Path) -> None:
    specs: tuple[networks.Spec, ...] = (
        ParserSpec(size=64, pyramid_channels=8, detail_channels=8),
        BisenetSpec(width=2),
    )
    for index, spec in enumerate(specs):
        path = tmp_path / f"{index}.safetensors"
        network = networks.build(spec).eval()
        networks.save(path, {"parser": (spec, network)}, half=False)
        [(found, restored)] = networks.load(path, ("parser",), torch.device("cpu")).values()
        assert found == spec and type(restored) is type(network)
        face = torch.randn(1, 3, 64, 64)
        torch.testing.assert_close(restored(face), network(face))
    told = [json.loads(read_header(tmp_path / f"{index}.safetensors")["specs"])["parser"] for index in range(2)]
    assert told[0] == dataclasses.asdict(specs[0]), (
        "files of the first architecture stay as they were before others came"
    )
    assert told[1] == dataclasses.asdict(specs[1]) | {"architecture": "bisenet"}


@pytest.mark.parametrize(
    ("architecture", "kind", "said"),
    [
        ("vit", WeightsError, "architecture 'vit', .*does not know; it was made by a newer facesynth"),
        ("", WeightsError, "architecture ''"),
        (["bisenet"], WeightsDamaged, "do not fit their description"),
        ("bisenet", WeightsError, "described by detail_channels, .*does not know"),  # the other architecture's fields
    ],
)
def test_an_architecture_that_is_not_known_is_told(
    architecture: object, kind: type[WeightsError], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "w.safetensors"
    told = dataclasses.asdict(ParserSpec()) | {"architecture": architecture}
    metadata = {"format": networks.FORMAT, "labels": "celebamask-hq", "specs": json.dumps({"parser": told})}
    save_file({"x": torch.zeros(1)}, path, metadata=metadata)
    with pytest.raises(kind, match=said) as caught:
        networks.load(path, ("parser",), torch.device("cpu"))
    assert type(caught.value) is kind
