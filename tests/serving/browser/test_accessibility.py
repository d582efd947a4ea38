"""axe-core finds nothing, on every screen and in every dialog, light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.serving.browser.drawn_files import drop, faceless, photo
from tests.serving.browser.studio_page import StudioPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser

axe_playwright = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="faults are found with axe-core: pip install 'facesynth[dev]'"
)


def faults(studio: StudioPage) -> list[str]:
    """What axe-core finds, with the first elements it finds it at."""
    studio.page.wait_for_timeout(250)  # colours have come to rest
    found: Any = axe_playwright.Axe().run(studio.page)
    return [
        f"{fault['impact']}: {fault['id']}: {[node['html'][:100] for node in fault['nodes'][:3]]}"
        for fault in found.response["violations"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_the_page(chromium: Browser, address: str, scheme: Any, size: tuple[int, int]) -> None:
    viewport = {"width": size[0], "height": size[1]}
    studio = StudioPage.open(chromium, address, viewport=viewport, color_scheme=scheme, examples=True)
    studio.page.wait_for_selector("#slot-a img")
    studio.page.wait_for_selector("#strip li")
    studio.press("c", "x")
    assert faults(studio) == []
    studio.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialogs_menu_and_messages(chromium: Browser, address: str, scheme: Any) -> None:
    studio = StudioPage.open(chromium, address, color_scheme=scheme, examples=True)
    studio.page.wait_for_selector("#examples button >> nth=4", state="attached")
    for button in ("#start-open", "#help-open", "#save-open"):
        studio.page.locator(button).click()
        assert faults(studio) == [], button
        studio.press("Escape")
    drop(studio, "body", photo((28, 28, 28), width=120))
    studio.page.wait_for_selector("#choose[open]")
    assert faults(studio) == []
    studio.press("Escape")
    studio.expected = "422"
    drop(studio, "body", faceless())
    studio.page.wait_for_selector(".toast")
    assert faults(studio) == []
    studio.close()


def test_nothing_moves_for_those_who_want_it_still(chromium: Browser, address: str) -> None:
    studio = StudioPage.open(chromium, address, reduced_motion="reduce")
    duration = studio.page.evaluate(
        "getComputedStyle(document.getElementById('progress'), '::after').animationDuration"
    )
    assert duration == "0s"
    studio.close()


def test_every_tool_and_label_has_a_name(studio: StudioPage) -> None:
    names = studio.page.get_by_role("radio").evaluate_all(
        "all => all.map((one) => one.ariaLabel ?? one.parentElement.innerText)"
    )
    assert len(names) == 19 + 7 and all(names) and len(set(names)) == len(names)
    assert studio.page.get_by_role("application").count() == 1
    assert studio.page.get_by_role("radiogroup", name="Tool").count() == 1
