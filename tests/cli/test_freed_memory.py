"""Memory that is kept for the next tensor."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

# Two heaps' worth of large blocks, freed and asked for again: how many pages the system had to give the second time.
_PROGRAM = """
import resource, sys
import numpy as np
from facesynth.cli.freed_memory import keep_freed_memory

if "keep" in sys.argv:
    keep_freed_memory()

def touch():
    blocks = [np.ones(1 << 20, np.uint8) for _ in range(24)]
    return sum(int(block[0]) for block in blocks)

touch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
touch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(*arguments: str, **environment: str) -> int:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    found = subprocess.run(
        [sys.executable, "-c", _PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=inherited | environment,
    )
    return int(found.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the GNU C library's setting")
def test_freed_memory_is_there_for_the_next_one_unless_the_environment_says_otherwise() -> None:
    given_back = _faults()
    assert given_back > 5_000  # 24 MB in pages of 4 kB
    assert _faults("keep") < given_back / 10
    assert _faults("keep", MALLOC_TRIM_THRESHOLD_="100000") > 5_000
