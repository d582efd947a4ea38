"""Other people's weights files, read safely: the one place besides checkpoints where `torch.load` is called."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from facesynth.core.errors import WeightsDamaged


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a PyTorch state dictionary (tensors by name); WeightsDamaged when the file holds anything else."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise WeightsDamaged(f"not a PyTorch weights file ({type(error).__name__})", where=path) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsDamaged("this file holds more than tensors by name", where=path)
    return state
