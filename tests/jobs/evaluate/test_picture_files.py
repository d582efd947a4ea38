"""Files of a folder in few bytes, and one sha256 over many whatever their order."""

from __future__ import annotations

import hashlib
import tracemalloc
from pathlib import Path

import pytest

from facesynth.core.refs import sha256_bytes
from facesynth.evaluation.pictures.names import Names
from facesynth.jobs.evaluate.picture_files import Digests, PictureFiles, digest_of_all


def files(count: int) -> PictureFiles:
    return PictureFiles.of(Path("x"), ((f"{n % 7}/{n:05d}", Path(f"x/{n % 7}/{n:05d}.jpg")) for n in range(count)))


def test_files_are_found_by_name_and_place() -> None:
    found = files(20)
    assert found["3/00010"] == found.path(10) == Path("x/3/00010.jpg") and len(found) == 20
    assert list(found.values())[19] == Path("x/5/00019.jpg") and "3/00011" not in found
    with pytest.raises(KeyError):
        found["gone"]
    some = found.at([4, 2])
    assert list(some) == ["4/00004", "2/00002"] and some["2/00002"] == Path("x/2/00002.jpg")


def test_digests_come_back_from_their_places() -> None:
    given = [sha256_bytes(bytes([n])) for n in range(5)]
    digests = Digests(5)
    for place in (3, 0, 4, 1, 2):
        digests[place] = given[place]
    assert [digests[place] for place in range(5)] == given and len(digests) == 5
    assert [digests.at([4, 0])[place] for place in range(2)] == [given[4], given[0]]


def test_one_digest_over_all_is_that_of_their_sorted_digests() -> None:
    parts = [str(n).encode() for n in range(300)]
    expected = sha256_bytes(b"".join(sorted(hashlib.sha256(part).digest() for part in parts)))
    assert digest_of_all(parts) == digest_of_all(reversed(parts)) == expected
    assert digest_of_all([]) == sha256_bytes(b"")


def test_a_picture_of_a_folder_takes_some_tens_of_bytes() -> None:
    count = 20_000
    tracemalloc.start()
    held_files = PictureFiles(Path("x"), Names(f"0/{n:05d}" for n in range(count)), Names([".jpg"] * count))
    digests = Digests(count)
    assert held_files["0/00007"] == Path("x/0/00007.jpg") and len(digests) == count
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 120 * count
