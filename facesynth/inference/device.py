"""Which device and which precision a network runs at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

from facesynth.core.errors import DeviceError, UsageError


def resolve_device(name: str = "auto") -> torch.device:
    """Turn `auto|cpu|cuda|cuda:N|mps` into a device; DeviceError when it is demanded and absent."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and (kind != "cuda" or not index.isdigit())):
        raise UsageError(f"unknown device {name!r}", hint="use auto, cpu, cuda, cuda:N or mps")
    if kind == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if int(index or 0) >= count:
            raise DeviceError(
                f"device {name} is not there, this machine has {count} CUDA devices",
                hint="use --device cpu, or run: facesynth doctor",
            )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("device mps is not there", hint="use --device cpu")
    return torch.device(name)


def device_among(name: str, index: int, count: int) -> str:
    """The device of one of `count` processes that work side by side on this machine: a GPU each, or the CPU for all.

    `name` is the kind that was asked for, `index` counts from 0. Raises UsageError where it names one device, and
    DeviceError where there are fewer.
    """
    if count == 1:
        return name
    if ":" in name or name == "mps":
        raise UsageError(f"--devices {count} and --device {name} do not go together", hint="use --device cuda or cpu")
    kind = resolve_device(name).type
    if kind != "cuda":  # one mps, which auto may have chosen, is no place for several
        return "cpu"
    there = torch.cuda.device_count()
    if index >= there:
        raise DeviceError(f"this machine has {there} CUDA devices, not {count}", hint=f"use --devices {there}")
    return f"cuda:{index}"


def share_cores(count: int) -> None:
    """Have PyTorch compute with this process's share of the cores: `count` processes work side by side."""
    torch.set_num_threads(max(1, torch.get_num_threads() // count))


def resolve_batch_size(size: int | None, device: torch.device) -> int:
    """The number of items computed at once: 1 on a CPU, where more gain little, 16 elsewhere, unless given."""
    return size if size is not None else 1 if device.type == "cpu" else 16


@contextlib.contextmanager
def room_for(count: int) -> Iterator[None]:
    """What is computed here is a batch of so many: where memory does not suffice for it, DeviceError says so."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not tells_no_room(error):
            raise
        hint = "use a smaller --batch-size" if count > 1 else "close other programs, or use another --device"
        raise DeviceError(f"not enough memory for a batch of {count}", hint=hint) from error


_NO_ROOM = ("can't allocate memory", "out of memory", "Storage size calculation overflowed")
"""In what PyTorch says: on a CPU, on a GPU (its OutOfMemoryError is a RuntimeError), and of sizes beyond all memory."""


def tells_no_room(error: Exception) -> bool:
    """Whether what was raised means that memory did not suffice."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in _NO_ROOM)


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """Turn `auto|float32|bf16|fp16` into a dtype; `auto` is bf16 on a CUDA device that has it, float32 elsewhere."""
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    known = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    if name not in known:
        raise UsageError(f"unknown precision {name!r}", hint="use auto, float32, bf16 or fp16")
    if name == "fp16" and device.type == "cpu":
        raise UsageError("fp16 is not for CPUs", hint="use --precision bf16 or float32")
    return known[name]
