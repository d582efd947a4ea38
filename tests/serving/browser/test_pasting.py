"""The picture back in its photo: looked at beside what was, softened, and saved as it is seen."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.serving.browser.drawn_files import downloaded, drop, photo
from tests.serving.browser.studio_page import StudioPage

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect

_NOTE_FIELDS = """
    window.fields = [];
    const append = FormData.prototype.append;
    FormData.prototype.append = function (name, value, ...more) {
        if (name === 'photo') window.fields.push({});
        if (window.fields.length) window.fields.at(-1)[name] = value instanceof Blob ? 'a file' : String(value);
        return append.call(this, name, value, ...more);
    };
"""


def opened(studio: StudioPage, width: int = 80) -> None:
    """Drop a photo of 60 pixels' height, and open the preview of its last face."""
    drop(studio, "body", photo((140, 70, 200), width=width, height=60))
    if width >= 120:
        studio.page.get_by_label(f"Face {width // 60} from the left").click()
    studio.page.wait_for_selector("#slot-a img")
    studio.settle()
    studio.module(_NOTE_FIELDS)
    studio.page.locator("#save-open").click()
    studio.page.locator("#save-photo").click()
    ready(studio)


def asked(studio: StudioPage, times: int) -> dict[str, str]:
    """The fields of the newest request for a photo, when there have been so many."""
    studio.until(lambda: studio.page.evaluate("window.fields.length") == times)
    ready(studio)
    fields: dict[str, str] = studio.page.evaluate("window.fields.at(-1)")
    return fields


def ready(studio: StudioPage) -> None:
    studio.page.wait_for_selector("#paste-save:enabled")
    studio.until(lambda: bool(studio.page.evaluate("document.getElementById('paste-after').complete")))
    studio.frames()


def seen(studio: StudioPage) -> NDArray[np.int_]:
    return np.asarray(
        Image.open(io.BytesIO(studio.page.locator("#paste-look").screenshot(animations="disabled"))).convert("RGB")
    ).astype(int)


def test_what_comes_from_no_photo_goes_back_into_none(studio: StudioPage) -> None:
    studio.page.locator("#save-open").click()
    assert studio.page.locator("#save-picture").is_visible()
    assert studio.page.locator("#save-photo").is_hidden()


def test_before_and_after_lie_beside_each_other_and_what_is_seen_is_saved(studio: StudioPage) -> None:
    opened(studio)
    studio.page.locator("#paste-divide").fill("50")
    pixels = seen(studio)
    row = pixels[pixels.shape[0] // 3]
    assert row[int(0.4 * len(row))].tolist() == [140, 70, 200]
    after = row[int(0.55 * len(row))]
    assert np.abs(after - (140, 70, 200)).max() > 30
    name, data = downloaded(studio, "#paste-save")
    pasted = Image.open(io.BytesIO(data)).convert("RGB")
    assert name == "photo.png" and pasted.size == (80, 60)
    assert np.abs(np.asarray(pasted)[20, 44].astype(int) - after).max() < 30
    assert studio.page.locator("#paste").is_hidden()


def test_the_edge_and_the_surroundings_are_made_as_chosen(studio: StudioPage) -> None:
    opened(studio)
    fields = asked(studio, 1)
    assert fields["labels"] == "a file" and fields["feather"] == "0.1"
    studio.page.locator("#paste-feather").fill("35")
    fields = asked(studio, 2)
    assert fields["labels"] == "a file" and fields["feather"] == "0.35"
    studio.page.locator("#paste-own").uncheck()
    fields = asked(studio, 3)
    assert "labels" not in fields and fields["feather"] == "0.35"


def test_a_small_face_is_seen_from_nearby(studio: StudioPage) -> None:
    opened(studio, width=240)
    near = studio.page.locator("#paste-near")
    assert near.get_attribute("aria-pressed") == "false"
    far = box(studio, "#paste-before")
    near.click()
    studio.rest()
    assert near.get_attribute("aria-pressed") == "true"
    look, image = box(studio, "#paste-look"), box(studio, "#paste-before")
    assert image["width"] > 1.4 * far["width"]
    middle = image["x"] + image["width"] * 210 / 240
    assert abs(middle - look["x"] - look["width"] / 2) < 3


def box(studio: StudioPage, part: str) -> FloatRect:
    """Where a part of the page lies."""
    found = studio.page.locator(part).bounding_box()
    assert found is not None
    return found


def test_what_was_looked_at_is_forgotten(studio: StudioPage) -> None:
    opened(studio)
    studio.press("Escape")
    assert studio.page.locator("#paste").is_hidden()
    studio.until(lambda: studio.page.locator("#paste img[src]").count() == 0)
