"""The feeder gives the batches that the order asks for, in whatever sequence they are asked for."""

from __future__ import annotations

import numpy as np
import torch

from facesynth.datasets.packed import PackedPairs
from facesynth.training.feeding import Feeder
from facesynth.training.sampling import ShuffledOrder


def test_batches_are_those_of_the_order_whatever_was_read_ahead() -> None:
    numbers = np.arange(10, dtype=np.uint8)
    images = np.broadcast_to(numbers[:, None, None, None], (10, 4, 4, 3)).copy()
    pairs = PackedPairs(images, images[..., 0].copy(), "these")
    order = ShuffledOrder(10, seed=1)
    feed = Feeder(pairs, ShuffledOrder(10, seed=1), 4, torch.device("cpu"))
    for nimg in (0, 4, 8, 100, 104, 4, 0):  # on and on, a jump ahead, and back
        faces, labels = feed(nimg)
        assert faces.shape == (4, 3, 4, 4) and faces.dtype == torch.float32
        assert (faces[:, 0, 0, 0] * 255).round().tolist() == order(nimg, 4).tolist()
        assert labels[:, 0, 0].tolist() == order(nimg, 4).tolist()
