"""How busy this machine's NVIDIA GPUs are, as its driver's own tool tells it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

_QUERY = "index,name,utilization.gpu,memory.used,memory.total"
_SECONDS = 5
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU: `busy` is the share of the last moment in which it computed, 0 to 1; memory in bytes, of all processes."""

    index: int
    name: str
    busy: float | None
    used: int | None
    total: int | None


def gpus() -> tuple[Gpu, ...]:
    """The GPUs of this machine; none where there is no driver, or it does not answer."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return ()
    try:
        ran = subprocess.run(
            [tool, f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(gpu for line in ran.stdout.splitlines() if (gpu := _gpu(line)) is not None)


def _gpu(line: str) -> Gpu | None:
    told = [part.strip() for part in line.split(",")]
    if len(told) != 5 or not told[0].isdigit():
        return None
    busy, used, total = (float(part) if part.isdigit() else None for part in told[2:])  # [N/A] where it cannot tell
    return Gpu(
        int(told[0]),
        told[1],
        None if busy is None else busy / 100,
        None if used is None else int(used) * _MIB,
        None if total is None else int(total) * _MIB,
    )
