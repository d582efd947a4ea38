"""A confusion matrix as a picture: a row a true class, where its pixels went, in per cent."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from facesynth.core.images import Photo
from facesynth.core.labels import NUM_LABELS, PALETTE, READABLE
from facesynth.core.lettering import line
from facesynth.evaluation.segmentation.evaluation import Evaluation, per_cent

_Colour = tuple[int, int, int]

_PAPER, _INK, _SOFT, _LINE, _ABSENT = (255, 255, 255), (28, 28, 30), (110, 110, 106), (222, 220, 213), (246, 245, 241)
_RIGHT: _Colour = (24, 92, 140)
_WRONG: _Colour = (178, 42, 28)
_CELL, _EDGE, _WORDS, _SHARES, _SWATCH = 58, 28, 178, 104, 16
_SMALL, _PLAIN, _LARGE = 15, 18, 25


def matrix_picture(evaluation: Evaluation) -> Photo:
    """Draw the 19×19 matrix, each row divided by its true pixels: right ones blue, wrong ones red.

    The shade grows with the root of the share, so that one per cent is seen. A class without true pixels has no row.
    """
    counts = evaluation.scores.matrix.counts
    left, top = _EDGE + _WORDS, _EDGE + 128 + _WORDS
    side = NUM_LABELS * _CELL
    image = Image.new("RGB", (left + side + _SHARES + _EDGE, top + side + 84), _PAPER)
    draw = ImageDraw.Draw(image)
    _write(draw, "Where the pixels of each class went", _EDGE, _EDGE + 12, _LARGE, _INK)
    _write(draw, evaluation.numbers(), _EDGE, _EDGE + 48, _PLAIN, _INK)
    for at, words in ((76, evaluation.compared()), (98, f"{evaluation.matrix_told()}, {evaluation.subject.told()}")):
        told = line(words, _SMALL).shortened(image.width - 2 * _EDGE)
        told.draw(draw, _EDGE, _EDGE + at, _SOFT)
    shares = counts.sum(1) / counts.sum()
    for label in range(NUM_LABELS):
        middle = top + (label + 0.5) * _CELL
        _names(image, draw, label, left, top)
        _row(draw, counts[label], label, left, top)
        _centred(draw, per_cent(float(shares[label])), left + side + _SHARES / 2, middle, _SMALL, _SOFT)
    draw.rectangle((left, top, left + side, top + side), outline=_SOFT)
    _centred(draw, "of all pixels", left + side + _SHARES / 2, top - 18, _SMALL, _SOFT)
    foot = top + side + 26
    _write(
        draw,
        "Rows: the true class. Columns: what it was parsed as. In per cent of the row.",
        _EDGE,
        foot,
        _SMALL,
        _SOFT,
    )
    _write(
        draw,
        "Empty: none. “·”: under half a per cent. Left and right are the subject’s.",
        _EDGE,
        foot + 24,
        _SMALL,
        _SOFT,
    )
    return Photo(np.asarray(image))


def _names(image: Image.Image, draw: ImageDraw.ImageDraw, label: int, left: int, top: int) -> None:
    """The class's name before its row and, turned, over its column, each beside its colour."""
    name, colour = line(READABLE[label], _PLAIN), tuple(PALETTE[label].tolist())
    middle = top + (label + 0.5) * _CELL
    name.draw(draw, left - 2 * 12 - _SWATCH - name.width, middle, _INK)
    draw.rectangle(_square(left - 12 - _SWATCH / 2, middle), fill=colour, outline=_SOFT)
    strip = Image.new("RGB", (math.ceil(name.width) + 4, _CELL), _PAPER)
    name.draw(ImageDraw.Draw(strip), 2, _CELL / 2, _INK)
    turned = strip.rotate(90, expand=True)
    start = left + label * _CELL
    image.paste(turned, (start, top - 2 * 12 - _SWATCH - turned.height))
    draw.rectangle(_square(start + _CELL / 2, top - 12 - _SWATCH / 2), fill=colour, outline=_SOFT)


def _square(x: float, y: float) -> tuple[float, float, float, float]:
    return x - _SWATCH / 2, y - _SWATCH / 2, x + _SWATCH / 2, y + _SWATCH / 2


def _row(draw: ImageDraw.ImageDraw, counts: NDArray[np.int64], label: int, left: int, top: int) -> None:
    total, y = int(counts.sum()), top + label * _CELL
    if not total:
        draw.rectangle((left, y, left + NUM_LABELS * _CELL, y + _CELL), fill=_ABSENT, outline=_LINE)
        _centred(draw, "no pixel of it is true", left + NUM_LABELS * _CELL / 2, y + _CELL / 2, _SMALL, _SOFT)
        return
    for said in range(NUM_LABELS):
        share, x = int(counts[said]) / total, left + said * _CELL
        strong = math.sqrt(share)
        fill = _mixed(_RIGHT if said == label else _WRONG, strong)
        draw.rectangle((x, y, x + _CELL, y + _CELL), fill=fill, outline=_LINE)
        if counts[said]:
            words = "·" if share < 0.005 else f"{100 * share:.0f}"
            _centred(draw, words, x + _CELL / 2, y + _CELL / 2, _PLAIN, _PAPER if strong > 0.6 else _INK)


def _mixed(colour: _Colour, share: float) -> _Colour:
    red, green, blue = (round(p + (c - p) * share) for p, c in zip(_PAPER, colour, strict=True))
    return red, green, blue


def _write(draw: ImageDraw.ImageDraw, words: str, left: float, middle: float, size: int, ink: _Colour) -> None:
    line(words, size).draw(draw, left, middle, ink)


def _centred(draw: ImageDraw.ImageDraw, words: str, x: float, y: float, size: int, ink: _Colour) -> None:
    shown = line(words, size)
    shown.draw(draw, x - shown.width / 2, y, ink)
