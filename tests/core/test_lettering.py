"""Text in pictures: every letter is shown by a font that has it, or spelled out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, features

from facesynth.core import lettering
from facesynth.core.lettering import Line, line

SIZE = 16
SYSTEM = pytest.mark.skipif(
    not any("DejaVuSans" in path.stem for path in lettering.system_fonts()), reason="needs the DejaVu fonts"
)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without fonts of its own."""
    monkeypatch.setattr(lettering, "system_fonts", tuple)


def shown(line: Line) -> str:
    return "".join(text for text, _ in line.letters)


def drawn(line: Line) -> NDArray[np.uint8]:
    image = Image.new("RGB", (600, 40), "white")
    line.draw(ImageDraw.Draw(image), 10, 20, (0, 0, 0))
    return np.asarray(image)[..., 0]


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("photo-1.jpg", "photo-1.jpg"),
        ("photo_王", r"photo_\u738b"),
        ("Пётр", r"\u041f\u0451\u0442\u0440"),
        ("naïve Café", "naive Cafe"),
        ("smile😀", r"smile\U0001f600"),
        ("bad\udcff", r"bad\udcff"),
        ("new\nline\ttab\u3000wide", "new line tab wide"),
        ("bell\x07", r"bell\x07"),
        ("a\u202eb\u200dc\ufe0f", "abc"),
        ("", ""),
    ],
)
def test_what_no_font_has_is_spelled_out(text: str, expected: str) -> None:
    assert shown(line(text, SIZE)) == expected


@settings(max_examples=150)
@given(st.text(st.characters(codec=None), max_size=12))
def test_no_box_is_ever_drawn(text: str) -> None:
    found = line(text, SIZE)
    drawn(found)
    for letters, font in found.letters:
        assert isinstance(font, ImageFont.FreeTypeFont)
        plain = font.font_variant(layout_engine=ImageFont.Layout.BASIC)
        box = plain.getmask("\uffff")
        for letter in letters:
            mask = plain.getmask(letter)
            assert letter == " " or (mask.size, bytes(mask)) != (box.size, bytes(box))


@SYSTEM
def test_the_systems_fonts_show_what_pillows_own_lacks() -> None:
    for text in ("Пётр", "naïve Café", "Ελένη"):
        found = line(text, SIZE)
        assert shown(found) == text and len({id(font) for _, font in found.letters}) == 1
        assert (drawn(found) < 128).any()
    mixed = line("Пётр \U000e0fff!", SIZE)
    assert shown(mixed) == r"Пётр \U000e0fff!"
    assert line("plain.jpg", SIZE).letters[0][1] is lettering.own_font(SIZE)


@SYSTEM
def test_text_from_right_to_left_is_laid_out_or_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    if features.check("raqm") and features.check("fribidi"):
        assert shown(line("שלום", SIZE)) == "שלום"
    lettering._has.cache_clear()
    monkeypatch.setattr(lettering, "_lays_out_both_ways", lambda: False)
    assert shown(line("שלום", SIZE)) == r"\u05e9\u05dc\u05d5\u05dd"
    lettering._has.cache_clear()


def test_a_long_line_keeps_its_ends_and_whole_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lettering, "system_fonts", tuple)
    full = line("王" * 9 + "end", SIZE)
    for width in range(20, 400, 7):
        short = full.shortened(width)
        assert short.width <= width or len(short.letters) == 2
        pieces = [text for text, _ in short.letters]
        assert set(pieces) <= {r"\u738b", "…", *"end"}
    assert shown(line("abcdef", SIZE).shortened(1)) == "a…" and shown(line("ab", SIZE).shortened(99)) == "ab"


def test_lines_stand_level_whatever_their_letters() -> None:
    low = [np.flatnonzero((drawn(line(text, SIZE)) < 128).any(axis=1)).max() for text in ("xx", "xA", "Hx")]
    assert len(set(low)) == 1


def test_damaged_and_useless_fonts_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Broken.ttf").write_bytes(b"no font at all")
    (tmp_path / "LastResort.ttf").write_bytes(b"boxes")
    (tmp_path / "readme.txt").write_text("no font either")
    folders = dict.fromkeys(("linux", "darwin", "win32"), (str(tmp_path),))
    monkeypatch.setattr(lettering, "_FOLDERS", folders)
    lettering.system_fonts.cache_clear()
    try:
        assert [path.name for path in lettering.system_fonts()] == ["Broken.ttf"]
        assert shown(line("é王", SIZE)) == r"e\u738b"
    finally:
        monkeypatch.undo()
        lettering.system_fonts.cache_clear()
