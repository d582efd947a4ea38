"""From a stroke of the brush to its picture, and how smoothly the page draws meanwhile, in a real browser.

    python benchmarks/studio_strokes.py                         # a server and a Chromium of its own
    python benchmarks/studio_strokes.py --strokes 50 --seconds 20 --generator faces-256.safetensors

A server with the bundled weights is started, and a Chromium without a window, which Playwright drives: the mouse draws
on the label map of 512×512. Two things are measured, both inside the page and from outside of its code:

- strokes one by one: from the moment that the mouse lets go (the event's own time) to the first frame of the browser
  after the picture of what was drawn has taken the old one's place. A stroke takes about 300 ms; most pictures are
  asked for while it is drawn, so a second number tells how long a picture takes from any change to the screen: a flood
  fill, which is a single event.
- drawing without a pause for some seconds: the time from each frame of the browser to the next, the pictures that
  were shown meanwhile; before that, frames of the same page while nothing happens, which is what the machine gives.

Chromium draws by software here, on cores that it shares with the server and with Playwright, which sends every move
of the mouse: a laptop with a screen has more. `--url` measures a server elsewhere. Needs Chromium; see
tests/serving/browser/chromium.py.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright
from serve_load import started

from tests.serving.browser.chromium import ARGUMENTS, EXECUTABLE

_WATCH = """() => {
    const seen = { released: 0, pictures: [], frames: [], ready: 0, posts: [] };
    window.seen_ = seen;
    addEventListener('pointerup', (event) => { seen.released = event.timeStamp; }, { capture: true });
    const image = document.getElementById('picture');
    const stage = document.getElementById('picture-stage');
    const onScreen = (then) => requestAnimationFrame(() => setTimeout(() => then(performance.now()), 0));
    new MutationObserver(() => {
        const changed = performance.now();
        onScreen((now) => seen.pictures.push([changed, now]));
    }).observe(image, { attributeFilter: ['src'] });
    new MutationObserver(() => {
        if (stage.dataset.state === 'ready') onScreen((now) => { seen.ready = now; });
        else seen.ready = 0;
    }).observe(stage, { attributeFilter: ['data-state'] });
    let before = performance.now();
    const tick = (now) => { seen.frames.push(now - before); before = now; requestAnimationFrame(tick); };
    requestAnimationFrame(tick);
    new PerformanceObserver((list) => {
        for (const each of list.getEntries()) if (each.name.includes('/synthesize')) seen.posts.push(each.duration);
    }).observe({ type: 'resource' });
}"""
_WIDE = {"width": 1366, "height": 768}


class Studio:
    """The page, and the mouse on its label map; places are in parts of the map's side."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(url)
        page.wait_for_selector("#picture-stage[data-state=ready]", timeout=120_000)
        page.wait_for_timeout(3000)  # an example is opened, pictures of styles are painted
        page.wait_for_selector("#picture-stage[data-state=ready]", timeout=120_000)
        page.evaluate(_WATCH)
        box = page.locator("#map").bounding_box()
        assert box is not None
        self._box = box

    def seen(self, name: str) -> Any:
        """What the page has seen of something so far."""
        return self.page.evaluate(f"window.seen_.{name}")

    def forget(self) -> None:
        """Begin anew to note what is seen."""
        self.page.evaluate("Object.assign(window.seen_, { pictures: [], frames: [], posts: [], ready: 0 })")

    def at(self, x: float, y: float) -> None:
        """Move the mouse."""
        self.page.mouse.move(self._box["x"] + x * self._box["width"], self._box["y"] + y * self._box["height"])

    def choose(self, label: int) -> None:
        """Choose a label by its place among the swatches."""
        self.page.locator("#swatches input[type=radio]").nth(label).check(force=True)

    def to_picture(self) -> float:
        """Milliseconds from letting go to the frame with the newest picture; raises where none comes in 20 s."""
        end = time.monotonic() + 20
        while (spent := after_release(*(self.seen(name) for name in ("released", "ready", "pictures")))) is None:
            assert time.monotonic() < end, "no picture has come"
            self.page.wait_for_timeout(20)
        return spent


def after_release(released: float, ready: float, pictures: list[tuple[float, float]]) -> float | None:
    """Milliseconds from letting go to the last picture of what was drawn; None while that has not come.

    A page that was `ready` in the middle of a stroke shows less than was drawn.
    """
    shown = [shown for _, shown in pictures if released < shown <= ready + 1]
    return max(shown) - released if ready > released and shown else None


def curve(random: np.random.Generator, points: int) -> Iterator[tuple[float, float]]:
    """A stroke: an arc somewhere on the face."""
    x, y, turn, reach = random.uniform(0.3, 0.7), random.uniform(0.2, 0.8), random.uniform(0, 6.28), 0.12
    for point in range(points):
        angle = turn + 2 * point / points
        yield x + reach * math.cos(angle), y + reach * math.sin(angle)


def strokes(studio: Studio, count: int, random: np.random.Generator) -> dict[str, Any]:
    """What it takes from each of some strokes to its picture, and from a single click's fill."""
    drawn, filled = [], []
    for number in range(count):
        studio.choose([1, 13, 11, 2, 17][number % 5])
        studio.page.keyboard.press("b")
        studio.forget()
        path = list(curve(random, 18))
        studio.at(*path[0])
        studio.page.mouse.down()
        for point in path[1:]:
            studio.at(*point)
            studio.page.wait_for_timeout(16)
        studio.page.mouse.up()
        drawn.append(studio.to_picture())
        studio.page.keyboard.press("f")
        studio.choose([14, 0][number % 2])
        studio.at(0.02, 0.02)
        studio.forget()
        studio.page.mouse.down()
        studio.page.mouse.up()
        filled.append(studio.to_picture())
    return {"stroke_to_picture_ms": quantiles(drawn), "click_to_picture_ms": quantiles(filled)}


def frames(studio: Studio, seconds: float, drawing: bool) -> dict[str, Any]:
    """The browser's frames in some seconds, while the mouse draws or rests."""
    studio.choose(13)
    studio.page.keyboard.press("b")
    studio.at(0.5, 0.5)
    studio.forget()
    begun = time.perf_counter()
    if drawing:
        studio.page.mouse.down()
    moves = 0
    while (spent := time.perf_counter() - begun) < seconds:
        if drawing:
            studio.at(0.5 + 0.3 * math.cos(1.7 * spent), 0.5 + 0.3 * math.sin(2.3 * spent))
            moves += 1
            time.sleep(0.006)
        else:
            studio.page.wait_for_timeout(100)
    intervals, pictures, posts = (studio.seen(name) for name in ("frames", "pictures", "posts"))
    if drawing:
        studio.page.mouse.up()
    return {
        "frames_a_second": round(1000 * len(intervals) / sum(intervals), 1),
        "frame_ms": {**quantiles(intervals), "longer_than_25": sum(each > 25 for each in intervals)},
        "moves_a_second": round(moves / spent, 1),
        "pictures_a_second": round(len(pictures) / spent, 1),
        "request_ms": quantiles(posts),
    }


def quantiles(values: list[float]) -> dict[str, float]:
    """The middle, the 95th hundredth, and the longest."""
    named = (("median", 0.5), ("p95", 0.95), ("longest", 1.0))
    return {name: round(float(np.quantile(values, share)), 1) for name, share in named} if values else {}


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--strokes", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=10, help="of drawing without a pause")
    parser.add_argument("--generator", help="weights by name or file (default: bundled)")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    given = parser.parse_args()
    options = ["--generator", given.generator] if given.generator else []
    random = np.random.default_rng(0)
    with (
        contextlib.nullcontext((given.url, None)) if given.url else started(options) as (url, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(ARGUMENTS))
        studio = Studio(browser.new_context(viewport=_WIDE).new_page(), url)
        strokes(studio, 4, random)  # what is compiled at first use is so now; an odd number ends as the next one begins
        told = {
            **strokes(studio, given.strokes, random),
            "resting": frames(studio, 3, drawing=False),
            "drawing": frames(studio, given.seconds, drawing=True),
        }
        browser.close()
    print(json.dumps(told, indent=1))
    if given.json:
        given.json.write_text(json.dumps(told, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
