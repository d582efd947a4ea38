"""Undo and redo without end, and the strip of earlier pictures."""

from __future__ import annotations

import numpy as np

from tests.serving.browser.studio_page import StudioPage, inner


def test_undo_and_redo_go_through_every_step(studio: StudioPage) -> None:
    states = [studio.labels]
    for step in range(6):
        studio.choose(("hat", "cloth", "neck")[step % 3])
        studio.drag((0.1 + 0.1 * step, 0.3), (0.2 + 0.1 * step, 0.6))
        states.append(studio.labels)
    for state in reversed(states[:-1]):
        studio.press("Control+z")
        studio.settle()
        assert np.array_equal(studio.labels, state)
    assert studio.page.locator("#undo").is_disabled()
    for state in states[1:]:
        studio.page.locator("#redo").click()
        studio.settle()
        assert np.array_equal(studio.labels, state)
    assert studio.page.locator("#redo").is_disabled()
    assert np.array_equal(inner(studio.shown()), inner(states[-1]))


def test_a_new_stroke_forgets_what_was_undone(studio: StudioPage) -> None:
    studio.choose("hat")
    studio.drag((0.1, 0.1), (0.3, 0.1))
    studio.press("Control+z")
    studio.settle()
    assert studio.page.locator("#redo").is_enabled()
    studio.drag((0.1, 0.3), (0.3, 0.3))
    assert studio.page.locator("#redo").is_disabled()


def test_undo_in_mid_stroke_takes_back_the_stroke_alone(studio: StudioPage) -> None:
    studio.choose("hat")
    studio.drag((0.1, 0.1), (0.3, 0.1))
    drawn = studio.labels
    studio.page.mouse.move(*studio.at(0.1, 0.5))
    studio.page.mouse.down()
    studio.page.mouse.move(*studio.at(0.4, 0.5), steps=4)
    studio.press("Control+z")
    studio.page.mouse.up()
    studio.settle()
    assert np.array_equal(studio.labels, drawn)


def test_what_changes_nothing_is_no_step(studio: StudioPage) -> None:
    studio.press("f")
    studio.choose("hair")
    studio.click(0.5, 0.1)
    assert studio.page.locator("#undo").is_disabled()


def test_an_earlier_picture_comes_back_with_its_style_and_is_compared_with(studio: StudioPage) -> None:
    first, style = studio.labels, studio.style
    studio.page.wait_for_selector("#strip li")
    assert studio.page.locator("#compare").is_disabled()
    studio.choose("hat")
    studio.drag((0.1, 0.3), (0.9, 0.3))
    studio.press("n")
    studio.settle()
    later, rolled = studio.labels, studio.style
    studio.page.locator("#strip li button").last.click()
    studio.settle()
    assert np.array_equal(studio.labels, first) and studio.style == style
    studio.press("Control+z")
    studio.settle()
    assert np.array_equal(studio.labels, later) and studio.style == rolled
    studio.page.wait_for_selector("#strip li >> nth=1")
    studio.press("c")
    assert studio.page.locator("#reference").get_attribute("alt") == "the picture before"
    assert studio.page.locator("#divide").is_visible()


def test_hundreds_of_steps_take_little_memory(studio: StudioPage) -> None:
    held = studio.module(
        """
        const { History } = await import('/history.js');
        const { LabelMap } = await import('/labels/label_map.js');
        const { stroke } = await import('/labels/shapes.js');
        const map = new LabelMap(512);
        const history = new History();
        const first = map.ids.slice();
        for (let i = 0; i < 200; i++) {
            const before = new LabelMap(512, map.ids.slice());
            const rect = stroke(map, { x: i % 512, y: 0 }, { x: 511 - i % 512, y: 511 }, 20, 1 + i % 18);
            history.record(map, 'Brush', rect, before.cut(rect));
        }
        const last = map.ids.slice();
        const size = ({ changed }) => changed.ends.byteLength + changed.ids.byteLength;
        const bytes = history.done.map(size).reduce((a, b) => a + b);
        while (history.undo(map));
        const back = map.ids.every((id, i) => id === first[i]);
        while (history.redo(map));
        return { bytes, back, forth: map.ids.every((id, i) => id === last[i]) };
        """
    )
    assert held["back"] and held["forth"]
    assert held["bytes"] < 200 * 40_000
