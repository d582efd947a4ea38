"""Training curves: read from a run's own notes, thinned without losing a peak, drawn inside their charts."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from facesynth.evaluation.pictures.curve_charts import curve_charts
from facesynth.evaluation.pictures.curves import LARGEST, STATS, Curve, curves_of, training_curves
from facesynth.training.folder import RunFolder
from tests.datasets.inspection.test_page import Page


def test_curves_are_what_a_run_has_noted(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for nimg in (100, 200, 300):
        folder.write_stats(nimg, {"loss/kld": nimg / 100, "images_per_second": 5.0})
    folder.write_stats(300, {"validation/l1": 0.5})
    with folder.locked():  # which closes what it has opened
        pass
    assert training_curves(tmp_path) == (
        Curve("loss/kld", (100.0, 200.0, 300.0), (1.0, 2.0, 3.0)),
        Curve("validation/l1", (300.0,), (0.5,)),
    )


def test_what_cannot_be_read_is_passed_by(tmp_path: Path) -> None:
    lines = ['{"nimg": 10, "a": 1, "b": NaN, "c": "x", "d": true}', "[1]", '{"a": 3}', '{"nimg": 20, "a": 2', "", "7"]
    (tmp_path / STATS).write_text("\n".join([*lines, '{"nimg": 30, "a": 4}', '{"nimg": 30, "a": 5}']))
    assert training_curves(tmp_path) == (Curve("a", (10.0, 30.0), (1.0, 4.0)),)
    assert training_curves(tmp_path / "gone") == training_curves(None) == training_curves("\0") == ()


def test_numbers_that_no_chart_can_hold_are_passed_by(tmp_path: Path) -> None:
    values = ["1", "1.7e308", "-1.7e308", "1" + "0" * 400, "1e101", "2"]
    lines = [f'{{"nimg": {10 * i}, "a": {value}}}' for i, value in enumerate(values, 1)]
    (tmp_path / STATS).write_text("\n".join([*lines, '{"nimg": 1.7e308, "a": 3}']))
    assert training_curves(tmp_path) == (Curve("a", (10.0, 60.0), (1.0, 2.0)),)
    assert "2.000" in "".join(curve_charts({"run": training_curves(tmp_path)}))


def test_long_curves_keep_their_ends_and_peaks() -> None:
    rows = [{"nimg": float(i), "loss": math.sin(i / 500) + (9.0 if i == 5003 else -9.0 if i == 7001 else 0)}
            for i in range(10_000)]  # fmt: skip
    (curve,) = curves_of(rows)
    assert len(curve.images) < 250 and list(curve.images) == sorted(set(curve.images))
    assert (curve.images[0], curve.images[-1]) == (0.0, 9999.0)
    points = dict(zip(curve.images, curve.values, strict=True))
    assert points[5003.0] > 8 and points[7001.0] < -8
    assert all(rows[int(images)]["loss"] == value for images, value in points.items())


def drawn(runs: dict[str, tuple[Curve, ...]]) -> tuple[str, Page]:
    source = "\n".join(curve_charts(runs))
    return source, Page(source)


@pytest.mark.parametrize(
    "values",
    [
        (0.5, 0.25, 0.125),
        (3.0,),
        (2.0, 2.0),
        (0.0, 0.0),
        (-5.0, -4.5, 10.0),
        (1e-7, 1e-3, 1.0),
        (1e9, 2e9),
        (1.0, 1.0 + 1e-9),
        (-LARGEST, LARGEST),
        (5e-324, LARGEST),
        (-5e-324, 5e-324),
    ],
    ids=str,
)
def test_whatever_the_values_all_lies_within_the_chart(values: tuple[float, ...]) -> None:
    curve = Curve("loss", tuple(1000.0 * (i + 1) for i in range(len(values))), values)
    source, page = drawn({"run": (curve,)})
    width, height = map(int, re.findall(r'viewBox="0 0 (\d+) (\d+)"', source)[0])
    for shape in re.findall(r'points="([^"]+)"', source):
        for point in shape.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width and 0 <= y <= height
    assert [float(y) for y in re.findall(r'cy="([^"]+)"', source)] == pytest.approx([height / 2], abs=height / 2)
    assert all(0 <= float(y) <= height for y in re.findall(r'y[12]="([^"]+)"', source))
    assert page.tags.count("text") >= 2 and page.tags.count("circle") == 1
    assert ("logarithmic" in source) == (min(values) > 0 and max(values) / min(values) >= 100)


def test_higher_values_lie_higher_and_later_ones_to_the_right() -> None:
    for values in ((1.0, 3.0, 2.0), (1.0, 1000.0, 30.0)):
        source, _ = drawn({"run": (Curve("a", (1.0, 2.0, 3.0), values),)})
        shape = re.findall(r'points="([^"]+)"', source)[0]
        points = [tuple(map(float, point.split(","))) for point in shape.split()]
        assert [x for x, _ in points] == sorted(x for x, _ in points)
        assert points[0][1] > points[2][1] > points[1][1], "y grows downwards"


def test_runs_over_each_other_keep_their_colours_and_scores_come_first() -> None:
    loss, score = Curve("loss/a", (1.0, 2.0), (1.0, 2.0)), Curve("validation/x", (2.0,), (0.5,))
    source, page = drawn({"one": (loss, score), "<two>": (loss,), "three": ()})
    assert page.text.index("validation/x") < page.text.index("loss/a")
    assert "one" in page.text and "<two>" in page.text and "three" in page.text
    first, second = source.split("<figure")[1:]
    assert re.findall(r'<g class="(s\d)"', first) == ["s0"] and re.findall(r'<g class="(s\d)"', second) == ["s0", "s1"]
    assert "<two>: 2.000 after 2 images" in page.text and "script" not in page.tags


def test_many_measures_are_folded_and_none_is_lost() -> None:
    curves = (*(Curve(f"validation/iou/{i}", (1.0,), (0.5,)) for i in range(19)), Curve("loss", (1.0,), (1.0,)))
    _, page = drawn({"run": curves})
    assert page.tags.count("svg") == 20 and page.tags.count("details") == 1 and "19 more measures" in page.text
    assert drawn({"run": ()})[0] == ""
