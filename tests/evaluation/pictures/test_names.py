"""Names in few bytes: they come back as they were, and are found."""

from __future__ import annotations

import tracemalloc

import pytest

from facesynth.evaluation.pictures.names import Names


def test_names_come_back_and_are_found_by_place() -> None:
    given = ["b/1", "", "caf\udce9", "a", "ü" * 300]
    names = Names(given)
    assert list(names) == given and names[-1] == given[-1] and names[1:3] == given[1:3] and len(names) == 5
    assert [names.place(name) for name in given] == [0, 1, 2, 3, 4] and names.place("c") is None
    assert "a" in names and "c" not in names
    names.append("c")
    assert names.place("c") == 5 and names.repeated() is None
    names.append("a")
    assert names.place("a") == 3 and names.repeated() == "a"
    with pytest.raises(IndexError):
        names[7]
    assert not Names() and Names().place("a") is None and Names().repeated() is None


def test_a_name_takes_its_bytes_and_some_twenty_more() -> None:
    count = 50_000
    tracemalloc.start()
    names = Names(f"folder/{number:06d}" for number in range(count))
    assert names.place(f"folder/{count - 1:06d}") == count - 1
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < (13 + 30) * count
