"""The keyboard alone: every tool, label and picture without a pointer."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.labels import Label
from tests.serving.browser.studio_page import SIDE, StudioPage


def focused(studio: StudioPage) -> str:
    return str(studio.page.evaluate("document.activeElement.id"))


def to_map(studio: StudioPage) -> None:
    """By the skip link, the first thing that Tab comes to."""
    studio.press("Tab", "Enter")
    assert focused(studio) == "map"


def test_a_face_is_changed_by_keys_alone(studio: StudioPage) -> None:
    before = studio.labels
    to_map(studio)
    studio.press("Shift+4", "Enter", *["ArrowRight"] * 6, "Enter")
    studio.settle()
    changed = studio.labels != before
    assert set(np.unique(studio.labels[changed])) == {Label.HAT}
    rows, columns = np.nonzero(changed)
    assert columns.max() - columns.min() >= 48
    assert SIDE // 2 in rows
    studio.press("Control+z")
    studio.settle()
    assert np.array_equal(studio.labels, before)
    studio.press("f", "Shift+ArrowUp", *["ArrowUp"] * 20, "Enter")
    studio.settle()
    assert (studio.labels == Label.HAT).sum() > 5000


def test_escape_takes_a_stroke_back(studio: StudioPage) -> None:
    before = studio.labels
    to_map(studio)
    studio.press("Shift+4", "Enter", "ArrowRight", "Escape", "ArrowRight")
    studio.settle()
    assert np.array_equal(studio.labels, before)


def test_lasso_and_move_by_keys(studio: StudioPage) -> None:
    to_map(studio)
    before = studio.labels
    studio.press("l", "Shift+4", "Enter", *["ArrowRight"] * 9, *["ArrowDown"] * 9, *["ArrowLeft"] * 9, "Enter")
    studio.settle()
    assert (studio.labels == Label.HAT).sum() == pytest.approx(72 * 72, rel=0.1)
    studio.press("m", "Enter", "ArrowUp", "ArrowUp", "Enter")
    studio.settle()
    assert not np.array_equal(studio.labels, before)


def test_digits_choose_labels_and_letters_tools(studio: StudioPage) -> None:
    for key, label in (("0", 0), ("7", 7), ("9", 9), ("Shift+0", 10), ("Shift+8", 18)):
        studio.press(key)
        assert studio.page.locator(f"#swatches input[value='{label}']").is_checked()
    tools = {"e": "eraser", "f": "fill", "l": "lasso", "r": "replace", "m": "move", "i": "pick", "b": "brush"}
    for key, tool in tools.items():
        studio.press(key)
        assert studio.page.locator(f"#tools input[value='{tool}']").is_checked()


def test_keys_that_a_field_needs_stay_there(studio: StudioPage) -> None:
    studio.page.get_by_label("First style: its seed").click()
    studio.press("Control+a", "4", "2")
    studio.settle()
    assert studio.style == {"seed": 42}
    assert studio.page.get_by_role("radio", name="hair", exact=True).is_checked()


def test_everything_is_reached_by_tab_in_the_order_of_the_page(studio: StudioPage) -> None:
    reached: list[str] = []
    for _ in range(40):
        studio.press("Tab")
        reached.append(
            studio.page.evaluate(
                "document.activeElement.id || document.activeElement.name || document.activeElement.ariaLabel || ''"
            )
        )
    order = ["start-open", "save-open", "theme", "help-open", "label", "map", "tool", "radius", "mirror", "blend"]
    assert [name for name in reached if name in order][: len(order)] == order


def test_the_focus_is_seen(studio: StudioPage) -> None:
    to_map(studio)
    outlines = []
    for _ in range(6):
        studio.press("Tab")
        outlines.append(
            studio.page.evaluate(
                "[document.activeElement, document.activeElement.parentElement]"
                ".some((element) => getComputedStyle(element).outlineStyle !== 'none')"
            )
        )
    assert all(outlines)


def test_dialogs_open_and_close_by_keys_and_give_the_focus_back(studio: StudioPage) -> None:
    studio.press("Tab", "Tab", "Enter")
    assert studio.page.locator("#start").is_visible()
    studio.press("Escape")
    assert studio.page.locator("#start").is_hidden()
    assert focused(studio) == "start-open"
    studio.press("?")
    assert studio.page.locator("#help").is_visible()
    studio.press("b", "Escape")
    assert studio.page.locator("#help").is_hidden()


def test_zoom_by_keys(studio: StudioPage) -> None:
    studio.press("+", "+")
    assert studio.page.locator("#zoom").inner_text() == "196 %"
    studio.press("-")
    assert studio.page.locator("#zoom").inner_text() == "140 %"
    studio.press("Home")
    assert studio.page.locator("#zoom").is_hidden()


def test_what_is_done_is_said(studio: StudioPage) -> None:
    to_map(studio)
    said = studio.page.locator("#announcer")
    studio.press("ArrowUp")
    assert said.inner_text() == "nose"
    studio.press("Enter")
    assert "Brush down" in said.inner_text()
    studio.press("Enter")
    studio.settle()
    studio.press("Control+z")
    studio.settle()
    studio.until(lambda: said.inner_text() in ("Brush undone", "the picture is painted"))
