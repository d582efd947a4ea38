"""Pens that press, fast hands and rested palms; and that no move of a pointer costs a layout."""

from __future__ import annotations

from typing import Any

import numpy as np

from facesynth.core.labels import Label
from tests.serving.browser.studio_page import SIDE, StudioPage


class Pen:
    """A pen on the label map, by the browser's own input."""

    def __init__(self, studio: StudioPage) -> None:
        self.studio = studio
        self.session: Any = studio.page.context.new_cdp_session(studio.page)

    def __call__(self, kind: str, x: float, y: float, force: float, buttons: int = 1) -> None:
        left, top = self.studio.at(x, y)
        how = {"type": kind, "x": left, "y": top, "buttons": buttons, "pointerType": "pen", "clickCount": 1}
        self.session.send("Input.dispatchMouseEvent", {**how, "button": "left", "force": force})

    def line(self, y: float, *forces: float) -> int:
        """Draw a line from left to right with these forces. Returns how many pixels it has changed."""
        before = self.studio.labels
        places = np.linspace(0.2, 0.8, len(forces))
        self("mousePressed", places[0], y, forces[0])
        for x, force in zip(places[1:], forces[1:], strict=True):
            self("mouseMoved", x, y, force)
        self("mouseReleased", places[-1], y, 0)
        self.studio.settle()
        return int((self.studio.labels != before).sum())


def test_a_pen_presses_as_hard_as_the_brush_is_wide(studio: StudioPage) -> None:
    pen = Pen(studio)
    studio.choose("hat")
    assert studio.page.locator("#pressure").is_hidden()
    light, hard = pen.line(0.1, *[0.04] * 6), pen.line(0.2, *[0.96] * 6)
    assert light < 0.5 * hard
    assert studio.page.locator("#pressure").is_visible()
    before = studio.labels
    pen.line(0.35, *np.linspace(0.03, 0.97, 9))
    heights = ((studio.labels != before) & (studio.labels == Label.HAT)).sum(axis=0)
    assert heights[int(0.75 * SIDE)] > 1.5 * heights[int(0.25 * SIDE)] > 0
    studio.press("p")
    off = [pen.line(y, *[force] * 6) for y, force in ((0.02, 0.04), (0.93, 0.96))]
    assert studio.page.locator("#pressure").get_attribute("aria-pressed") == "false"
    assert min(off) > light


def test_a_pen_that_does_not_tell_its_pressure_draws_the_whole_size(studio: StudioPage) -> None:
    studio.choose("hat")
    dumb = Pen(studio).line(0.05, *[0.5] * 4)
    before = studio.labels
    studio.drag((0.2, 0.2), (0.8, 0.2))
    assert studio.page.locator("#pressure").is_hidden()
    assert abs(dumb - int((studio.labels != before).sum())) < 0.1 * dumb


def test_a_palm_beside_the_pen_neither_draws_nor_takes_the_stroke_back(phone: StudioPage) -> None:
    before = phone.labels
    pen = Pen(phone)
    phone.choose("hat")
    pen("mousePressed", 0.2, 0.2, 0.5)
    for kind, points in (("touchStart", [{"x": 200, "y": 500, "id": 1}]), ("touchEnd", [])):
        pen.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    pen("mouseMoved", 0.7, 0.2, 0.5)
    pen("mouseReleased", 0.7, 0.2, 0)
    phone.settle()
    changed = np.nonzero(phone.labels != before)
    assert np.ptp(changed[1]) > 0.45 * SIDE and np.ptp(changed[0]) < 0.1 * SIDE


def test_a_fast_stroke_has_no_corners(studio: StudioPage) -> None:
    before = studio.labels
    studio.choose("hat")
    studio.press(*"[[[[[[")
    angles = np.deg2rad(np.arange(0, 361, 40))
    mouse = studio.page.mouse
    mouse.move(*studio.at(0.8, 0.5))
    mouse.down()
    for angle in angles[1:]:
        mouse.move(*studio.at(0.5 + 0.3 * np.cos(angle), 0.5 + 0.3 * np.sin(angle)))
    mouse.up()
    studio.settle()
    y, x = np.nonzero((studio.labels != before) & (studio.labels == Label.HAT))
    way = np.rad2deg(np.arctan2(y + 0.5 - SIDE / 2, x + 0.5 - SIDE / 2)) % 360
    reach = np.hypot(y + 0.5 - SIDE / 2, x + 0.5 - SIDE / 2)
    corner = reach[(np.abs(way - 120) < 2)].max()
    middle = reach[(np.abs(way - 140) < 2)].max()
    assert corner < 0.3 * SIDE, "the sample itself is cut: lines from sample to sample would go through it"
    assert abs(corner - middle) < 8


def test_moves_measure_nothing(studio: StudioPage) -> None:
    studio.choose("hat")
    studio.press(*"]]]]]]")
    mouse = studio.page.mouse
    mouse.move(*studio.at(0.2, 0.2))
    mouse.down()
    mouse.move(*studio.at(0.21, 0.21))
    studio.module(
        """
        window.measured = 0;
        const measure = Element.prototype.getBoundingClientRect;
        Element.prototype.getBoundingClientRect = function () { window.measured++; return measure.call(this); };
        """
    )
    for step in range(20):
        mouse.move(*studio.at(0.2 + step / 40, 0.2 + step / 50))
    mouse.up()
    mouse.move(*studio.at(0.5, 0.5))
    assert studio.module("return window.measured;") == 0
