"""The report: counts, order, problems, the file."""

from __future__ import annotations

import importlib.metadata
import json

import pytest

from facesynth.report import HEAD_BYTES, Report, Row, Rows, installed_versions, starts_a_report

ROWS = [
    Row("b.jpg", "done", ("b_01.png",), part="face 10"),
    Row("c.jpg", "failed", reason="truncated"),
    Row("b.jpg", "cached", ("b_00.png",), part="face 9"),
    Row("a.jpg", "rejected", reason="no face found"),
]


def test_counts_and_exit_code() -> None:
    report = Report("align", rows=Rows(ROWS))
    assert report.counts == {"done": 1, "cached": 1, "rejected": 1, "failed": 1}
    assert report.summary() == "1 done, 1 cached, 1 rejected, 1 failed"
    assert report.exit_code == 3
    assert Report("align", rows=Rows(ROWS[:1])).exit_code == 0
    assert Report("align").summary() == "0 done"


def test_what_went_wrong_is_told_apart_in_the_order_of_inputs() -> None:
    assert [str(row.reason) for row in Rows(ROWS).problems] == ["no face found", "truncated"]
    assert not [*Rows(ROWS[:1]).problems]


def test_the_file_lists_items_in_the_order_of_inputs() -> None:
    written = json.loads(Report("align", {"size": 512}, Rows(ROWS), {"segment/parser": "0" * 64}, True).to_json())
    assert [(item["input"], item["part"]) for item in written["items"]] == [
        ("a.jpg", None), ("b.jpg", "face 9"), ("b.jpg", "face 10"), ("c.jpg", None),
    ]  # fmt: skip
    assert written["items"][1] == {
        "input": "b.jpg", "part": "face 9", "status": "cached", "outputs": ["b_00.png"], "reason": None,
    }  # fmt: skip
    assert written["complete"] and written["settings"] == {"size": 512}
    assert {"facesynth", "python", "numpy", "torch"} <= written["versions"].keys()


def test_a_report_is_known_by_how_it_starts() -> None:
    data = Report("align", rows=Rows(ROWS)).to_json()
    assert starts_a_report(data[:HEAD_BYTES]) and starts_a_report(json.dumps(json.loads(data)).encode())
    for other in (b"", b"{}", b'{"command": "align"}', b"\x89PNG\r\n", b'["command", "complete", "counts"]'):
        assert not starts_a_report(other)


def test_no_number_keeps_the_report_from_being_written() -> None:
    about = {"confidence": {"pixels": float("nan"), "parts": {"hair": float("inf"), "skin": 0.5}}}
    told = json.loads(
        Report("align", {"shares": (float("nan"), 1)}, Rows([Row("a.jpg", "done", about=about)])).to_json()
    )
    assert told["settings"] == {"shares": [None, 1]}
    assert told["items"][0]["confidence"] == {"pixels": None, "parts": {"hair": None, "skin": 0.5}}


def test_the_engines_that_may_have_computed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda package: "1.2")
    assert {"onnxruntime", "openvino", "opencv-python-headless"} <= installed_versions().keys()


def test_a_name_that_is_no_unicode_does_not_keep_the_report_from_being_written() -> None:
    assert b"\\udcff.jpg" in Report("align", rows=Rows([Row("\udcff.jpg", "failed", reason="x")])).to_json()
