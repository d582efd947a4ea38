"""Full float32 while an extractor computes, on GPUs too that would round to TF32 otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_lock = threading.Lock()
_inside = 0
_before: tuple[bool, bool] = (False, False)


@contextmanager
def full_float32() -> Iterator[None]:
    """Convolve and multiply in float32 inside of this, whatever torch is set to; its settings come back after.

    Torch lets convolutions of an Ampere GPU or later round to TF32, which no cache key tells from float32. The settings
    are the process': another thread that computes meanwhile is exact too, and where several are inside, in any order,
    the last one to leave restores what the first one found.
    """
    global _inside, _before
    with _lock:
        if not _inside:
            _before = _allowed()
            _allow(False, False)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _allow(*_before)


def _allowed() -> tuple[bool, bool]:
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32


def _allow(convolutions: bool, products: bool) -> None:
    torch.backends.cudnn.allow_tf32 = convolutions
    torch.backends.cuda.matmul.allow_tf32 = products
