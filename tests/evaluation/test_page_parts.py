"""Pieces that the pages of all evaluations share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image

from facesynth.evaluation.page_parts import evaluation_html, facts, figure, left_out_list, series_key, small, views
from tests.datasets.inspection.test_page import Page


@dataclass(frozen=True)
class Left:
    file: str
    reason: str


def test_all_that_is_told_is_escaped() -> None:
    pieces = [
        figure("<b>", "<i>", "<u>"),
        facts([("<b>", "<i>")]),
        views([("<b>", None)], "<i>"),
        series_key(["<b>"]),
        *left_out_list([Left("<b>", "<i>")], ["<u>"]),
    ]
    page = Page("\n".join(pieces))
    assert page.text.count("<b>") == 5 and page.text.count("<i>") == 3 and page.text.count("<u>") == 2


@pytest.mark.parametrize("package", ["segmentation", "pictures", "comparison"])
def test_a_page_has_the_shared_style_and_its_packages_own(package: str) -> None:
    sections = [["<section><p>one</p>", "</section>"], iter(["<p>two</p>"])]
    source = evaluation_html("<t>", sections, packages=[f"facesynth.evaluation.{package}"])
    own = {"segmentation": ".matrix", "pictures": "table.scores", "comparison": ".versus"}[package]
    assert "dl.protocol" in source and own in source and Page(source).text == "<t> one two"


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_row_of_pictures_says_how_many_they_are_and_what_they_show(count: int) -> None:
    source = views([(f"seed {i}", "data:,") for i in range(count)], "a face")
    assert f"--views:{max(1, count)}" in source, "no grid has no columns"
    assert [image["alt"] for image in Page(source).images] == [f"seed {i} of a face" for i in range(count)]


def test_lists_that_are_long_are_cut_and_say_so_and_empty_ones_are_nothing() -> None:
    assert not [*left_out_list([], [])]
    long = Page("".join(left_out_list([Left(f"{i}.png", "why") for i in range(80)], [])))
    assert "49.png" in long.text and "50.png" not in long.text and "evaluation.json" in long.text
    assert "evaluation.json" not in Page("".join(left_out_list([Left("a", "b")], []))).text


def test_pictures_are_made_small_and_never_large() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 200, 3), dtype=np.uint8))
    assert small(image, 150, smooth=True).size == (100, 150) and small(image, 400, smooth=False).size == (200, 300)
    thin = np.zeros((400, 400, 3), np.uint8)
    thin[:, 201] = 255
    assert np.asarray(small(Image.fromarray(thin), 100, smooth=False)).max() > 0, "a thin line is not lost"
