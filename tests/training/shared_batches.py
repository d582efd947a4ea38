"""Runs of which each step's batch is shared out, over ranks or in parts, and how far apart two of their states are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torch import Tensor

from facesynth.training import checkpoint


def tensors_of(state: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor in a checkpoint by the keys that lead to it."""
    if isinstance(state, Tensor):
        yield name, state
    elif isinstance(state, dict):
        for key in state:
            yield from tensors_of(state[key], f"{name}.{key}")
    elif isinstance(state, list | tuple):
        for index, value in enumerate(state):
            yield from tensors_of(value, f"{name}.{index}")


def furthest(one: Path, other: Path) -> tuple[float, str]:
    """The largest difference between the last checkpoints of two runs, relative to the tensor's size, and where."""
    first, second = (dict(tensors_of(checkpoint.load_latest(run))) for run in (one, other))
    assert first.keys() == second.keys() and len(first) > 10
    return max((_apart(first[name], second[name]), name) for name in first)


def _apart(one: Tensor, other: Tensor) -> float:
    scale = one.double().abs().max().clamp_min(1e-3)
    return float((one.double() - other.double()).abs().max() / scale)
