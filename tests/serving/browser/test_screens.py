"""Phones, tablets and laptops: all is there, nothing is cut off, fingers and pens draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from facesynth.core.labels import Label
from tests.serving.browser.drawn_files import drop, photo
from tests.serving.browser.studio_page import StudioPage, inner

SCREENS = {
    "laptop": (1366, 768),
    "wide": (1920, 1080),
    "tablet": (1024, 768),
    "upright": (820, 1180),
    "small tablet": (768, 1024),
    "window": (800, 700),
    "phone": (390, 844),
    "short": (390, 664),
    "small": (360, 640),
    "smallest": (320, 640),
}
PHONES = [SCREENS[name] for name in ("phone", "short", "small", "smallest")]


def test_nothing_is_cut_off_on_any_screen(studio: StudioPage) -> None:
    drop(studio, "#slot-b", photo())
    studio.page.wait_for_selector("#slot-b img")
    assert studio.page.locator("#regions").is_visible()
    for width, height in SCREENS.values():
        studio.page.set_viewport_size({"width": width, "height": height})
        studio.frames()
        check_screen(studio, width, height)


def test_a_phone_on_its_side_cuts_nothing_off(phone: StudioPage) -> None:
    phone.page.set_viewport_size({"width": 844, "height": 390})
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 844
    box = phone.page.locator("#map").bounding_box()
    assert box is not None and box["y"] + box["height"] < 390 and box["height"] > 190
    assert unreached(phone) == []


def test_a_thumb_reaches_labels_and_tools_without_scrolling(phone: StudioPage) -> None:
    for width, height in PHONES:
        phone.page.set_viewport_size({"width": width, "height": height})
        phone.page.evaluate("scrollTo(0, 0)")
        phone.frames()
        boxes = [phone.page.locator(part).bounding_box() for part in ("#map", ".tools", "#swatches")]
        bottoms = [box["y"] + box["height"] for box in boxes if box is not None]
        assert len(bottoms) == 3 and bottoms == sorted(bottoms) and bottoms[-1] <= height
        assert boxes[2] is not None and boxes[2]["y"] > 0.6 * height
        tools, swatches = boxes[1:]
        assert tools is not None and swatches is not None
        assert tools["y"] + tools["height"] <= swatches["y"], "no label covers a tool"
        styles, stage = phone.page.locator(".style").bounding_box(), boxes[0]
        assert styles is not None and stage is not None and styles["y"] + styles["height"] <= stage["y"]
        assert unreached(phone) == []


def test_regions_in_styles_of_their_own_leave_a_phone_as_wide_and_its_labels_in_reach(phone: StudioPage) -> None:
    for number, region in enumerate(("hair", "skin", "u_lip")):
        phone.page.get_by_label("Region", exact=True).select_option(region)
        drop(phone, "#regions", photo())
        phone.page.wait_for_selector(f"#regions li >> nth={number}")
    phone.settle()
    for width, height in PHONES[:3]:
        phone.page.set_viewport_size({"width": width, "height": height})
        phone.frames()
        check_screen(phone, width, height)
        box = phone.page.locator("#swatches").bounding_box()
        assert box is not None and box["y"] + box["height"] <= height


def test_a_window_at_twice_the_size_cuts_nothing_off(studio: StudioPage) -> None:
    studio.page.set_viewport_size({"width": 683, "height": 384})
    studio.frames()
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= 683
    assert stuck_out(studio) == []


def test_a_pen_finds_undo_and_redo_side_by_side(studio: StudioPage) -> None:
    studio.page.evaluate("document.getElementById('pressure').hidden = false")
    boxes = [studio.page.locator(button).bounding_box() for button in ("#undo", "#redo", "#tools")]
    assert len({round(box["y"]) for box in boxes if box is not None}) == 1


def test_dialogs_fit_a_phone(phone: StudioPage) -> None:
    drop(phone, "body", photo())
    phone.page.wait_for_selector("#slot-a img")
    phone.settle()
    for opener in ("#start-open", "#help-open", "#save-open"):
        phone.page.locator(opener).click()
        check_dialog(phone)
        phone.press("Escape")
    phone.page.locator("#save-open").click()
    phone.page.locator("#save-photo").click()
    phone.page.wait_for_selector("#paste-save:enabled")
    check_dialog(phone)


def check_dialog(phone: StudioPage) -> None:
    over = phone.page.evaluate(
        """() => [...document.querySelectorAll('dialog[open], dialog[open] *, .menu:popover-open *')]
            .filter((element) => element.checkVisibility() && !element.closest('.hidden, .layer'))
            .map((element) => [element.id || element.tagName, element.getBoundingClientRect()])
            .filter(([, box]) => box.left < -0.5 || box.right > 390.5).map(([name]) => name)"""
    )
    assert over == []
    assert unreached(phone, "dialog[open], .menu:popover-open") == []


def test_tab_goes_through_a_phone_from_top_to_bottom(phone: StudioPage) -> None:
    drop(phone, "body", photo())
    phone.page.wait_for_selector("#slot-a img")
    phone.page.wait_for_selector("#compare:enabled")
    phone.settle()
    reached: list[str] = []
    for _ in range(36):
        phone.press("Tab")
        reached.append(phone.page.evaluate("document.activeElement.id || document.activeElement.name || ''"))
    order = ["start-open", "help-open", "compare", "blend", "hide", "map", "tool", "radius", "undo", "label"]
    order.remove("undo")  # nothing was drawn: it is disabled
    assert [name for name in dict.fromkeys(reached) if name in order] == order


def test_what_is_read_first_is_what_is_seen_first_however_the_screen_is_turned(studio: StudioPage) -> None:
    parts = "[...document.querySelectorAll('main > section')].map((part) => part.className)"
    for width, height in ((390, 844), (1366, 768), (768, 1024), (844, 390)):
        studio.page.set_viewport_size({"width": width, "height": height})
        studio.frames()
        order = ["labels", "map", "picture"]
        wanted = order[::-1] if height > width else order
        studio.until(lambda wanted=wanted: studio.page.evaluate(parts) == wanted)  # type: ignore[misc]


def unreached(studio: StudioPage, within: str = "body") -> list[str]:
    """The controls that lie under something else, or beside the screen, when they are scrolled to."""
    unreached: list[str] = studio.page.evaluate(
        """(within) => [...document.querySelectorAll(within)].flatMap((part) =>
            [...part.querySelectorAll('button, a[href]:not(.skip), select, .tool, .swatch, input[type=range]')])
            .filter((element) => element.checkVisibility() && !element.disabled && !element.closest('.hidden'))
            .filter((element) => !document.querySelector('dialog[open]') || element.closest('dialog'))
            .filter((element) => {
                element.scrollIntoView({ block: 'center', inline: 'center' });
                const box = element.getBoundingClientRect();
                const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
                return !(top && (element.contains(top) || top.closest('label')?.contains(element)));
            })
            .map((element) => element.id || element.className || element.textContent)""",
        within,
    )
    return unreached


def check_screen(studio: StudioPage, width: int, height: int) -> None:
    assert studio.page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = {
        part: studio.page.locator(part).bounding_box()
        for part in ("#map", "#picture-stage", ".tools", ".style", ".bar")
    }
    for part, box in boxes.items():
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width + 0.5, part
    assert stuck_out(studio) == []
    stage, tools = boxes["#map"], boxes[".tools"]
    assert stage is not None and tools is not None
    assert stage["width"] == pytest.approx(stage["height"])
    assert stage["width"] >= 0.38 * min(width, height)
    assert tools["y"] + tools["height"] <= height, "the tools are seen without scrolling"
    overlaps = studio.page.evaluate(
        """() => {
            const boxes = [...document.querySelectorAll('button, .tool, .slot, input[type=range]')]
                .filter((element) => element.checkVisibility() && !element.closest('.slot button, #strip'))
                .map((element) => [element.id || element.className, element.getBoundingClientRect()]);
            return boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
                .filter(([, q]) => Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1
                    && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 1)
                .map(([b]) => `${a} over ${b}`))
                .filter((pair) => !pair.includes('slot'));
        }"""
    )
    assert overlaps == []


def stuck_out(studio: StudioPage) -> list[str]:
    """What sticks out of the part of the styles that holds it, and what of those lies over the slider."""
    found: list[str] = studio.page.evaluate(
        """() => {
            const box = (element) => element.getBoundingClientRect();
            const within = (inner, outer) => inner.left >= outer.left - 1 && inner.right <= outer.right + 1;
            const parts = [...document.querySelectorAll('.slot, .region, .mix, .regions, .style')];
            const out = parts.flatMap((part) => [...part.querySelectorAll('*')]
                .filter((one) => one.checkVisibility() && !one.closest('.hidden, .regions ul'))
                .filter((one) => !within(box(one), box(part)))
                .map((one) => `${one.id || one.className || one.tagName} out of ${part.id || part.className}`));
            const blend = box(document.getElementById('blend'));
            const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
            const over = [...document.querySelectorAll('.slot')].map(box).filter((slot) => meet(slot, blend));
            return over.length ? [...out, 'a slot over the slider'] : out;
        }"""
    )
    return found


class Fingers:
    """Fingers on the label map, by the browser's own input."""

    def __init__(self, studio: StudioPage) -> None:
        self.studio = studio
        self.session: Any = studio.page.context.new_cdp_session(studio.page)

    def __call__(self, kind: str, *points: tuple[float, float]) -> None:
        places = [self.studio.at(*point) for point in points]
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def test_a_finger_draws(phone: StudioPage) -> None:
    before = phone.labels
    phone.choose("hat")
    touch = Fingers(phone)
    touch("touchStart", (0.2, 0.2))
    for step in range(1, 9):
        touch("touchMove", (0.2 + step / 20, 0.2))
    touch("touchEnd")
    phone.settle()
    changed = phone.labels != before
    assert set(np.unique(phone.labels[changed])) == {Label.HAT}
    assert np.ptp(np.nonzero(changed)[1]) > 0.35 * 512
    assert phone.page.evaluate("scrollY") == 0
    assert np.array_equal(inner(phone.shown()), inner(phone.labels))


def test_two_fingers_zoom_and_draw_nothing(phone: StudioPage) -> None:
    before = phone.labels
    touch = Fingers(phone)
    touch("touchStart", (0.45, 0.5))
    touch("touchStart", (0.45, 0.5), (0.55, 0.5))
    for step in range(1, 6):
        touch("touchMove", (0.45 - step / 50, 0.5), (0.55 + step / 50, 0.5))
    touch("touchEnd")
    phone.settle()
    assert phone.page.locator("#zoom").inner_text() == "300 %"
    assert np.array_equal(phone.labels, before)
    assert phone.page.locator("#undo").is_disabled()


def test_a_pen_draws(studio: StudioPage) -> None:
    before = studio.labels
    studio.choose("hat")
    session: Any = studio.page.context.new_cdp_session(studio.page)
    for kind, x in (("mousePressed", 0.2), ("mouseMoved", 0.4), ("mouseMoved", 0.6), ("mouseReleased", 0.6)):
        left, top = studio.at(x, 0.3)
        how = {"type": kind, "x": left, "y": top, "button": "left", "buttons": 1, "pointerType": "pen", "clickCount": 1}
        session.send("Input.dispatchMouseEvent", how)
    studio.settle()
    assert np.ptp(np.nonzero(studio.labels != before)[1]) > 0.38 * 512


def test_targets_are_large_enough_for_fingers(phone: StudioPage) -> None:
    small = phone.page.evaluate(
        """() => [...document.querySelectorAll('button, .tool, .swatch, select')]
            .filter((element) => element.checkVisibility())
            .map((element) => [element.id || element.textContent, element.getBoundingClientRect()])
            .filter(([, box]) => Math.min(box.width, box.height) < 28).map(([name]) => name)"""
    )
    assert small == []


def test_settings_are_kept_and_drawings_are_not(studio: StudioPage) -> None:
    studio.press("]", "]", "]")
    size = studio.page.locator("#radius").input_value()
    studio.page.locator("#theme").click()
    before = studio.labels
    studio.choose("hat")
    studio.drag((0.1, 0.1), (0.6, 0.1))
    kept = studio.page.evaluate("JSON.parse(localStorage.getItem('facesynth-studio'))")
    assert set(kept) == {"radius", "theme", "pressure"} and kept["theme"] == "light"
    studio.page.reload()
    studio.settle()
    assert studio.page.locator("#radius").input_value() == size
    assert studio.page.evaluate("document.documentElement.dataset.theme") == "light"
    assert np.array_equal(studio.labels, before)
