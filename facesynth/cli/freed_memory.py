"""What the C library does with memory that is given back to it."""

from __future__ import annotations

import ctypes
import os

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # as malloc.h of the GNU C library numbers them
_KEPT = 256 << 20
_FROM_THE_HEAP = 32 << 20
"""The most that mallopt takes: whatever is larger is mapped, and given back to the system at once."""


def keep_freed_memory() -> None:
    """Have the GNU C library keep up to 256 MB of what is freed, in each of its heaps, for the next tensor.

    By itself it gives freed tensors back to the system and asks for the next one's memory page by page: of a network
    that PyTorch runs side by side on two cores, a fifth of the time. The setting is the whole process's, so it is for
    programs to choose, as `facesynth` does. It does nothing where the C library is another one, or where the
    environment says otherwise (MALLOC_TRIM_THRESHOLD_, MALLOC_MMAP_THRESHOLD_, GLIBC_TUNABLES).
    """
    chosen = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")
    if any(name in os.environ for name in chosen) or "glibc.malloc" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another system's, or one without it
        return
    mallopt.argtypes, mallopt.restype = (ctypes.c_int, ctypes.c_int), ctypes.c_int
    mallopt(_M_MMAP_THRESHOLD, _FROM_THE_HEAP)
    mallopt(_M_TRIM_THRESHOLD, _KEPT)
