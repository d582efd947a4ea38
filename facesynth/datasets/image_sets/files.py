"""Sets of images that are a file each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesynth.core.files import read_file
from facesynth.core.image_files import decode_photo, read_photo
from facesynth.core.images import Photo
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.image_sets.file_list import FileList
from facesynth.datasets.image_sets.fitting import fitted
from facesynth.datasets.image_sets.sets import Block, Fit, ImageSet
from facesynth.datasets.image_sets.targets import Targets, Untold

_TOGETHER = 16
"""Files in a block: their bytes are in memory at once."""


class FileImages(ImageSet):
    """Images of which each is a file, in whatever format and of whatever size."""

    def __init__(self, files: FileList, classes: tuple[str, ...] = (), targets: Targets | None = None) -> None:
        self._files, self._targets = files, targets or Untold()
        self.classes, self.multi, self.together = classes, self._targets.multi, _TOGETHER

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        return self._files.name(index)

    def read(self, index: int) -> Photo:
        return read_photo(self._files.path(index))

    def block(self, indices: Sequence[int]) -> Block:
        return _FileBlock(self._files, indices)

    def targets(self, indices: Sequence[int]) -> NDArray[Any] | None:
        return self._targets.of(indices)


class _FileBlock(Block):
    def __init__(self, files: FileList, indices: Sequence[int]) -> None:
        self._read = [(str(path), read_file(path)) for path in map(files.path, indices)]
        told = zip(map(files.name, indices), self._read, strict=True)
        self.stamp = b"".join(json.dumps([name, sha256_bytes(data)]).encode() for name, (_, data) in told)

    def put(self, into: NDArray[np.uint8], fit: Fit) -> None:
        for row, (where, data) in zip(into, self._read, strict=True):
            row[...] = fitted(decode_photo(data, where), len(row), fit, where).pixels
