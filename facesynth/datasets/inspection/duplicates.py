"""Faces that a dataset holds twice: the same file, a copy that was encoded or scaled anew, a mirror image.

Hashes that are near are found by bands (Manku, Jain, Das Sarma 2007, Detecting Near-Duplicates for Web Crawling): two
that differ in few bits differ in at most one bit of some band. What is found so is then measured by its shape.

The limits were chosen on 6,798 real faces (CelebA, CelebA-HQ). Of 28 million comparisons no two different photos
passed, and 9 true copies did that nobody had planted. Of planted copies these were found: re-encoded (JPEG 30), scaled,
blurred, grey, brightened, with other contrast or gamma, mirrored: 99.9 to 100 %; cropped by 3 %: 99.9 %; mirrored,
cropped by 3 % and re-encoded: 97 %; halved, cropped by 4 %, brightened and re-encoded: 91 to 97 %; turned by 2°: 86 %;
cropped by 6 %: 36 to 49 %. Another alignment of the same photo is not found.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import OutputError
from facesynth.datasets.inspection.looks import MIRROR_BITS, MIRROR_SIGNS, SHAPE_SIZE, Look, distances

MAX_DISTANCE = 11
"""Bits of 64 in which the hashes of two copies may differ."""
MIN_LIKENESS = 0.91
"""Correlation that the shapes of two copies must have."""
CANDIDATES = 200
"""Pairs of near hashes for each face after which a search ends: hardly different drawings would take for ever. 200,000
real faces have some 30 each."""

_BANDS = 5
_ALONE = 2048
"""Up to so many faces are compared each with each."""
_BLOCK = 1 << 20
"""Hashes that are compared at once: 8 MB."""
_PIECE = 1 << 14
"""Shapes that are compared at once: 20 MB."""
_FEW = 5_000_000
"""Pairs of near hashes that are looked at however few the faces are."""
_DIGEST = 16
"""Bytes of a sha256 that are kept."""

Relation: TypeAlias = Literal["same file", "look-alike", "mirrored"]
_Pairs: TypeAlias = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, slots=True)
class Twin:
    """A member of a group by its index, what it is to the group's first, and the correlation of their shapes."""

    index: int
    relation: Relation
    likeness: float


@dataclass(frozen=True, slots=True)
class Group:
    """Faces that are one: the first by its index, and the others, in order."""

    first: int
    others: tuple[Twin, ...]

    @property
    def indices(self) -> tuple[int, ...]:
        return self.first, *(twin.index for twin in self.others)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """All groups, in the order of their first members. `complete` is false where the search was ended early."""

    groups: tuple[Group, ...]
    complete: bool


class DuplicateSearch:
    """Collects the digests and looks of faces, 24 bytes each in memory and 300 in a file, and groups the equal ones.

    The file lies in the folder for temporary files; OutputError where that has no room.
    """

    def __init__(self) -> None:
        self._digests = bytearray()
        self._bits = array("Q")
        self._members = array("q")
        with _temporary():
            self._shapes = tempfile.TemporaryFile(prefix="facesynth-looks-")  # noqa: SIM115 - closed by __exit__
        self._count = 0

    def __enter__(self) -> DuplicateSearch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # of what was not written for want of room, which has been told
            self._shapes.close()

    def add(self, digest: bytes | None, look: Look | None) -> None:
        """Take the next face: the sha256 of its file (None: it could not be read), and its look where it has one."""
        self._digests += digest[:_DIGEST] if digest is not None else self._count.to_bytes(_DIGEST, "big")
        if look is not None:
            self._bits.append(look.bits)
            self._members.append(self._count)
            with _temporary():
                self._shapes.write(look.shape.astype("<f2").tobytes())
        self._count += 1

    def find(self) -> Duplicates:
        """Group the faces; about 10 seconds for 200,000 on one core."""
        if not self._count:
            return Duplicates((), True)
        same = _same_files(self._digests, self._count)
        forest = _Forest(same)
        bits = np.frombuffer(self._bits, dtype=np.uint64)
        members = np.frombuffer(self._members, dtype=np.int64).astype(np.intp)
        alone = np.flatnonzero(same[members] == members)
        bits, members = bits[alone], members[alone]
        shapes = self._mapped()
        complete = True
        for flip, signs in ((0, np.ones_like(MIRROR_SIGNS)), (MIRROR_BITS, MIRROR_SIGNS)):
            left = max(_FEW, CANDIDATES * len(bits))
            for one, other in _near(bits, bits ^ np.uint64(flip)):
                left -= len(one)
                if left < 0:
                    complete = False
                    break
                apart = forest.roots(members[one]) != forest.roots(members[other])
                one, other = one[apart], other[apart]
                alike = _likeness(shapes[alone[one]], shapes[alone[other]] * signs) >= MIN_LIKENESS
                forest.join(members[one[alike]], members[other[alike]])
        return Duplicates(tuple(self._groups(forest, same)), complete)

    def _mapped(self) -> NDArray[np.float16]:
        if not self._bits:
            return np.empty((0, SHAPE_SIZE), np.float16)
        with _temporary():
            self._shapes.flush()
            return np.memmap(self._shapes, dtype="<f2", mode="r", shape=(len(self._bits), SHAPE_SIZE))

    def _groups(self, forest: _Forest, same: NDArray[np.intp]) -> Iterator[Group]:
        roots = forest.roots(np.arange(self._count))
        order = np.argsort(roots, kind="stable")
        shapes, members = self._mapped(), np.frombuffer(self._members, dtype=np.int64)
        starts = np.flatnonzero(np.diff(roots[order], prepend=-1))
        for start, stop in zip(starts, [*starts[1:], self._count], strict=True):
            if stop - start > 1:
                first, *others = map(int, order[start:stop])
                yield Group(first, tuple(_twin(first, other, same, members, shapes) for other in others))


@contextmanager
def _temporary() -> Iterator[None]:
    """Say what to do when the folder for temporary files fails."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"the search for duplicates needs 300 bytes a face here ({error.strerror or error})",
            where=tempfile.tempdir,
            hint="set TMPDIR to a folder with room, or give --no-duplicates",
        ) from error


def _twin(
    first: int, other: int, same: NDArray[np.intp], members: NDArray[np.int64], shapes: NDArray[np.float16]
) -> Twin:
    if same[first] == same[other]:
        return Twin(other, "same file", 1.0)
    one, two = (shapes[int(np.searchsorted(members, index))][None] for index in (first, other))
    upright, mirrored = float(_likeness(one, two)[0]), float(_likeness(one, two * MIRROR_SIGNS)[0])
    return Twin(other, "look-alike" if upright >= mirrored else "mirrored", max(upright, mirrored))


def _same_files(digests: bytearray, count: int) -> NDArray[np.intp]:
    """For each face the first one that has its digest."""
    keys = np.frombuffer(digests, dtype=f"V{_DIGEST}", count=count)
    order = np.argsort(keys, kind="stable")
    fresh = np.ones(count, dtype=bool)
    fresh[1:] = keys[order][1:] != keys[order][:-1]
    found = np.empty(count, dtype=np.intp)
    found[order] = order[np.flatnonzero(fresh)[np.cumsum(fresh) - 1]]
    return found


def _likeness(one: NDArray[np.floating], other: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(np.einsum("nk,nk->n", one.astype(np.float32), other.astype(np.float32)))


class _Forest:
    """Who belongs together: each face points to an earlier one of its group, or to itself."""

    def __init__(self, parents: NDArray[np.intp]) -> None:
        self._parents = parents.copy()

    def roots(self, indices: NDArray[np.intp]) -> NDArray[np.intp]:
        found = self._parents[indices]
        while (above := self._parents[found]).tobytes() != found.tobytes():
            found = above
        self._parents[indices] = found
        return found

    def join(self, ones: NDArray[np.intp], others: NDArray[np.intp]) -> None:
        for one, other in zip(ones.tolist(), others.tolist(), strict=True):
            first, second = sorted((self._root(one), self._root(other)))
            self._parents[second] = first

    def _root(self, index: int) -> int:
        while (above := int(self._parents[index])) != index:
            index = above
        return index


def _near(bits: NDArray[np.uint64], sought: NDArray[np.uint64]) -> Iterator[_Pairs]:
    """Yield (i, j), i < j, in pieces, for hashes bits[i] and sought[j] that are near; some more than once.

    Every pair within 9 bits is found, and of copies that differ in 10 or 11 98 and 94 %.
    """
    if len(bits) <= _ALONE:
        everything = np.arange(len(bits))
        yield from _compared(bits, sought, everything, everything)
        return
    for band in range(_BANDS):
        places = range(band, 64, _BANDS)
        keys, wanted = _gathered(bits, places), _gathered(sought, places)
        order, asked = np.argsort(keys, kind="stable"), np.argsort(wanted, kind="stable")
        every = np.arange((1 << len(places)) + 1)
        starts, asked_starts = np.searchsorted(keys[order], every), np.searchsorted(wanted[asked], every)
        nearby = [0, *(1 << place for place in range(len(places)))]
        for key in np.flatnonzero(np.diff(asked_starts)):
            rows = asked[asked_starts[key] : asked_starts[key + 1]]
            columns = np.concatenate([order[starts[key ^ turn] : starts[(key ^ turn) + 1]] for turn in nearby])
            yield from _compared(bits, sought, columns, rows)


def _compared(
    bits: NDArray[np.uint64], sought: NDArray[np.uint64], columns: NDArray[np.intp], rows: NDArray[np.intp]
) -> Iterator[_Pairs]:
    wide = bits[columns]
    step = max(1, _BLOCK // max(1, len(columns)))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        down, across = np.nonzero(distances(sought[some][:, None], wide[None, :]) <= MAX_DISTANCE)
        one, other = columns[across], some[down]
        one, other = one[ordered := one < other], other[ordered]
        for at in range(0, len(one), _PIECE):
            yield one[at : at + _PIECE], other[at : at + _PIECE]


def _gathered(bits: NDArray[np.uint64], places: Sequence[int]) -> NDArray[np.int64]:
    """The bits at some places as small numbers."""
    gathered = np.zeros(len(bits), dtype=np.int64)
    for index, place in enumerate(places):
        gathered |= ((bits >> np.uint64(place)) & np.uint64(1)).astype(np.int64) << index
    return gathered
