"""Values told by key, from memory and from the disk."""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path

import pytest

from facesynth.core import sorted_spool
from facesynth.core.sorted_spool import SortedSpool


def spool(**options: int) -> SortedSpool[str]:
    return SortedSpool(str.encode, bytes.decode, **options)


@pytest.mark.parametrize("in_memory", [1, 7, 100, 5000])
def test_order_is_that_of_keys_and_then_of_coming(in_memory: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sorted_spool, "_BLOCK", 200)
    random.seed(0)
    given = [(f"{random.randrange(300):03}", str(index)) for index in range(1000)]
    held = spool(in_memory=in_memory)
    for key, value in given:
        held.add(key.encode(), value)
    expected = [value for _, value in sorted(given, key=lambda pair: pair[0])]
    assert list(held) == expected
    assert [data.decode() for data in held.encoded()] == expected
    held.add(b"1500", "late")
    assert len(list(held)) == 1001 and next(iter(held)) == expected[0]


def test_memory_does_not_grow_with_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def taken(count: int) -> int:
        tracemalloc.start()
        held = spool(in_memory=500)
        for index in range(count):
            held.add(b"%09d" % index, "x" * 200)
        assert sum(1 for _ in held.encoded()) == count
        now, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return now

    taken(2000)
    few, many = taken(2000), taken(12_000)
    assert many - few < 10_000 * 5
    assert not [*tmp_path.iterdir()], "the file has no name"
