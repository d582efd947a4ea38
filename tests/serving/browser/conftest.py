"""One Chromium and one server for all; a page a test, which fails where the page reports an error that is not meant."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serving.running import listening

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.serving.browser.studio_page import StudioPage


@pytest.fixture(scope="session")
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
    """A server whose worker draws instead of painting: a picture's blue is its label, the rest its style."""
    with listening() as address:
        yield address


@pytest.fixture
def studio(chromium: Browser, address: str) -> Iterator[StudioPage]:
    """The page at 1366×768, its first picture painted."""
    from tests.serving.browser.studio_page import StudioPage

    studio = StudioPage.open(chromium, address)
    yield studio
    studio.close()


@pytest.fixture
def phone(chromium: Browser, address: str) -> Iterator[StudioPage]:
    """The page on a phone of 390×844 with touch."""
    from tests.serving.browser.studio_page import StudioPage

    studio = StudioPage.open(
        chromium, address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    yield studio
    studio.close()
