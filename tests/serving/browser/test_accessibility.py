"""axe-core finds nothing, on every screen and in every dialog, light and dark."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from facesynth.core.label_files import encode_label_map
from tests.drawn_pairs import drawn_labels
from tests.serving.browser.drawn_files import drop, faceless, file, photo
from tests.serving.browser.studio_page import StudioPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

axe_playwright = pytest.importorskip(
    "axe_playwright_python.base", reason="faults are found with axe-core: pip install 'facesynth[dev]'"
)
AXE: str = axe_playwright.AXE_SCRIPT


def faults(studio: StudioPage, scheme: Any, part: str = "html") -> list[str]:
    """What axe-core finds in a part of the page, with the first elements it finds it at; in light or dark colours."""
    page = studio.page
    page.emulate_media(color_scheme=scheme)
    studio.rest()
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found: Any = page.evaluate("(part) => axe.run(part, { resultTypes: ['violations'] })", part)
    return [
        f"{fault['impact']}: {fault['id']}: {[node['html'][:100] for node in fault['nodes'][:3]]}"
        for fault in found["violations"]
    ]


def test_the_page_and_its_dialogs_light_and_dark(chromium: Browser, address: str) -> None:
    studio = StudioPage.open(chromium, address, examples=True)
    page = studio.page
    page.wait_for_selector("#examples button >> nth=4", state="attached")
    page.wait_for_selector("#slot-a img")
    page.wait_for_selector("#strip li")
    studio.press("c", "x", "Shift+h")
    for scheme in ("light", "dark"):
        assert faults(studio, scheme) == []
    for part in ("#start", "#help", "#save"):
        page.locator(f"{part}-open").click()
        for scheme in ("dark", "light"):
            assert faults(studio, scheme, part) == []
        studio.press("Escape")
    page.locator("#save-open").click()
    page.locator("#save-photo").click()
    page.wait_for_selector("#paste-save:enabled")
    for scheme in ("light", "dark"):
        assert faults(studio, scheme, "#paste") == []
    studio.press("Escape")
    drop(studio, "body", photo((28, 28, 28), width=120))
    page.wait_for_selector("#choose[open]")
    for scheme in ("dark", "light"):
        assert faults(studio, scheme, "#choose") == []
    studio.press("Escape")
    studio.expected = "422"
    drop(studio, "body", faceless())
    page.wait_for_selector(".toast")
    for scheme in ("light", "dark"):
        assert faults(studio, scheme, "#toasts") == []
    studio.close()


def test_the_page_on_a_phone_light_and_dark(phone: StudioPage) -> None:
    drop(phone, "body", photo())
    phone.page.wait_for_selector("#slot-a img")
    phone.settle()
    phone.press("c", "x", "h")
    for scheme in ("light", "dark", "light"):
        assert faults(phone, scheme) == []


def test_a_question_light_and_dark(studio: StudioPage) -> None:
    ids = base64.b64encode(encode_label_map(drawn_labels(4, 32))).decode()
    document = {"document": "facesynth-picture-1", "labels": ids, "style": None}
    drop(studio, "body", file("face.json", "application/json", json.dumps(document).encode()))
    studio.page.wait_for_selector("#ask[open]")
    for scheme in ("light", "dark", "light"):
        assert faults(studio, scheme, "#ask") == []
    studio.press("Escape")
    assert studio.page.locator("#undo").is_disabled()


def test_the_documentation_light_and_dark(laptop: Page, address: str) -> None:
    documentation = StudioPage(laptop)
    documentation.page.goto(f"{address}/docs")
    for scheme in ("dark", "light"):
        assert faults(documentation, scheme) == []


def test_nothing_moves_for_those_who_want_it_still(studio: StudioPage) -> None:
    studio.page.emulate_media(reduced_motion="reduce")
    duration = studio.page.evaluate(
        "getComputedStyle(document.getElementById('progress'), '::after').animationDuration"
    )
    studio.page.emulate_media(reduced_motion="no-preference")
    assert duration == "0s"


def test_every_tool_and_label_has_a_name(studio: StudioPage) -> None:
    names = studio.page.get_by_role("radio").evaluate_all(
        "all => all.map((one) => one.ariaLabel ?? one.parentElement.innerText)"
    )
    assert len(names) == 19 + 7 and all(names) and len(set(names)) == len(names)
    assert studio.page.get_by_role("application").count() == 1
    assert studio.page.get_by_role("radiogroup", name="Tool").count() == 1
