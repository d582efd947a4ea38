"""The parsing stages' keys: what an ONNX parser adds to them, and that all others keep theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.errors import UsageError, WeightsError, WeightsMissing
from facesynth.core.faces import Face
from facesynth.core.labels import LabelMap
from facesynth.core.refs import sha256_file
from facesynth.inference.foreign.declaration import InputDeclaration
from facesynth.stages.segment import ProbabilitiesStage, SegmentStage
from tests.inference.exported_parsers import TinyNet, drawn_face, export


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("onnx")
    return str(export(folder / "p.onnx", TinyNet("zllrunning"), (1, 3, 64, 64)))


def test_own_weights_keep_the_keys_they_had() -> None:
    for stage in (SegmentStage, ProbabilitiesStage):
        for engine in ("auto", "eager", "openvino"):
            assert stage(engine=engine).config == {"precision": "float32"}


def test_what_is_declared_of_a_foreign_parser_is_in_its_key_and_the_engine_is_not(path: str) -> None:
    plain = SegmentStage(path, schema="zllrunning")
    assert plain.weights == {"parser": sha256_file(Path(path))}
    assert plain.config == {"precision": "float32", "schema": "zllrunning", "input": {}}
    assert SegmentStage(path, schema="facer").config != plain.config
    bgr = SegmentStage(path, schema="zllrunning", declared=InputDeclaration(order="bgr"))
    assert bgr.config["input"] == {"order": "bgr"}
    assert SegmentStage(path, schema="zllrunning", engine="openvino", batch_size=3).config == plain.config


def test_a_foreign_parser_parses(path: str) -> None:
    face = Face.from_aligned(drawn_face())
    for engine in ("auto", "openvino"):
        (found,) = SegmentStage(path, schema="zllrunning", engine=engine)([face])
        assert isinstance(found, LabelMap) and found.ids.shape == (96, 96)
    (probabilities,) = ProbabilitiesStage(path, schema="zllrunning")([face])
    assert getattr(probabilities, "shape", None) == (19, 96, 96)


def test_mistakes_are_told_before_anything_is_parsed(path: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="add --schema"):
        SegmentStage(path)
    with pytest.raises(UsageError, match="unknown label schema"):
        SegmentStage(path, schema="mine")
    with pytest.raises(UsageError, match="the bundled parser: --schema is the order of a foreign parser's classes"):
        SegmentStage(schema="facer")
    with pytest.raises(WeightsMissing):
        SegmentStage(str(tmp_path / "none.onnx"), schema="facer")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(WeightsError, match="is not a whole ONNX file"):
        SegmentStage(str(tmp_path / "text.onnx"), schema="facer")
