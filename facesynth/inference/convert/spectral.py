"""Spectral normalisation (Miyato et al. 2018) as PyTorch's versions have stored it, multiplied out."""

from __future__ import annotations

import re

import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.inference.convert.parts import State

_PARAMETRISED = re.compile(r"\.parametrizations\.weight\.(original|0\._u|0\._v)$")
_OLDER = {"original": ".weight_orig", "0._u": ".weight_u", "0._v": ".weight_v"}


def folded(state: State) -> dict[str, Tensor]:
    """The state with each `weight_orig` divided by its largest singular value, uᵀ·W·v, and called `weight`.

    This is what `torch.nn.utils.spectral_norm` computes when it is not training; W's rows are its first dimension.
    PyTorch 0.4 kept no v but the divided weight, which is taken as it is; where that is missing too, one power
    iteration finds v from u: Wᵀ·u made 1 long. Raises ValueError for vectors that do not fit their weight.
    """
    plain = {_PARAMETRISED.sub(lambda found: _OLDER[found[1]], key): value for key, value in state.items()}
    for key in [key for key in plain if key.endswith(".weight_orig")]:
        name = key.removesuffix("_orig")
        original, u, v = plain.pop(key), plain.pop(f"{name}_u", None), plain.pop(f"{name}_v", None)
        if v is None and name in plain:
            continue
        if u is None:
            raise ValueError(f"it lacks {name}_u, without which {key} cannot be used")
        plain[name] = _divided(key, original, u, v)
    return plain


def _divided(key: str, original: Tensor, u: Tensor, v: Tensor | None) -> Tensor:
    sides = (len(original), original[:1].numel()) if original.ndim > 1 else None
    if sides is None or u.shape != sides[:1] or (v is not None and v.shape != sides[1:]):
        raise ValueError(f"the vectors of the spectral normalisation of {key} do not fit it")
    matrix, u = original.float().flatten(1), u.float()
    right = F.normalize(matrix.T @ u, dim=0, eps=1e-12) if v is None else v.float()
    return original.float() / torch.dot(u, matrix @ right)
