"""Draw the README's picture of the studio anew: python -m tests.serving.browser.readme_picture docs/images/studio.png

The bundled weights paint the first example, to which hair was drawn and whose smile was lifted. Needs Chromium.
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from facesynth.serving.worker.load import load_computing
from tests.serving.browser.chromium import ARGUMENTS, EXECUTABLE
from tests.serving.browser.studio_page import StudioPage
from tests.serving.running import listening


def draw(path: Path) -> None:
    """Write the picture, 1366×768 pixels."""
    with listening(load_computing, seconds=300, demo=True) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(ARGUMENTS))
        studio = StudioPage.open(browser, address, examples=True)
        page = studio.page
        page.wait_for_selector("#slot-a img", timeout=120_000)
        studio.settle()
        page.wait_for_selector("#strip li >> nth=0")
        page.wait_for_timeout(1500)
        studio.press("x", "m", *"]]]]")
        studio.drag((0.38, 0.7), (0.36, 0.67))
        page.wait_for_timeout(1500)
        studio.choose("hair")
        studio.press("b")
        studio.drag((0.16, 0.35), (0.13, 0.6), (0.14, 0.9))
        page.wait_for_timeout(1500)
        page.mouse.move(*studio.at(0.2, 0.75))
        studio.page.wait_for_timeout(600)
        path.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=path)
        studio.close()
        browser.close()


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
