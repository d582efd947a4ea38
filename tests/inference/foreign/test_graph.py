"""What an ONNX file's bytes tell: weights in other files wherever they are, and outputs that may be logits."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facesynth.core.errors import UsageError, WeightsError
from facesynth.inference.foreign.header import metadata_of, read_metadata, refuse_labels_alone
from facesynth.stages.segment import SegmentStage
from tests.inference.exported_parsers import Like, TinyNet, export


def varint(number: int) -> bytes:
    """A number as protobuf writes it, the lowest 7 bits first."""
    return bytes([number & 0x7F | 0x80]) + varint(number >> 7) if number > 0x7F else bytes([number])


def message(number: int, content: bytes | int) -> bytes:
    """One field of a protobuf message."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def graph_with(tensor: bytes) -> dict[str, bytes]:
    """Models that hold a tensor in all places of tensors."""
    subgraph = message(5, tensor)
    sparse = message(1, tensor)
    attributes = {
        "attribute": message(5, tensor),
        "list": message(10, tensor),
        "sparse attribute": message(22, sparse),
        "branch": message(6, subgraph),
        "branches": message(11, subgraph),
    }
    nodes = {name: message(1, message(5, attribute)) for name, attribute in attributes.items()}
    graphs = {"initializer": subgraph, "sparse": message(15, sparse), **nodes}
    models = {name: message(7, graph) for name, graph in graphs.items()}
    function = message(25, message(7, message(5, message(5, tensor))))
    return {**models, "function": message(7, b"") + function}


PLACES = sorted(graph_with(b""))


@pytest.mark.parametrize("place", PLACES)
def test_weights_in_other_files_are_refused_wherever_they_are(place: str) -> None:
    outside = message(8, b"w") + message(13, b"") + message(14, 1)
    with pytest.raises(WeightsError, match=r"^p\.onnx: keeps its weights in other files; save it as one file: onnx\.s"):
        metadata_of(graph_with(outside)[place], "p.onnx")
    inside = message(8, b"w") + message(9, b"\1\2\3\4") + message(14, 0)
    assert metadata_of(graph_with(inside)[place], "p.onnx") == {}


def test_a_file_with_its_weights_beside_it_is_refused_when_the_stage_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    path = export(tmp_path / "p.onnx", TinyNet(), (1, 3, 64, 64))
    assert SegmentStage(str(path), schema="facer").config["schema"] == "facer"
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="p.data", size_threshold=0)
    assert os.listdir(tmp_path) != ["p.onnx"]
    monkeypatch.chdir(tmp_path)  # where the library would find them
    with pytest.raises(WeightsError, match="keeps its weights in other files"):
        SegmentStage(str(path), schema="facer")
    onnx.save(onnx.load(path), tmp_path / "one.onnx")
    assert SegmentStage(str(tmp_path / "one.onnx"), schema="facer").config["schema"] == "facer"


def test_deep_nesting_is_read_and_damage_inside_is_told() -> None:
    deep = b""
    for _ in range(2000):
        deep = message(1, message(5, message(6, deep)))
    assert metadata_of(message(7, deep), "p.onnx") == {}, "without a recursion, which would end"
    with pytest.raises(WeightsError, match="is not a whole ONNX file"):
        metadata_of(message(7, b"\x2a\x05\x00"), "p.onnx")


@pytest.mark.parametrize("form", ["segformer", "channels-last output", "features first", "softmax"])
@pytest.mark.parametrize("dynamic", [(), (0, 2, 3)])
def test_logits_are_no_labels(form: str, dynamic: tuple[int, ...], tmp_path: Path) -> None:
    refuse_labels_alone(export(tmp_path / "p.onnx", Like(form, "facer"), (1, 3, 64, 64), dynamic=dynamic))


@pytest.mark.parametrize("dynamic", [(), (0, 2)])
def test_labels_alone_are_known_without_running_the_graph(dynamic: tuple[int, ...], tmp_path: Path) -> None:
    path = export(tmp_path / "p.onnx", Like("ids", "facer"), (1, 3, 64, 64), dynamic=dynamic)
    with pytest.raises(UsageError, match=r"p\.onnx: this parser answers with labels, not with probabilities"):
        refuse_labels_alone(path)
    assert read_metadata(path) == {}
