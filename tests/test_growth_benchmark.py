"""How costs grow is measured point by point, each in a process, and README's table says what was measured."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def growth(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "growth", raising=False)
    return importlib.import_module("growth")


def answers(growth: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What points are asked for; each says that it took as many seconds as there were questions."""
    asked: list[tuple[str, ...]] = []

    def answered(command: list[str], **how: object) -> object:
        asked.append(tuple(command[2:5]))
        told = json.dumps({"seconds": len(asked), "rounds": 1, "peak_mib": 100 * int(command[3])})
        return type("Ended", (), {"stdout": told})

    monkeypatch.setattr(growth.subprocess, "run", answered)
    return asked


def test_a_point_is_what_its_process_says_in_as_many_rounds(
    growth: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answers(growth, monkeypatch)
    series = growth.Series("batch", "faces at once", "a face parsed", (1, 4), 2)
    points = growth.measured(series, rounds=3)
    assert asked == 3 * [("batch", "1", "2"), ("batch", "4", "2")], "in turns, so that a slow minute slows all"
    assert [(point.step, point.seconds, point.peak_mib) for point in points] == [(1, 3, 100), (4, 4, 400)]


def test_cores_are_those_of_the_machine(growth: ModuleType) -> None:
    steps = {series.name: series.steps for series in growth.all_series(6)}
    assert steps["cores, painting"] == steps["cores, parsing"] == (1, 2, 4, 6)
    assert {series.steps[0] for series in growth.all_series(1) if series.name.startswith("cores")} == {1}


def test_readme_s_table_takes_the_place_of_the_one_before(
    growth: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "HERE", tmp_path / "benchmarks")
    growth.HERE.mkdir()
    begin, end = growth.MARKS
    readme = tmp_path / "README.md"
    monkeypatch.setattr(growth, "README", readme)
    readme.write_text(f"before\n{begin}\nold\n{end}\nafter\n", encoding="utf-8")
    series = growth.Series("batch", "faces at once", "a `face` parsed", (1, 4), 2)
    every = {series: [growth.Point("batch", 1, 0.1234, 512.4), growth.Point("batch", 4, 0.05, 2000.0)]}
    for _ in range(2):
        growth.keep(every, list(growth.table(every)), "a machine")
    written = readme.read_text(encoding="utf-8")
    assert "| 1 | 123 | 512 |" in written and "| 4 | 50 | 2,000 |" in written
    assert "old" not in written and written.startswith("before\n") and written.endswith("\nafter\n")
    assert written.count("123") == 1
    kept = json.loads((growth.HERE / "results" / "growth.json").read_text(encoding="utf-8"))
    assert kept["machine"] == "a machine" and kept["points"][1]["seconds"] == 0.05
    drawn = ET.fromstring((growth.HERE / "results" / "growth.svg").read_text(encoding="utf-8"))
    lines = [line.attrib["points"].split() for line in drawn.iter("{http://www.w3.org/2000/svg}polyline")]
    assert len(lines) == 2 and all(len(line) == 2 for line in lines)
    readme.write_text("no place\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no place for the table"):
        growth.keep(every, [], "a machine")


def test_all_of_it_in_one_command(growth: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(growth, monkeypatch)
    monkeypatch.setattr(growth, "HERE", tmp_path)
    monkeypatch.setattr(growth, "README", tmp_path / "README.md")
    monkeypatch.setattr(sys, "argv", ["growth.py", "--write", "--rounds", "1"])
    growth.README.write_text("no place\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no place for the table"):
        growth.main()
    assert not asked, "it is said before an hour is spent"
    growth.README.write_text("\n".join(growth.MARKS), encoding="utf-8")
    growth.main()
    steps = [(series.name, str(step)) for series in growth.all_series(os.cpu_count() or 1) for step in series.steps]
    assert [one[:2] for one in asked] == steps
    rows = [line for line in growth.README.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert len(rows) == len(steps) + 1
