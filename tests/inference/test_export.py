"""Exported parsers: the file alone is enough to run them, and they say what the weights say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from facesynth.core.errors import OutputError, UsageError, WeightsError
from facesynth.core.refs import sha256_file
from facesynth.inference import export as exporting
from facesynth.inference import networks
from facesynth.inference.engines import graphs
from facesynth.inference.engines.seam import Task
from facesynth.inference.export import export_parser
from facesynth.inference.foreign.declaration import InputDeclaration
from facesynth.inference.foreign.header import read_metadata
from facesynth.inference.parser import Parser
from facesynth.models.specs import GeneratorSpec
from tests.inference.exported_parsers import drawn_face, own_parser

FACES = [drawn_face(0), drawn_face(1, 64)]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_parser(tmp_path_factory.mktemp("weights") / "own.safetensors")


@pytest.mark.parametrize("engine", ["auto", "openvino"])
def test_an_exported_parser_runs_without_any_declaration(engine: str, own: Path, tmp_path: Path) -> None:
    done = export_parser(own, tmp_path / "deep" / "p.onnx", "onnx")
    assert done.files == (tmp_path / "deep" / "p.onnx",) and done.agreement.holds
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["p.onnx"], "no draft is left"
    parser, wanted = Parser.load(done.files[0], engine=engine), Parser.load(own, engine="eager", device="cpu")
    for found, labels in zip(parser(FACES, batch_size=2), wanted(FACES), strict=True):
        assert np.mean(found.ids == labels.ids) >= 0.999


def test_its_metadata_say_where_it_comes_from_and_how_it_is_fed(own: Path, tmp_path: Path) -> None:
    done = export_parser(own, tmp_path / "p.onnx", "onnx")
    wanted = {
        "format": "facesynth-1", "labels": "celebamask-hq", "size": "64", "normalisation": "imagenet", "order": "rgb",
        "licence": "CC0-1.0", "sha256": sha256_file(own), "name": "own",
    }  # fmt: skip
    assert read_metadata(tmp_path / "p.onnx") == done.metadata == wanted


def test_the_same_weights_give_the_same_bytes(own: Path, tmp_path: Path) -> None:
    for name in ("a.onnx", "b.onnx"):
        export_parser(own, tmp_path / name, "onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_openvino_s_pair_of_files(own: Path, tmp_path: Path) -> None:
    import openvino

    done = export_parser(own, tmp_path / "p.xml", "openvino")
    assert [file.name for file in done.files] == ["p.xml", "p.bin"] and all(file.is_file() for file in done.files)
    model = openvino.Core().read_model(tmp_path / "p.xml")
    assert model.get_rt_info(["facesynth", "sha256"]).astype(str) == sha256_file(own)


def test_a_declaration_that_contradicts_the_file_is_told(own: Path, tmp_path: Path) -> None:
    [path] = export_parser(own, tmp_path / "p.onnx", "onnx").files
    with pytest.raises(UsageError, match="in celebamask-hq's order, not in facer's; leave --schema out"):
        Parser.load(path, schema="facer")
    with pytest.raises(UsageError, match="the graph takes 64×64"):
        Parser.load(path, declared=InputDeclaration(size=96))


def test_a_graph_that_computes_something_else_is_never_left_behind(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graphs.onnx_graph
    other = networks.load(own_parser(tmp_path / "x.safetensors", seed=1), ("parser",), torch.device("cpu"))
    monkeypatch.setattr(
        exporting, "onnx_graph", lambda task: graph(Task(
            network=other["parser"][1], shape=task.shape, device=task.device))
    )  # fmt: skip
    with pytest.raises(WeightsError, match="computes something else than PyTorch"):
        export_parser(own, tmp_path / "p.onnx", "onnx")
    assert [file.name for file in tmp_path.iterdir()] == ["x.safetensors"]


class _OnlyTheFirst(nn.Module):
    """A network that sees the first picture of a batch alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen: torch.Tensor = self.network(x[:1].expand_as(x))
        return seen


@pytest.mark.parametrize(("form", "name"), [("onnx", "p.onnx"), ("openvino", "p.xml")])
def test_a_graph_that_computes_single_faces_alone_is_refused(
    form: str, name: str, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = graphs.onnx_graph
    monkeypatch.setattr(
        exporting,
        "onnx_graph",
        lambda task: graph(dataclasses.replace(task, network=_OnlyTheFirst(task.network).eval())),
    )
    with pytest.raises(WeightsError, match="computes something else than PyTorch"):
        export_parser(own, tmp_path / name, form)


def test_a_graph_is_not_exported_again(own: Path, tmp_path: Path) -> None:
    export_parser(own, tmp_path / "p.onnx", "onnx")
    with pytest.raises(UsageError, match=r"p\.onnx: is an ONNX graph already"):
        export_parser(tmp_path / "p.onnx", tmp_path / "q.onnx", "onnx")


def test_what_cannot_be_exported_is_told(own: Path, tmp_path: Path) -> None:
    generator = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=8, spade_hidden=4)
    networks.save(tmp_path / "g.safetensors", {"generator": (generator, networks.build(generator))})
    with pytest.raises(WeightsError, match="holds generator, and no parser"):
        export_parser(tmp_path / "g.safetensors", tmp_path / "g.onnx", "onnx")
    with pytest.raises(UsageError, match=r"a file of format onnx is called \*\.onnx"):
        export_parser(own, tmp_path / "p.xml", "onnx")
    (tmp_path / "p.bin").write_bytes(b"mine")
    with pytest.raises(OutputError, match=r"p\.bin: is there already; name another file, or add --force"):
        export_parser(own, tmp_path / "p.xml", "openvino")
    export_parser(own, tmp_path / "p.xml", "openvino", replace=True)
    assert (tmp_path / "p.bin").read_bytes() != b"mine"
