"""PyTorch as it is, and PyTorch compiled."""

from __future__ import annotations

import logging

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
    """Compile the module for the task's shape and precision, which takes a minute.

    Each other batch size takes one again, up to torch._dynamo.config.recompile_limit; further ones run eagerly.
    Raises DependencyMissing without a C++ compiler, DeviceError where the compiler fails for another reason.
    """
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # it misses a CUDA that nobody asked for
    lower = task.dtype != torch.float32
    program = torch.compile(task.network, dynamic=False)

    def run(x: Tensor) -> tuple[Tensor, ...]:
        x = x.contiguous(memory_format=torch.channels_last)  # a program is for one layout: predictors' own
        with torch.autocast(task.device.type, task.dtype, enabled=lower):
            return (program(x).float(),)

    try:
        if lower:  # what is checked, in float32, is the captured graph; the program is compiled by its first run
            captured = torch.compile(task.network, dynamic=False, backend="eager")
            checked(task, lambda x: (captured(x).float(),), "torch.compile")
            with torch.inference_mode():
                run(task.example.expand(task.shape[0], -1, -1, -1))
        else:
            checked(task, run, "torch.compile")
    except RuntimeError as error:
        raise compiler_error(error) from error
    return run


def compiler_error(error: RuntimeError) -> DependencyMissing | DeviceError:
    """What to raise where torch.compile failed: the one without a C++ compiler, the other for another reason."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    introduced = bool(lines) and lines[0].endswith(":")  # "backend='inductor' raised:", and then what
    said = " ".join(lines[: 1 + introduced]) or type(error).__name__
    if "C++ compiler" in str(error) or "CxxCompiler" in str(error):
        missing = DependencyMissing("a C++ compiler, which torch.compile needs,", "engines")
        missing.hint = "install g++ (Debian: apt-get install g++), or use another --engine"
        return missing
    return DeviceError(f"torch.compile fails here ({said})", hint="use another --engine")
