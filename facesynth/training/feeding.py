"""Batches of packed pairs on their way from the disk to the device."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

from facesynth.datasets.packed import PackedPairs
from facesynth.training.sampling import ShuffledOrder

Batch = tuple[Tensor, Tensor]


class Feeder:
    """Gives the batch that starts at an image, and reads the one after it from the disk meanwhile.

    A thread of its own reads, so that neither the disk nor the copy to a GPU (from pinned memory) holds a step up.
    """

    def __init__(self, pairs: PackedPairs, order: ShuffledOrder, batch_size: int, device: torch.device) -> None:
        self._pairs, self._order, self._size, self._device = pairs, order, batch_size, device
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="facesynth-feed")
        self._next: tuple[int, Future[Batch]] | None = None

    def __call__(self, nimg: int) -> Batch:
        """Return images N×3×S×S in 0..1 and labels N×S×S uint8, on the device."""
        if self._next is None or self._next[0] != nimg:
            self._next = nimg, self._reader.submit(self._read, nimg)
        images, labels = self._next[1].result()
        after = nimg + self._size
        self._next = after, self._reader.submit(self._read, after)
        images, labels = (plane.to(self._device, non_blocking=True) for plane in (images, labels))
        return images.permute(0, 3, 1, 2).float() / 255, labels

    def _read(self, nimg: int) -> Batch:
        chosen = self._order(nimg, self._size)
        images, labels = (torch.from_numpy(array[chosen]) for array in (self._pairs.images, self._pairs.labels))
        if self._device.type == "cuda":
            return images.pin_memory(), labels.pin_memory()
        return images, labels
