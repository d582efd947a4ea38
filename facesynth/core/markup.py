"""Pieces of HTML that reports are made of: one file, no script, no network, light and dark, for any width."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from importlib import resources

from PIL import Image

from facesynth.core.labels import PALETTE

_QUALITY = 78


def page(title: str, lines: Iterable[str], *, style: str = "") -> str:
    """A whole page of these lines of HTML; `style` is CSS that its own rules need beside those of all pages."""
    shared = resources.files("facesynth.core").joinpath("page.css").read_text(encoding="utf-8")
    body = "\n".join(lines)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>\n{shared}{style}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def image_source(image: Image.Image) -> str:
    """An RGB image as a data: URI (JPEG), so that the page that shows it is one file."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY, optimize=True)
    return f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def text(value: object) -> str:
    """A value's words, escaped; names that are not valid Unicode stay legible."""
    return html.escape(str(value).encode("utf-8", "backslashreplace").decode("utf-8"))


def numbers(*values: int) -> str:
    """Cells of a table's row."""
    return "".join(f'<td class="num">{value:,}</td>' for value in values)


def colour(label: int) -> str:
    """A label's colour in the palette, as CSS writes it."""
    return "#{:02x}{:02x}{:02x}".format(*PALETTE[label].tolist())


def swatch(label: int) -> str:
    """A small square in a label's colour."""
    return f'<span class="swatch" style="background:{colour(label)}"></span>'


def bar(share: float, label: int | None = None) -> str:
    """A bar that is filled by a share from 0 to 1, in a label's colour where one is given."""
    if share <= 0:
        return '<span class="bar"></span>'
    filled = "" if label is None else f";background:{colour(label)}"
    return f'<span class="bar"><i style="width:{100 * min(1.0, share):.2f}%{filled}"></i></span>'


def picture(source: str | None, told: str) -> str:
    """An image, or a word in its place where there is none; `told` is what a screen reader says."""
    return f'<img src="{source}" alt="{text(told)}">' if source else '<span class="gone">gone</span>'


def framed(pictures: Sequence[str], caption: str) -> str:
    """Pictures side by side over a caption, which is HTML."""
    return f'<figure><div class="pictures">{"".join(pictures)}</div><figcaption>{caption}</figcaption></figure>'
