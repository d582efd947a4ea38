"""What a network answers, checked to be numbers."""

from __future__ import annotations

import torch
from torch import Tensor

from facesynth.core.errors import FacesynthError


def finite(numbers: Tensor, who: str) -> Tensor:
    """The same. Raises FacesynthError where some are none: the network overflowed, or its weights are damaged."""
    if not bool(numbers.sum(dtype=torch.float64).isfinite()):  # one that is none makes the sum none
        hint = "if it computed in bf16 or fp16, try --precision float32; else its weights are damaged"
        raise FacesynthError(f"{who} answers with what are no numbers (nan)", hint=hint)
    return numbers
