"""Parsers in and out of facesynth, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facesynth.core.image_files import write_photo
from facesynth.core.label_files import read_label_map
from tests.cli.test_main import ended
from tests.inference.exported_parsers import Like, drawn_face, export, own_parser


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with aligned faces, a parser of our own and one of another project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    for index in range(2):
        write_photo(drawn_face(index), tmp_path / "faces" / f"{index}.png")
    own_parser(tmp_path / "own.safetensors")
    export(tmp_path / "theirs.onnx", Like("segformer", "zllrunning"), (1, 3, 64, 64))
    return tmp_path


def segmented(out: str, *options: str) -> int:
    return ended(["segment", "faces", "-o", out, "--aligned", "--device", "cpu", "--quiet", *options])


def labels(folder: str) -> list[np.ndarray]:
    return [read_label_map(path).ids for path in sorted(Path(folder, "labels").glob("*.png"))]


def test_every_engine_writes_the_same_labels(place: Path) -> None:
    for engine in ("eager", "onnx", "openvino", "auto"):
        assert segmented(engine, "--parser", "own.safetensors", "--engine", engine, "--no-cache") == 0
        assert json.loads(Path(engine, "report.json").read_bytes())["settings"]["engine"] == engine
        for found, wanted in zip(labels(engine), labels("eager"), strict=True):
            assert np.mean(found == wanted) >= 0.999


def test_what_one_engine_made_another_finds(place: Path) -> None:
    for engine in ("onnx", "eager"):
        assert segmented(engine, "--parser", "own.safetensors", "--engine", engine) == 0
    counts = json.loads(Path("eager/report.json").read_bytes())["counts"]
    assert counts["cached"] == 2


def test_a_foreign_parser_is_run_in_its_own_order(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert segmented("none", "--parser", "theirs.onnx") == 2
    assert "theirs.onnx: the file does not say in which order its classes are; add --schema" in capsys.readouterr().err
    assert not Path("none").exists()
    options = ["--parser", "theirs.onnx", "--schema", "zllrunning", "--parser-input", "normalisation=0..1"]
    assert segmented("theirs", *options, "--write-schema", "facer", "--probabilities") == 0
    probabilities = np.load("theirs/probabilities/0.npz")["probabilities"]
    [at_label] = np.take_along_axis(probabilities, labels("theirs")[0][None].astype(int), 0)
    assert (at_label == probabilities.max(0)).all(), (
        "facer's ids are read as what they are, and the likeliest are the labels"
    )
    settings = json.loads(Path("theirs/report.json").read_bytes())["settings"]
    assert settings["schema"] == "zllrunning" and settings["outputs"]["schema"] == "facer"
    assert settings["parser_input"] == ["normalisation=0..1"]


def test_an_exported_parser_comes_back_without_any_declaration(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["weights", "export", "own.safetensors", "--format", "onnx", "-o", "own.onnx"]
    assert ended(arguments) == 0
    out, error = capsys.readouterr()
    assert out == "own.onnx\n" and "100.000% of labels are equal" in error and "input 64×64, rgb" in error
    assert ended(arguments) == 1
    assert "own.onnx: is there already; name another file, or add --force" in capsys.readouterr().err
    assert ended([*arguments, "--force"]) == 0
    assert segmented("own", "--parser", "own.safetensors") == segmented("exported", "--parser", "own.onnx") == 0
    for found, wanted in zip(labels("exported"), labels("own"), strict=True):
        assert np.mean(found == wanted) >= 0.999


def test_probabilities_of_labels_alone_are_refused_before_anything_is_written(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(place / "ids.onnx", Like("ids", "zllrunning"), (1, 3, 64, 64))
    options = ["--parser", "ids.onnx", "--schema", "zllrunning"]
    assert segmented("out", *options, "--probabilities") == 2
    assert "ids.onnx: this parser answers with labels, not with probabilities" in capsys.readouterr().err
    assert not list(Path("out").rglob("*.png")) and not list(Path("cache").rglob("*.png"))
    assert segmented("out", *options) == 0, "its labels are taken"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["segment", "faces", "-o", "out", "--schema", "facer"], "is --write-schema facer"),
        (["segment", "faces", "-o", "out", "--parser-input", "order=bgr"], "--parser-input is for a foreign parser"),
        (["segment", "faces", "-o", "out", "--parser-input", "order"], "use size=512"),
        (["segment", "faces", "-o", "out", "--engine", "tensorrt"], "--engine"),
        (["align", "faces", "-o", "out", "--engine", "onnx"], "is for label maps, made or painted"),
        (["weights", "export", "own.safetensors", "--format", "onnx", "-o", "x.xml"], "is called *.onnx"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_told_in_words(
    arguments: list[str], said: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(arguments) == 2
    assert said in capsys.readouterr().err and not Path("out").exists()
