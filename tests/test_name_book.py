"""Output names of inputs that come one after the other."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest

from facesynth.core.scan import SourceFile
from facesynth.outputs import NameBook, folded, mirrored_names

CANDIDATES = [
    "a.jpg", "a.png", "A.jpg", "a_00.jpg", "a_00.png", "a_jpg.png", "a_0.png", "a_00_01.png", "sheet.png", "sheet.jpg",
    "sheet_01.png", "s/a.jpg", "s/a.png", "s/sheet.png", "é.png", "e\u0301.png",
]  # fmt: skip


def sources(*names: str) -> list[SourceFile]:
    return [SourceFile(Path("/in") / name, PurePosixPath(name)) for name in names]


def added(book: NameBook, *names: str) -> list[str]:
    book.add(found := sources(*names))
    return [str(name) for name in book.of(found).values()]


def test_who_comes_later_gives_way() -> None:
    book = NameBook()
    assert added(book, "a.jpg", "s/b.png") == ["a", "s/b"]
    assert added(book, "a.png") == ["a_png"]
    assert added(book, "a_00.jpg") == ["a_00_jpg"], "where the first face of a.jpg may be"
    assert added(book, "c_00.jpg") == ["c_00"]
    assert added(book, "c.jpg") == ["c_jpg"], "whose first face would be c_00"
    assert added(book, "sheet.png", "a.jpg") == ["sheet_png", "a"]


def test_what_is_there_at_first_is_named_as_ever() -> None:
    found = sources(*CANDIDATES)
    book = NameBook()
    book.add(found)
    assert book.of(found) == {str(path): name for path, name in mirrored_names(found).items()}


def test_a_name_that_is_given_up_is_free_again() -> None:
    book = NameBook()
    added(book, "a.jpg", "b_00.jpg")
    book.forget(["/in/a.jpg", "/in/b_00.jpg", "/in/unheard-of.png"])
    assert len(book) == 0
    assert added(book, "x.png") == ["x"]
    assert added(book, "a.png") == ["a"] and added(book, "b.png") == ["b"]


@pytest.mark.parametrize("seed", range(20))
def test_no_two_inputs_write_to_the_same_place_whatever_comes_and_goes(seed: int) -> None:
    draw, book, there = random.Random(seed), NameBook(), set[str]()
    kept: dict[str, PurePosixPath] = {}
    for _ in range(60):
        name = draw.choice(CANDIDATES)
        if name in there and draw.random() < 0.5:
            there.remove(name)
            book.forget([f"/in/{name}"])
            kept.pop(f"/in/{name}")
        else:
            there.add(name)
            book.add(sources(name))
        now = book.of(sources(*there))
        assert all(now[path] == before for path, before in kept.items()), "what has a name keeps it"
        kept = dict(now)
        check([*now.values()])


def check(names: Sequence[PurePosixPath]) -> None:
    keys = [folded(name) for name in names]
    assert len({*keys}) == len(keys)
    numbered = [match[1] for key in keys if (match := re.fullmatch(r"(.+)_\d{2,}", key))]
    assert not {*numbered} & {*keys}, "a face of one would be the other"
    assert not any(re.fullmatch(r"sheet(_\d+)?", key) for key in keys)
