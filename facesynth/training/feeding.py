"""Batches of packed images on their way from the disk to the device."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from facesynth.datasets.packed import PackedPairs
from facesynth.training.sampling import ShuffledOrder

Batch = tuple[Tensor, ...]


class ArrayFeeder:
    """Gives the rows of some arrays that are shown from an image on, and reads those after them meanwhile.

    A thread of its own reads, so that neither the disk nor the copy to a GPU (from pinned memory) holds a step up.
    """

    def __init__(
        self, arrays: Sequence[NDArray[Any]], order: ShuffledOrder, batch_size: int, device: torch.device
    ) -> None:
        self._arrays, self._order, self._size, self._device = arrays, order, batch_size, device
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="facesynth-feed")
        self._next: tuple[int, Future[Batch]] | None = None

    def __call__(self, nimg: int) -> Batch:
        """Return the rows of each array, on the device."""
        if self._next is None or self._next[0] != nimg:
            self._next = nimg, self._reader.submit(self._read, nimg)
        planes = self._next[1].result()
        after = nimg + self._size
        self._next = after, self._reader.submit(self._read, after)
        return tuple(plane.to(self._device, non_blocking=True) for plane in planes)

    def _read(self, nimg: int) -> Batch:
        chosen = self._order(nimg, self._size)
        planes = tuple(torch.from_numpy(array[chosen]) for array in self._arrays)
        return tuple(plane.pin_memory() for plane in planes) if self._device.type == "cuda" else planes


class Feeder:
    """Gives the batch of pairs that starts at an image; for the rest see `ArrayFeeder`."""

    def __init__(self, pairs: PackedPairs, order: ShuffledOrder, batch_size: int, device: torch.device) -> None:
        self._feed = ArrayFeeder((pairs.images, pairs.labels), order, batch_size, device)

    def __call__(self, nimg: int) -> tuple[Tensor, Tensor]:
        """Return images N×3×S×S in 0..1 and labels N×S×S uint8, on the device."""
        images, labels = self._feed(nimg)
        return as_floats(images), labels


def as_floats(images: Tensor) -> Tensor:
    """N×H×W×3 of 256 levels → N×3×H×W in 0..1, channels-last."""
    return images.permute(0, 3, 1, 2).float() / 255
