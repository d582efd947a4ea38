from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.errors import UsageError
from facesynth.core.images import Photo
from facesynth.core.labels import PALETTE, LabelMap
from facesynth.core.sheets import contact_sheet


def flat(colour: tuple[int, int, int], width: int = 40, height: int = 40) -> Photo:
    return Photo(np.full((height, width, 3), colour, np.uint8))


def holds(sheet: Photo, colour: tuple[int, ...]) -> int:
    return int((sheet.pixels == colour).all(axis=2).sum())


RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def test_each_image_fills_its_cell() -> None:
    sheet = contact_sheet([[flat(RED), flat(GREEN)], [flat(BLUE)]], cell=64)
    assert [holds(sheet, colour) for colour in (RED, GREEN, BLUE)] == [64 * 64] * 3
    at = {colour: np.argwhere((sheet.pixels == colour).all(axis=2)).mean(axis=0) for colour in (RED, GREEN, BLUE)}
    assert at[RED][0] == at[GREEN][0] < at[BLUE][0]
    assert at[RED][1] == at[BLUE][1] < at[GREEN][1]


def test_shapes_are_kept() -> None:
    sheet = contact_sheet([[flat(RED, width=80, height=20)]], cell=64)
    assert holds(sheet, RED) == 64 * 16
    assert holds(contact_sheet([[flat(RED, width=1, height=400)]], cell=64), RED) == 64


def test_label_maps_show_the_palette_alone() -> None:
    ids = np.arange(19, dtype=np.uint8)[None].repeat(19, axis=0)
    sheet = contact_sheet([[LabelMap(ids)]], cell=190)
    counts = [holds(sheet, tuple(colour)) for colour in PALETTE]
    assert counts == [10 * 190] * 19


def test_titles_take_room_and_long_ones_stay_in_theirs() -> None:
    rows: list[list[Photo | LabelMap | None]] = [[flat(RED), None]]
    plain = contact_sheet(rows, cell=64)
    titled = contact_sheet(rows, cell=64, titles=["face", "a title that is far too long for one cell " * 3])
    both = contact_sheet(rows, cell=64, titles=["face"], row_titles=["ünïcode näme 顔.png" * 9])
    assert titled.height > plain.height
    assert titled.width == plain.width
    assert plain.width < both.width <= plain.width + 64 + 10
    edge = titled.pixels[:, :2]
    assert (edge == edge[0, 0]).all()  # no ink at the border: nothing was cut off
    assert holds(both, RED) == 64 * 64


def test_the_same_sheet_twice_is_the_same() -> None:
    rows: list[list[Photo | LabelMap | None]] = [[flat(RED), LabelMap(np.zeros((4, 4), np.uint8)), None]]
    one, other = (contact_sheet(rows, titles=["a"], row_titles=["b"]) for _ in range(2))
    assert np.array_equal(one.pixels, other.pixels)


def test_sheets_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="at least one image"):
        contact_sheet([])
    with pytest.raises(UsageError, match="at least one image"):
        contact_sheet([[]])
    with pytest.raises(UsageError, match="too large"):
        contact_sheet([[flat(RED)]] * 2000, cell=512)


def test_a_tall_sheet_goes_on_beside_its_top() -> None:
    colours = [(value, 0, 255) for value in range(0, 240, 10)]
    sheet = contact_sheet([[flat(colour)] for colour in colours], cell=64, titles=["title"], row_titles=["name"] * 24)
    assert sheet.height <= 2 * sheet.width and sheet.width < 2 * sheet.height
    corners = [tuple(np.argwhere((sheet.pixels == colour).all(axis=2))[0]) for colour in colours]
    assert all(holds(sheet, colour) >= 64 * 64 for colour in colours), "no picture is lost or covered"
    assert corners == sorted(corners, key=lambda corner: (corner[1], corner[0])), "down a block, then the next"
    lefts = sorted({left for _, left in corners})
    assert len(lefts) > 1
    heads = [sheet.pixels[: corners[0][0], left : left + 64] for left in lefts]
    assert (heads[0] < 128).any() and all(np.array_equal(heads[0], head) for head in heads[1:]), "titles come again"


def test_a_sheet_of_many_columns_stays_one_block() -> None:
    rows: list[list[Photo | LabelMap | None]] = [[flat(RED)] * 4] * 7
    assert contact_sheet(rows, cell=64).width < 5 * 66 + 10


def test_titles_that_no_font_has_are_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facesynth.core.lettering.system_fonts", tuple)
    one, other = (contact_sheet([[flat(RED)]], row_titles=[name]) for name in ("photo_王", r"photo_\u738b"))
    assert np.array_equal(one.pixels, other.pixels)
