"""Brush, eraser, fill and the other tools: what is drawn is what is sent, and what is seen."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.labels import FLIP_TABLE, Label
from tests.serving.browser.studio_page import SIDE, StudioPage, inner


def test_a_stroke_is_drawn_sent_and_painted(studio: StudioPage) -> None:
    before = studio.labels
    studio.choose("hat")
    studio.drag((0.3, 0.2), (0.7, 0.2))
    changed = studio.labels != before
    assert set(np.unique(studio.labels[changed])) == {Label.HAT}
    rows, columns = np.nonzero(changed)
    assert rows.max() - rows.min() < 40
    assert columns.min() < 0.31 * SIDE and columns.max() > 0.69 * SIDE
    centres = ((np.arange(32) + 0.5) * SIDE / 32).astype(int)
    assert (studio.picture()[..., 2] == studio.labels[centres][:, centres]).mean() > 0.97


def test_what_is_seen_is_what_was_sent(studio: StudioPage) -> None:
    for label, y in (("hair", 0.15), ("eyeglasses", 0.45), ("necklace", 0.85)):
        studio.choose(label)
        studio.drag((0.2, y), (0.8, y + 0.05))
    assert np.array_equal(inner(studio.shown()), inner(studio.labels))


def test_no_stroke_mixes_colours_at_its_edge(studio: StudioPage) -> None:
    before = set(np.unique(studio.labels))
    studio.choose("cloth")
    studio.press("[", "[", "[")
    studio.drag((0.1, 0.13), (0.83, 0.71), (0.2, 0.9))
    assert set(np.unique(studio.labels)) <= before | {int(Label.CLOTH)}
    assert 255 not in inner(studio.shown())


def test_brush_size_by_wheel_and_brackets(studio: StudioPage) -> None:
    def drawn() -> int:
        before = studio.labels
        studio.choose("hat")
        studio.drag((0.08, 0.08))
        area = int((studio.labels != before).sum())
        studio.press("Control+z")
        studio.settle()
        return area

    small = drawn()
    studio.press("]", "]", "]")
    larger = drawn()
    studio.page.mouse.move(*studio.at(0.5, 0.5))
    studio.page.mouse.wheel(0, -300)
    largest = drawn()
    studio.page.mouse.move(*studio.at(0.5, 0.5))
    for _ in range(9):
        studio.page.mouse.wheel(0, 100)
    assert small < larger < largest
    assert 0 < drawn() < small


def test_eraser_leaves_background(studio: StudioPage) -> None:
    studio.press("e")
    studio.drag((0.5, 0.55), (0.5, 0.7))
    assert studio.labels[int(0.6 * SIDE), SIDE // 2] == Label.BACKGROUND


def test_fill_fills_one_area(studio: StudioPage) -> None:
    before = studio.labels
    studio.press("f")
    studio.choose("eyeglasses")
    eye = np.argwhere(before == Label.L_EYE).mean(axis=0) / SIDE
    studio.click(eye[1], eye[0])
    assert np.array_equal(studio.labels, np.where(before == Label.L_EYE, Label.EYE_G, before))


@pytest.mark.parametrize("mirrored", [False, True])
def test_replace_replaces_everywhere(studio: StudioPage, mirrored: bool) -> None:
    before = studio.labels
    eye = np.argwhere(before == Label.L_EYE).mean(axis=0) / SIDE
    if mirrored:
        studio.press("x")
    studio.press("r")
    studio.choose("left brow")
    studio.click(eye[1], eye[0])
    wanted = np.where(before == Label.L_EYE, Label.L_BROW, before)
    if mirrored:
        wanted = np.where(before == Label.R_EYE, Label.R_BROW, wanted)
    assert np.array_equal(studio.labels, wanted)


def test_left_and_right_take_each_others_place(studio: StudioPage) -> None:
    before = studio.labels
    eye = np.argwhere(before == Label.R_EYE).mean(axis=0) / SIDE
    studio.press("x", "r")
    studio.choose("left eye")
    studio.click(eye[1], eye[0])
    swapped = np.where(before == Label.R_EYE, Label.L_EYE, np.where(before == Label.L_EYE, Label.R_EYE, before))
    assert np.array_equal(studio.labels, swapped)


def test_eyedropper_takes_the_label_under_it(studio: StudioPage) -> None:
    before = studio.labels
    x, y = studio.at(0.5, 0.1)
    studio.page.mouse.move(x, y)
    studio.page.keyboard.down("Alt")
    studio.page.mouse.click(x, y)
    studio.page.keyboard.up("Alt")
    studio.settle()
    assert np.array_equal(studio.labels, before)
    assert before[int(0.1 * SIDE), SIDE // 2] == Label.HAIR
    assert studio.page.get_by_role("radio", name="hair", exact=True).is_checked()
    studio.press("i")
    studio.click(0.5, 0.58)
    assert studio.page.get_by_role("radio", name="nose", exact=True).is_checked()


def test_mirror_draws_both_sides_and_swaps_left_and_right(studio: StudioPage) -> None:
    studio.press("x")
    studio.choose("left ear")
    before = studio.labels
    studio.drag((0.75, 0.2), (0.9, 0.3))
    changed = studio.labels != before
    assert np.array_equal(changed, changed[:, ::-1])
    assert set(np.unique(studio.labels[changed][:])) == {Label.L_EAR, Label.R_EAR}
    assert (studio.labels[:, SIDE // 2 :][changed[:, SIDE // 2 :]] == Label.L_EAR).all()
    mirrored = FLIP_TABLE[studio.labels[:, ::-1]]
    assert np.array_equal(mirrored[changed], studio.labels[changed])


def test_lasso_fills_what_it_went_around(studio: StudioPage) -> None:
    studio.press("l")
    studio.choose("hat")
    studio.drag((0.2, 0.05), (0.8, 0.05), (0.8, 0.2), (0.2, 0.2))
    inside = studio.labels[int(0.07 * SIDE) : int(0.18 * SIDE), int(0.22 * SIDE) : int(0.78 * SIDE)]
    assert (inside == Label.HAT).all()
    assert (studio.labels == Label.HAT).sum() == pytest.approx(0.6 * 0.15 * SIDE**2, rel=0.03)


def test_move_takes_a_part_along_and_leaves_what_is_far(studio: StudioPage) -> None:
    before = studio.labels
    studio.press("m", *"]]]]]")
    y, x = np.argwhere(before == Label.L_EYE).mean(axis=0) / SIDE
    studio.drag((x, y), (x, y - 0.03), (x, y - 0.06))
    eye, moved = np.argwhere(before == Label.L_EYE), np.argwhere(studio.labels == Label.L_EYE)
    assert moved.mean(axis=0) - eye.mean(axis=0) == pytest.approx((-0.06 * SIDE, 0), abs=2)
    assert len(moved) == pytest.approx(len(eye), rel=0.05)
    far = np.hypot(*(np.indices((SIDE, SIDE)) - np.array([y, x])[:, None, None] * SIDE)) > 0.35 * SIDE
    assert np.array_equal(studio.labels[far], before[far])


def test_an_escaped_stroke_has_never_been(studio: StudioPage) -> None:
    before = studio.labels
    studio.choose("hat")
    studio.page.mouse.move(*studio.at(0.3, 0.3))
    studio.page.mouse.down()
    studio.page.mouse.move(*studio.at(0.6, 0.6), steps=4)
    studio.press("Escape")
    studio.page.mouse.up()
    studio.settle()
    assert np.array_equal(studio.labels, before)
    assert studio.page.locator("#undo").is_disabled()


def test_zoomed_in_one_draws_under_the_pointer(studio: StudioPage) -> None:
    studio.choose("hat")
    studio.page.mouse.move(*studio.at(0.25, 0.25))
    studio.page.keyboard.down("Control")
    for _ in range(4):
        studio.page.mouse.wheel(0, -120)
    studio.page.keyboard.up("Control")
    before = studio.labels
    studio.click(0.25, 0.25)
    rows, columns = np.nonzero(studio.labels != before)
    assert (rows.mean() + 0.5, columns.mean() + 0.5) == pytest.approx((SIDE / 4, SIDE / 4), abs=1.5)
    studio.page.locator("#zoom").click()
    assert studio.page.locator("#zoom").is_hidden()
    assert np.array_equal(inner(studio.shown()), inner(studio.labels))


def test_a_label_pointed_at_lights_up(studio: StudioPage) -> None:
    studio.page.locator("#swatches").get_by_text("skin", exact=True).hover()
    studio.page.wait_for_timeout(100)
    lit = studio.module(
        "const c = document.getElementById('map'); const s = c.width / 512;"
        "return [[256, 30], [256, 200]].map(([x, y]) => [...c.getContext('2d').getImageData(x * s, y * s, 1, 1).data]);"
    )
    assert lit[1][:3] == [204, 0, 0]
    assert lit[0][:3] != [0, 0, 204]
