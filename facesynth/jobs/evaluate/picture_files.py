"""The files below a folder by name, however many there are: a few bytes each beside their own paths."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from facesynth.core.refs import Digest, sha256_bytes
from facesynth.evaluation.pictures.names import Names

_SHA256 = 32
"""Bytes of a sha256."""


class PictureFiles(Mapping[str, Path]):
    """Files by name: the path in `folder` without suffix. They keep their order, and each is known by its place too."""

    def __init__(self, folder: Path, names: Names, suffixes: Names) -> None:
        self.folder = folder
        self.names = names
        self._suffixes = suffixes

    @classmethod
    def of(cls, folder: Path, found: Iterable[tuple[str, Path]]) -> PictureFiles:
        """Files with their names, which `images_below` gives."""
        names, suffixes = Names(), Names()
        for name, path in found:
            names.append(name)
            suffixes.append(path.suffix)
        return cls(folder, names, suffixes)

    def path(self, place: int) -> Path:
        """The file in that place."""
        return self.folder / f"{self.names[place]}{self._suffixes[place]}"

    def at(self, places: Iterable[int]) -> PictureFiles:
        """Those in these places, in that order."""
        names, suffixes = Names(), Names()
        for place in places:
            names.append(self.names[place])
            suffixes.append(self._suffixes[place])
        return PictureFiles(self.folder, names, suffixes)

    def __getitem__(self, name: str) -> Path:
        place = self.names.place(name)
        if place is None:
            raise KeyError(name)
        return self.path(place)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class Digests:
    """A sha256 a place, 32 bytes each."""

    def __init__(self, count: int = 0) -> None:
        self._bytes = bytearray(_SHA256 * count)

    def __len__(self) -> int:
        return len(self._bytes) // _SHA256

    def __getitem__(self, place: int) -> Digest:
        return bytes(self._bytes[_SHA256 * place : _SHA256 * (place + 1)]).hex()

    def __setitem__(self, place: int, digest: Digest) -> None:
        self._bytes[_SHA256 * place : _SHA256 * (place + 1)] = bytes.fromhex(digest)

    def append(self, digest: Digest) -> None:
        """Add one behind the others."""
        self._bytes += bytes.fromhex(digest)

    def at(self, places: Iterable[int]) -> Digests:
        """Those in these places, in that order."""
        found = Digests()
        for place in places:
            found.append(self[place])
        return found


def digest_of_all(parts: Iterable[bytes]) -> Digest:
    """One sha256 over the sha256 of each part, whatever their order."""
    held = bytearray()
    for part in parts:
        held += hashlib.sha256(part).digest()
    rows = np.frombuffer(bytes(held), dtype=">u8").reshape(-1, _SHA256 // 8)
    order = np.lexsort(rows.T[::-1])
    return sha256_bytes(rows[order].tobytes())
