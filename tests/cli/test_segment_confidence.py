"""What `segment` tells of how sure the parser is: in the report, on the terminal, from the cache, as probabilities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesynth.core.image_files import write_photo
from facesynth.core.label_files import read_label_map
from facesynth.core.labels import LABEL_NAMES
from facesynth.inference import networks
from tests.cli.test_main import ended
from tests.inference.exported_parsers import Like, drawn_face, export
from tests.inference.outspoken_parser import BLACK, knowing_shades, outspoken_parser


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with two faces, one of them black, and a parser that was never shown a black one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    write_photo(drawn_face(), tmp_path / "faces" / "like.png")
    write_photo(BLACK, tmp_path / "faces" / "unlike.png")
    path = outspoken_parser(tmp_path / "plain.safetensors")
    networks.copy_with_likeness(path, tmp_path / "told.safetensors", knowing_shades(path))
    return tmp_path


def segmented(out: str, parser: str, *options: str) -> list[dict[str, Any]]:
    arguments = ["segment", "faces", "-o", out, "--aligned", "--device", "cpu", "--engine", "eager"]
    assert ended([*arguments, "--parser", parser, *options]) == 0
    items: list[dict[str, Any]] = json.loads(Path(out, "report.json").read_bytes())["items"]
    return items


def test_the_report_tells_of_each_face_and_the_terminal_in_one_line(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    like, unlike = segmented("out", "told.safetensors")
    told = capsys.readouterr().err
    assert told.count("with low confidence") == 1
    assert "2 faces with low confidence (below 0.90) and 1 face unlike those that the parser was trained on" in told
    for item in (like, unlike):
        assert item["status"] == "done" and "low confidence: the parser doubts its label map" in item["warnings"]
        assert 1 / 19 < item["confidence"]["pixels"] < 0.9 and item["confidence"]["parts"].keys() <= {*LABEL_NAMES}
    assert like["confidence"]["unlikeness"] < 1 < unlike["confidence"]["unlikeness"]
    assert len(like["warnings"]) == 1 and "unlike the faces that the parser was trained on" in unlike["warnings"]

    again = segmented("again", "told.safetensors")
    assert [item["status"] for item in again] == ["cached"] * 2
    for before, now in zip((like, unlike), again, strict=True):
        assert (now["confidence"], now["warnings"]) == (before["confidence"], before["warnings"])
    assert "2 faces with low confidence" in capsys.readouterr().err


def test_weights_that_tell_nothing_warn_of_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for item in segmented("out", "plain.safetensors"):
        assert "unlikeness" not in item["confidence"] and "unlike" not in " ".join(item["warnings"])
    assert "trained on" not in capsys.readouterr().err


def test_a_parser_that_gives_labels_alone_is_not_asked(place: Path) -> None:
    export(place / "ids.onnx", Like("ids", "facer"), (1, 3, 64, 64))
    arguments = ["segment", "faces", "-o", "out", "--aligned", "--parser", "ids.onnx", "--schema", "facer", "--quiet"]
    assert ended(arguments) == 0
    for item in json.loads(Path("out/report.json").read_bytes())["items"]:
        assert item["status"] == "done" and "confidence" not in item and "warnings" not in item


@pytest.mark.parametrize("status", ["done", "cached"])
def test_probabilities_are_whole(place: Path, status: str) -> None:
    for out in ("first", "out")[status == "done" :]:
        items = segmented(out, "plain.safetensors", "--probabilities", "--sheet")
    assert {item["status"] for item in items} == {status}
    assert all(f"probabilities/{name}.npz" in str(items) for name in ("like", "unlike"))
    for name, item in zip(("like", "unlike"), items, strict=True):
        with np.load(f"out/probabilities/{name}.npz", allow_pickle=False) as found:
            assert set(found) == {"probabilities", "names"} and tuple(found["names"]) == LABEL_NAMES
            likely = found["probabilities"]
        assert likely.shape == (19, 96, 96) and likely.dtype == np.uint8
        assert np.abs(likely.sum(0, dtype=int) - 255).max() <= 10, "19 roundings of at most a half"
        labels = read_label_map(Path("out", "labels", f"{name}.png")).ids
        at_label = np.take_along_axis(likely, labels[None].astype(int), 0)[0]
        assert (at_label.astype(int) >= likely.max(0).astype(int)).all()
        assert at_label.mean() / 255 == pytest.approx(item["confidence"]["pixels"], abs=0.1)
