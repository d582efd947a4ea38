"""Contact sheets: photos and label maps side by side, with titles."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from facesynth.core.errors import UsageError
from facesynth.core.image_files import MAX_PIXELS
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.lettering import line

_PAPER = (250, 250, 248)
_EMPTY = (238, 238, 235)
_INK = (45, 45, 50)
_TALLEST = 2
"""A sheet's height in widths above which its rows go on beside those at the top."""


def contact_sheet(
    rows: Sequence[Sequence[Photo | LabelMap | None]],
    *,
    cell: int = 256,
    titles: Sequence[str] = (),
    row_titles: Sequence[str] = (),
) -> Photo:
    """Lay images out in a grid of square cells of `cell` pixels, each scaled to fit and centred.

    Label maps are shown in the palette's colours, scaled by nearest; None leaves a cell empty. `titles` stand over
    the columns, `row_titles` before the rows; what is too long is shortened in the middle. A sheet that would be more
    than twice as tall as wide goes on at its top, in blocks side by side. Raises UsageError for a sheet without cells,
    or of more than MAX_PIXELS pixels.
    """
    columns = max((len(row) for row in rows), default=0)
    if not columns or cell < 16:
        raise UsageError("a contact sheet needs at least one image, and cells of 16 pixels or more")
    gap = max(4, cell // 32)
    size = max(11, cell // 14)
    names = [line(title, size) for title in row_titles[: len(rows)]]
    side = gap if not any(row_titles) else math.ceil(min(cell, max(name.width for name in names))) + 2 * gap
    head = 2 * size if any(titles) else gap
    step, block = cell + gap, side + columns * (cell + gap)
    blocks = next(n for n in range(1, len(rows) + 1) if _height(head, step, len(rows), n) <= _TALLEST * n * block)
    deep = math.ceil(len(rows) / blocks)
    width, height = blocks * block, head + deep * step
    if width * height > MAX_PIXELS:
        raise UsageError(
            f"a contact sheet of {width}×{height} pixels is too large", hint="use smaller cells or fewer rows"
        )

    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for first in range(0, len(rows), deep):
        start = first // deep * block + side
        for column, title in enumerate(titles[:columns]):
            fitted = line(title, size).shortened(cell)
            fitted.draw(draw, start + column * step + (cell - fitted.width) / 2, head / 2, _INK)
        for index, row in enumerate(rows[first : first + deep]):
            top = head + index * step
            if first + index < len(names):
                fitted = names[first + index].shortened(side - 2 * gap)
                fitted.draw(draw, start - gap - fitted.width, top + cell / 2, _INK)
            for column in range(columns):
                sheet.paste(_framed(row[column] if column < len(row) else None, cell), (start + column * step, top))
    return Photo(np.asarray(sheet))


def _height(head: int, step: int, rows: int, blocks: int) -> int:
    """The height of so many rows, `step` pixels each, in so many blocks."""
    return head + math.ceil(rows / blocks) * step


def _framed(item: Photo | LabelMap | None, cell: int) -> Image.Image:
    """A cell with the item scaled to fit and centred, or an empty one."""
    if item is None:
        return Image.new("RGB", (cell, cell), _EMPTY)
    scale = cell / max(item.width, item.height)
    scaled = item.resized(max(1, round(item.width * scale)), max(1, round(item.height * scale)))
    frame = Image.new("RGB", (cell, cell), _PAPER)
    picture = Image.fromarray(scaled.pixels if isinstance(scaled, Photo) else scaled.colours())
    frame.paste(picture, ((cell - picture.width) // 2, (cell - picture.height) // 2))
    return frame
