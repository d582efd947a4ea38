"""PyTorch as it is, and PyTorch compiled."""

from __future__ import annotations

import torch
from torch import Tensor

from facesynth.core.errors import DependencyMissing, DeviceError
from facesynth.inference.engines.seam import Engine, Task, checked


def eager(task: Task) -> Engine:
    """Run the module layer by layer: what all other engines are compared with."""

    def run(x: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(task.device.type, task.dtype, enabled=task.dtype != torch.float32):
            return (task.network(x).float(),)

    return run


def compiled(task: Task) -> Engine:
    """Compile the module for the task's shape, which takes a minute; each other batch size takes one again.

    Raises DependencyMissing without a C++ compiler, DeviceError where the compiler fails for another reason.
    """
    program = torch.compile(task.network, dynamic=False)

    def plain(x: Tensor) -> tuple[Tensor, ...]:
        return (program(x).float(),)

    def run(x: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(task.device.type, task.dtype, enabled=True):
            return plain(x)

    try:
        checked(task, plain, "torch.compile")
    except RuntimeError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        said = lines[0] if lines else type(error).__name__
        if "C++ compiler" in str(error) or "CxxCompiler" in str(error):
            missing = DependencyMissing("a C++ compiler, which torch.compile needs,", "engines")
            missing.hint = "install g++ (Debian: apt-get install g++), or use another --engine"
            raise missing from error
        raise DeviceError(f"torch.compile fails here ({said})", hint="use another --engine") from error
    return plain if task.dtype == torch.float32 else run
