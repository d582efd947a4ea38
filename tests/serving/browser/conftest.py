"""One Chromium, one server and one page for all of these tests, and none after them: Playwright keeps an event loop.

A test fails where the studio reports an error that is not meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serving.running import listening

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.serving.browser.studio_page import StudioPage


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """A Chromium without a window, skipped where none is installed."""
    from playwright.sync_api import sync_playwright

    from tests.serving.browser.chromium import ARGUMENTS, EXECUTABLE

    if not Path(EXECUTABLE).exists():
        pytest.skip(f"there is no Chromium at {EXECUTABLE}: apt-get install chromium, or set FACESYNTH_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def address(chromium: Browser) -> Iterator[str]:
    """A server whose worker draws instead of painting: a picture's blue is its label, the rest its label's style."""
    from tests.serving.browser import drawn_regions

    with listening(drawn_regions.load) as address:
        yield address


@pytest.fixture(scope="package")
def laptop(chromium: Browser) -> Page:
    """The page of all tests at 1366×768: its cache is warm, so that each opens the studio in no time."""
    from tests.serving.browser.studio_page import blank

    return blank(chromium)


@pytest.fixture(scope="package")
def pocket(chromium: Browser) -> Page:
    """The page of all tests on a phone of 390×844 with touch."""
    from tests.serving.browser.studio_page import blank

    viewport = {"width": 390, "height": 844}
    return blank(chromium, viewport=viewport, has_touch=True, is_mobile=True, device_scale_factor=2)


@pytest.fixture
def studio(laptop: Page, address: str) -> Iterator[StudioPage]:
    """The studio at 1366×768, its first picture painted."""
    from tests.serving.browser.studio_page import StudioPage

    studio = StudioPage.on(laptop, address)
    yield studio
    studio.leave(1366, 768)


@pytest.fixture
def phone(pocket: Page, address: str) -> Iterator[StudioPage]:
    """The studio on a phone."""
    from tests.serving.browser.studio_page import StudioPage

    studio = StudioPage.on(pocket, address)
    yield studio
    studio.leave(390, 844)
