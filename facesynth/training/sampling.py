"""Which training pair is shown when: a pure function of the seed and the count of images, so that resuming is exact."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


class ShuffledOrder:
    """An endless order over items in which every epoch is a new permutation by the seed.

    `items` is a count (each item once an epoch) or a list of indices, where an item may come several times.
    """

    def __init__(self, items: int | NDArray[np.int64], seed: int) -> None:
        self.items = np.arange(items, dtype=np.int64) if isinstance(items, int) else items
        self.count, self.seed = len(self.items), seed
        self._epoch, self._permutation = -1, np.empty(0, dtype=np.int64)

    def __call__(self, start: int, length: int) -> NDArray[np.int64]:
        """Return the items shown as images number `start` to `start + length - 1`."""
        return np.array([self._item(position) for position in range(start, start + length)], dtype=np.int64)

    def _item(self, position: int) -> int:
        epoch, offset = divmod(position, self.count)
        if epoch != self._epoch:
            self._epoch, self._permutation = epoch, np.random.default_rng([self.seed, epoch]).permutation(self.count)
        return int(self.items[self._permutation[offset]])


def repeated_for_rare(counts: NDArray[np.int64], threshold: float, seed: int) -> NDArray[np.int64]:
    """Return item indices in which faces with a rare label come more often (repeat factors, Gupta et al. 2019, LVIS).

    A label that a share f of the faces has repeats its faces max(1, √(threshold / f)) times; a face follows the rarest
    of its labels. Fractions are rounded up or down by the seed. `counts` are N×19, each face's pixels by label.
    """
    present = counts > 0
    share = present.mean(axis=0)
    factor = np.sqrt(np.maximum(1.0, threshold / np.maximum(share, 1e-9)))
    repeats = np.where(present, factor, 1.0).max(axis=1)
    chance = np.random.default_rng([seed, len(present)]).random(len(present))
    return np.repeat(np.arange(len(present), dtype=np.int64), np.floor(repeats + chance).astype(np.int64))


def generator_at(seed: int, nimg: int, device: torch.device | str = "cpu", *, stream: int = 0) -> torch.Generator:
    """Return the random generator of the step that starts at image `nimg`; `stream` tells apart its several uses."""
    state = np.random.SeedSequence([seed, nimg, stream]).generate_state(2, np.uint32)
    return torch.Generator(device).manual_seed((int(state[0]) << 31) ^ int(state[1]))
