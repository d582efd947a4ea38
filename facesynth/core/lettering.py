"""Text in pictures: in Pillow's own font, where it lacks a letter in one of the system's, and else as an escape."""

from __future__ import annotations

import dataclasses
import os
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby, islice
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from PIL import ImageDraw, ImageFont, features

_Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont
_Colour: TypeAlias = tuple[int, int, int]

_FOLDERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
        "win32": ("C:/Windows/Fonts", "~/AppData/Local/Microsoft/Windows/Fonts"),
        "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    }
)
"""Where systems keep fonts, by sys.platform."""

_PREFERRED = ("dejavusans", "notosans-regular", "segoeui", "helvetica", "arial", "liberationsans-regular",
              "notosanscjk-regular", "pingfang", "msyh", "wqy-microhei", "droidsansfallbackfull", "arial unicode",
              "malgun", "notosansarabic-regular", "notosansdevanagari-regular", "notosansthai-regular")  # fmt: skip
"""File stems of plain, wide fonts, best first; after them any other is tried, those with a style in their name last."""

_STYLED = ("bold", "italic", "oblique", "light", "thin", "black", "mono", "condensed", "serif", "math", "symbol")
_USELESS = ("lastresort", "notdef", "blank", "emoji")  # boxes for everything, nothing for everything, pictures
_TRIED = 300
_NOBODYS = "\U0010ffff"  # a code point that no font has: drawn, it shows the font's box for missing letters
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: its letters, each with the font that has it. An escape such as `\\u738b` counts as a letter."""

    letters: tuple[tuple[str, _Font], ...]
    size: int

    @property
    def width(self) -> float:
        """In pixels."""
        return sum(font.getlength(text) for text, font in self._runs())

    def shortened(self, width: float) -> Line:
        """The line, or as many letters of its ends as fit: the ends of file names tell most."""
        keep, shown = len(self.letters), self
        while keep > 1 and shown.width > width:
            keep -= 1
            head, tail = self.letters[: (keep + 1) // 2], self.letters[len(self.letters) - keep // 2 :]
            # In the font beside it: right-to-left text has to be laid out in one piece.
            font = next(font for font in (head[-1][1], own_font(self.size)) if _has(font, _ELLIPSIS))
            shown = dataclasses.replace(self, letters=(*head, (_ELLIPSIS, font), *tail))
        return shown

    def draw(self, draw: ImageDraw.ImageDraw, left: float, middle: float, ink: _Colour) -> None:
        """Draw it from `left` on, centred on the height `middle`, whatever its letters: lines stand level."""
        bounds = own_font(self.size).getbbox("Ag", anchor="ls")
        baseline = middle - (bounds[1] + bounds[3]) / 2
        for text, font in self._runs():
            draw.text((left, baseline), text, ink, font, anchor="ls")
            left += font.getlength(text)

    def _runs(self) -> Iterator[tuple[str, _Font]]:
        for _, run in groupby(self.letters, key=lambda letter: id(letter[1])):
            letters = list(run)
            yield "".join(text for text, _ in letters), letters[0][1]


def line(text: str, size: int) -> Line:
    """Text at a size in pixels, in one font where one has all of it, else letter by letter.

    White space becomes spaces and what is invisible goes. A letter that no font has is shown without its accents, or
    else escaped as in Python.
    """
    text = "".join(" " if letter.isspace() else letter for letter in unicodedata.normalize("NFC", text))
    text = "".join(letter for letter in text if not _invisible(letter))
    shown = [piece for letter in text for piece in _showable(letter, size)]
    whole = next((font for font in _fonts(size) if all(_has_all(font, piece) for piece in shown)), None)
    letters: list[tuple[str, _Font]] = []
    for piece in shown:
        near = (letters[-1][1],) if letters else ()
        fonts = (whole,) if whole else (*near, *_fonts(size))
        letters.append((piece, next(font for font in fonts if _has_all(font, piece))))
    return Line(tuple(letters), size)


def _showable(letter: str, size: int) -> tuple[str, ...]:
    """The letter where a font has it, else the letters that it is made of without accents, else an escape."""
    if any(_has(font, letter) for font in _fonts(size)):
        return (letter,)
    plain = [part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)]
    if plain and all(_has(own_font(size), part) for part in plain):
        return tuple(plain)
    return (letter.encode("unicode_escape").decode("ascii"),)


def _invisible(letter: str) -> bool:
    return unicodedata.category(letter) == "Cf" or "\ufe00" <= letter <= "\ufe0f"  # joiners, variation selectors


@cache
def own_font(size: int) -> _Font:
    """Pillow's own font, which has ASCII and little more."""
    return ImageFont.load_default(size)


def _fonts(size: int) -> Iterator[_Font]:
    """Pillow's own font, then the system's as they are needed."""
    yield own_font(size)
    for path in system_fonts():
        if (font := _font_at(path, size)) is not None:
            yield font


@cache
def system_fonts() -> tuple[Path, ...]:
    """The system's fonts, those first that fit most names best; at most so many as may be tried in no time."""
    found: dict[str, Path] = {}
    for folder in _FOLDERS.get(sys.platform, _FOLDERS["linux"]):
        for place, _, names in sorted(os.walk(Path(folder).expanduser())):
            for name in names:
                path = Path(place, name)
                if path.suffix.lower() in (".ttf", ".otf", ".ttc") and not any(w in name.lower() for w in _USELESS):
                    found.setdefault(path.stem.lower(), path)
    return tuple(found[stem] for stem in islice(sorted(found, key=_rank), _TRIED))


def _rank(stem: str) -> tuple[int, bool, str]:
    known = _PREFERRED.index(stem) if stem in _PREFERRED else len(_PREFERRED)
    return known, any(word in stem for word in _STYLED), stem


@lru_cache(maxsize=4 * _TRIED)
def _font_at(path: Path, size: int) -> ImageFont.FreeTypeFont | None:
    try:
        return ImageFont.truetype(str(path), size)
    except (OSError, ValueError):  # a damaged file, or pictures in fixed sizes instead of letters
        return None


def _has_all(font: _Font, piece: str) -> bool:
    return all(_has(font, letter) for letter in piece)


@lru_cache(maxsize=100_000)
def _has(font: _Font, letter: str) -> bool:
    """Whether a font shows this letter as it is: not as its box for missing ones, not as nothing."""
    if letter == " ":
        return True
    if unicodedata.category(letter) in ("Cc", "Cs", "Co", "Cn"):
        return False
    if unicodedata.bidirectional(letter) in ("R", "AL", "AN") and not _lays_out_both_ways():
        return False  # it would come out backwards
    try:
        plain = _unshaped(font)
        shown = _image(plain, letter)
        return any(shown[1]) and shown != _image(plain, _NOBODYS)
    except OSError:  # a damaged font
        return False


@lru_cache(maxsize=4 * _TRIED)
def _unshaped(font: _Font) -> _Font:
    """The font with one picture a letter: shaping would add a circle to an accent that stands alone, and hide a box."""
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC) if isinstance(font, ImageFont.FreeTypeFont) else font


@cache
def _lays_out_both_ways() -> bool:
    return bool(features.check("raqm") and features.check("fribidi"))


def _image(font: _Font, letter: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(letter)
    return mask.size, bytes(mask)
