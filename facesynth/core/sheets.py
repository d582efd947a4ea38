"""Contact sheets: photos and label maps side by side, with titles."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from facesynth.core.errors import UsageError
from facesynth.core.image_files import MAX_PIXELS
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap

_PAPER = (250, 250, 248)
_EMPTY = (238, 238, 235)
_INK = (45, 45, 50)
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def contact_sheet(
    rows: Sequence[Sequence[Photo | LabelMap | None]],
    *,
    cell: int = 256,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
) -> Photo:
    """Lay images out in a grid of square cells of `cell` pixels, each scaled to fit and centred.

    Label maps are shown in the palette's colours, scaled by nearest; None leaves a cell empty. `titles` stand over
    the columns, `row_titles` before the rows; what is too long is shortened in the middle. Raises UsageError for a
    sheet without cells, or of more than MAX_PIXELS pixels.
    """
    columns = max((len(row) for row in rows), default=0)
    if not columns or cell < 16:
        raise UsageError("a contact sheet needs at least one image, and cells of 16 pixels or more")
    gap = max(4, cell // 32)
    size = max(11, cell // 14)
    head = 2 * size if any(titles) else gap
    side = gap if not any(row_titles) else min(cell, _widest(row_titles, size)) + 2 * gap
    width, height = side + columns * (cell + gap), head + len(rows) * (cell + gap)
    if width * height > MAX_PIXELS:
        raise UsageError(
            f"a contact sheet of {width}×{height} pixels is too large", hint="use smaller cells or fewer rows"
        )

    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size)
    for column, title in enumerate(titles[:columns]):
        centre = side + column * (cell + gap) + cell // 2
        draw.text((centre, head // 2), _shortened(title, font, cell), _INK, font, anchor="mm")
    for index, row in enumerate(rows):
        top = head + index * (cell + gap)
        if index < len(row_titles):
            title = _shortened(row_titles[index], font, side - 2 * gap)
            draw.text((side - gap, top + cell // 2), title, _INK, font, anchor="rm")
        for column in range(columns):
            left = side + column * (cell + gap)
            item = row[column] if column < len(row) else None
            if item is None:
                draw.rectangle((left, top, left + cell - 1, top + cell - 1), _EMPTY)
                continue
            picture = _fitted(item, cell)
            sheet.paste(picture, (left + (cell - picture.width) // 2, top + (cell - picture.height) // 2))
    return Photo(np.asarray(sheet))


def _fitted(item: Photo | LabelMap, cell: int) -> Image.Image:
    scale = cell / max(item.width, item.height)
    scaled = item.resized(max(1, round(item.width * scale)), max(1, round(item.height * scale)))
    return Image.fromarray(scaled.pixels if isinstance(scaled, Photo) else scaled.colours())


def _widest(texts: Sequence[str], size: int) -> int:
    font = ImageFont.load_default(size)
    return max(round(font.getlength(_legible(text))) for text in texts)


def _legible(text: str) -> str:
    """Fold accents away: Pillow's own font knows ASCII alone."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _shortened(text: str, font: _Font, width: int) -> str:
    """The text, or as many characters of its ends as fit: the ends of file names tell most."""
    text = _legible(text)
    keep = len(text)
    shown = text
    while keep > 1 and font.getlength(shown) > width:
        keep -= 1
        shown = f"{text[: (keep + 1) // 2]}…{text[len(text) - keep // 2 :]}"
    return shown
