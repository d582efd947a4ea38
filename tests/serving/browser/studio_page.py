"""The studio as a test sees it: what one does on the page, what it sends, and what is to be seen."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from facesynth.core.labels import PALETTE

pytest.importorskip("playwright", reason="the page is tested with Playwright: pip install 'facesynth[dev]'")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request

_NO_EXAMPLES = """
const ask = window.fetch;
window.fetch = (url, ...how) =>
    String(url).endsWith('/examples') ? Promise.resolve(Response.json({ examples: [] })) : ask(url, ...how);
"""
"""Without examples a page is ready at once. A route would do it too, and switch the browser's cache off."""

SIDE = 512
"""The side of the page's label map."""


class StudioPage:
    """A page that is open; points are given in parts of the label map's side, from 0 to 1."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.expected = ""
        page.on("request", self._requested)
        page.on("pageerror", self._failed)
        page.on("console", self._wrote)

    @classmethod
    def open(cls, browser: Browser, address: str, *, examples: bool = False, **context: Any) -> StudioPage:
        """Open a page of its own, with the server's examples or without, and wait for its first picture."""
        return cls.on(blank(browser, examples=examples, **context), address)

    @classmethod
    def on(cls, page: Page, address: str) -> StudioPage:
        """Open it in a page that is there, and wait for its first picture."""
        studio = cls(page)
        page.goto(address, wait_until="commit")
        studio.settle()
        return studio

    def close(self) -> None:
        """Close it, and the page. Raises AssertionError where it has reported errors without `expected` in them."""
        self.page.context.close()
        self._check()

    def leave(self, width: int, height: int) -> None:
        """Leave the page as it was before, for another test. Raises AssertionError like `close`."""
        page = self.page
        for event, listener in (
            ("request", self._requested),
            ("pageerror", self._failed),
            ("console", self._wrote),
        ):
            page.remove_listener(event, listener)
        page.unroute_all(behavior="ignoreErrors")
        page.mouse.up()
        page.mouse.move(2, 2)
        page.evaluate("localStorage.clear(); sessionStorage.clear()")
        page.set_viewport_size({"width": width, "height": height})
        self._check()

    def _check(self) -> None:
        unmeant = [error for error in self.errors if not self.expected or self.expected not in error]
        assert not unmeant, unmeant

    def settle(self) -> None:
        """Wait until the picture is of what there is now."""
        self.page.wait_for_selector("#picture-stage[data-state=ready]")

    def frames(self) -> None:
        """Wait until what was asked of the screen is on it."""
        self.page.evaluate("new Promise((on) => requestAnimationFrame(() => requestAnimationFrame(on)))")

    def rest(self) -> None:
        """Wait until colours and places have come to rest; what turns for ever is let be."""
        resting = "document.getAnimations().every((each) => each.effect.getTiming().iterations === Infinity)"
        self.until(lambda: bool(self.page.evaluate(resting)))

    def until(self, holds: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until something holds. Raises AssertionError where it does not come to."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end
            self.page.wait_for_timeout(30)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place of the label map in the window."""
        box = self.page.locator("#map").bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, *points: tuple[float, float], settle: bool = True) -> None:
        """Press the mouse at the first point, move it over the others, let it go."""
        mouse = self.page.mouse
        mouse.move(*self.at(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.at(*point), steps=4)
        mouse.up()
        if settle:
            self.settle()

    def click(self, x: float, y: float) -> None:
        """Click on a place of the label map."""
        self.drag((x, y))

    def press(self, *keys: str) -> None:
        """Press keys one by one."""
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, label: str) -> None:
        """Choose a label by its name as it is shown."""
        self.page.get_by_role("radio", name=label, exact=True).check(force=True)

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The label ids that the newest picture was asked for with, SIDE×SIDE."""
        bodies = [body for body in self.sent if "labels" in body]
        return ids_of(base64.b64decode(bodies[-1]["labels"]))

    @property
    def style(self) -> Any:
        """The style that the newest picture was asked for in."""
        return self.sent[-1]["style"]

    def shown(self) -> NDArray[np.uint8]:
        """The label ids that are to be seen: what colour the screen has at the middle of each pixel of the map.

        255 is none of the palette's colours.
        """
        self.page.mouse.move(2, 2)
        window = self.page.viewport_size
        assert window is not None
        if window["width"] >= 1366:  # large enough for each pixel of the map to have one of the screen
            self.page.set_viewport_size({"width": 1366, "height": 840})
        self.frames()
        image = Image.open(io.BytesIO(self.page.locator("#map").screenshot())).convert("RGB")
        self.page.set_viewport_size(window)
        assert image.width >= SIDE
        centres = (np.arange(SIDE) + 0.5) / SIDE
        pixels = np.asarray(image)[(centres * image.height).astype(int)][:, (centres * image.width).astype(int)]
        matches = (pixels[:, :, None, :] == PALETTE).all(axis=3)
        return np.where(matches.any(axis=2), matches.argmax(axis=2), 255).astype(np.uint8)

    def picture(self) -> NDArray[np.uint8]:
        """The picture that is shown, as the server sent it."""
        image = self.page.evaluate(
            """() => {
                const image = document.getElementById('picture');
                const sheet = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext('2d');
                sheet.drawImage(image, 0, 0);
                const { width, height, data } = sheet.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
                return { shape: [height, width, 4], data: [...data] };
            }""",
        )
        return np.array(image["data"], dtype=np.uint8).reshape(image["shape"])[..., :3]

    def module(self, script: str, argument: Any = None) -> Any:
        """What an async function of the page's own modules returns: `script` is its body, `given` its argument."""
        return self.page.evaluate(f"async (given) => {{ {script} }}", argument)

    def _failed(self, error: Error) -> None:
        self.errors.append(str(error))

    def _wrote(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def _requested(self, request: Request) -> None:
        if request.method == "POST" and "/synthesize" in request.url:
            self.sent.append(json.loads(request.post_data or "{}"))


def blank(browser: Browser, *, examples: bool = False, **context: Any) -> Page:
    """A page in a context of its own, in which the server has its examples or none; 1366×768 where nothing is said."""
    context.setdefault("viewport", {"width": 1366, "height": 768})
    page = browser.new_context(**context).new_page()
    if not examples:
        page.add_init_script(_NO_EXAMPLES)
    return page


def ids_of(png: bytes) -> NDArray[np.uint8]:
    """The ids of a label map's file, which must be a palette PNG in the palette's own colours."""
    image = Image.open(io.BytesIO(png))
    assert image.mode == "P"
    assert image.getpalette() == PALETTE.ravel().tolist()
    return np.asarray(image)


def inner(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """All but the border, which the map's round corners hide."""
    return ids[16:-16, 16:-16]
