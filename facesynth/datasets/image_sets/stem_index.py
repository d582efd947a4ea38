"""Which of very many files has a name, in little memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError
from facesynth.datasets.image_sets.file_list import FileList, stems_twice


class StemIndex:
    """Files by their own names without folder and suffix: 16 bytes each."""

    def __init__(self, files: FileList) -> None:
        """InputError for two files of one name."""
        for one, other in stems_twice(files):
            what = f"{files.path(one)} has the same name"
            raise InputError(what, where=files.path(other), hint="rename or remove one of them")
        self.files = files
        hashes = files.stem_hashes()
        self._order = np.argsort(hashes, kind="stable")
        self._hashes = hashes[self._order]

    def __len__(self) -> int:
        return len(self.files)

    def find(self, stems: Sequence[str]) -> NDArray[np.int64]:
        """The index of each, or -1 where there is no such file."""
        hashes = np.fromiter(map(hash, stems), np.int64, len(stems))
        starts = np.searchsorted(self._hashes, hashes).tolist()
        return np.asarray([self._match(stem, start) for stem, start in zip(stems, starts, strict=True)], np.int64)

    def _match(self, stem: str, position: int) -> int:
        """The file of that name among those with its hash, of which the first stands at `position`."""
        while position < len(self._hashes) and self._hashes[position] == hash(stem):
            index = int(self._order[position])
            if self.files.stem(index) == stem:
                return index
            position += 1
        return -1
