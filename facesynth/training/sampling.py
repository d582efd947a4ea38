"""Which training pair is shown when: a pure function of the seed and the count of images, so that resuming is exact."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray


class ShuffledOrder:
    """An endless order over `count` items in which every epoch is a new permutation by the seed."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed
        self._epoch, self._permutation = -1, np.empty(0, dtype=np.int64)

    def __call__(self, start: int, length: int) -> NDArray[np.int64]:
        """Return the items shown as images number `start` to `start + length - 1`."""
        return np.array([self._item(position) for position in range(start, start + length)], dtype=np.int64)

    def _item(self, position: int) -> int:
        epoch, offset = divmod(position, self.count)
        if epoch != self._epoch:
            self._epoch, self._permutation = epoch, np.random.default_rng([self.seed, epoch]).permutation(self.count)
        return int(self._permutation[offset])


def generator_at(seed: int, nimg: int, device: torch.device | str = "cpu", *, stream: int = 0) -> torch.Generator:
    """Return the random generator of the step that starts at image `nimg`; `stream` tells apart its several uses."""
    state = np.random.SeedSequence([seed, nimg, stream]).generate_state(2, np.uint32)
    return torch.Generator(device).manual_seed((int(state[0]) << 31) ^ int(state[1]))
