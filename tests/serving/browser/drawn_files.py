"""Files for the page, and dropping them."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from facesynth.core.image_files import encode_png
from facesynth.core.images import Photo
from tests.serving.browser.studio_page import StudioPage
from tests.serving.drawn_requests import photo_png

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload

_DROP = """({ selector, name, type, data }) => {
    const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type }));
    const target = document.querySelector(selector);
    for (const kind of ['dragover', 'drop']) {
        target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }
}"""


def photo(colour: tuple[int, int, int] = (140, 70, 28), width: int = 60, height: int = 60) -> FilePayload:
    """A flat photo of one drawn face, two where it is twice as wide as high."""
    return file("photo.png", "image/png", photo_png(colour, width, height))


def faceless() -> FilePayload:
    """A photo in which the drawn worker finds nobody: its first pixel is black."""
    pixels = np.full((60, 60, 3), 90, dtype=np.uint8)
    pixels[0, 0] = 0
    return file("faceless.png", "image/png", encode_png(Photo(pixels)))


def file(name: str, kind: str, data: bytes) -> FilePayload:
    """A file by its name, media type and bytes."""
    return {"name": name, "mimeType": kind, "buffer": data}


def drop(studio: StudioPage, selector: str, dropped: FilePayload) -> None:
    """Drop a file on an element of the page."""
    data = base64.b64encode(dropped["buffer"]).decode()
    given = {"selector": selector, "name": dropped["name"], "type": dropped["mimeType"], "data": data}
    studio.page.evaluate(_DROP, given)


def downloaded(studio: StudioPage, button: str) -> tuple[str, bytes]:
    """The name and bytes of what a button gives; one of the save menu is looked for there."""
    if studio.page.locator(f"#save {button}").count():
        studio.page.locator("#save-open").click()
    with studio.page.expect_download() as told:
        studio.page.locator(button).click()
    return told.value.suggested_filename, Path(told.value.path()).read_bytes()
