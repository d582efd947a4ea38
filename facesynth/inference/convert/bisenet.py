"""The BiSeNet face parser of zllrunning/face-parsing.PyTorch (79999_iter.pth) as parameters of our own module."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from facesynth.core.labels import NUM_LABELS
from facesynth.inference.convert.parts import Made, Part, State, Told, UnfitError
from facesynth.models.specs import BisenetSpec

_STEM = "cp.resnet.conv1.weight"
_LAST = "conv_out.conv_out.weight"
_AUXILIARY = ("conv_out16.", "conv_out32.")  # heads that only helped training


def from_bisenet(states: Mapping[str, State], told: Told) -> Made:
    """Return the parser without its auxiliary heads, its classes put from the schema's order into CelebAMask-HQ's.

    Raises ValueError where the checkpoint has another number of classes, or a width that no network of ours has.
    """
    own = {key: value for key, value in states["parser"].items() if not key.startswith(_AUXILIARY)}
    if (last := own.get(_LAST)) is not None and last.ndim:
        if len(last) != NUM_LABELS:
            raise UnfitError("parser", f"it tells {len(last)} classes apart, a face parser {NUM_LABELS}")
        own[_LAST] = last[torch.from_numpy(told.schema.from_standard).long()]
    stem = own.get(_STEM)
    spec = BisenetSpec() if stem is None or not stem.ndim else BisenetSpec(width=len(stem))
    return Made({"parser": Part(spec, own)})
