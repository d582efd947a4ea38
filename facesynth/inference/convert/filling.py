"""Networks with the parameters of a checkpoint, once every one of them is known to fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from facesynth.inference import networks
from facesynth.inference.convert.parts import Part
from facesynth.inference.convert.sources import listed
from facesynth.models.specs import DiscriminatorSpec, EncoderSpec, GeneratorSpec

_COUNTER = ".num_batches_tracked"


def filled(part: Part) -> nn.Module:
    """The network of a part; ValueError names, as the checkpoint does, what it lacks, does not know or cannot take."""
    spec = part.spec
    if isinstance(spec, GeneratorSpec | EncoderSpec | DiscriminatorSpec):
        spec = dataclasses.replace(spec, spectral=False)  # it is multiplied out already
    with torch.device("meta"):
        wanted = {key: value.shape for key, value in networks.build(spec).state_dict().items()}

    def told(key: str) -> str:
        return part.published.get(key, key)

    # Counters of training, that old files lack and nothing here reads.
    state = dict(part.tensors) | {key: torch.tensor(0) for key in wanted if key.endswith(_COUNTER)}
    faults = {
        "lacks": [told(key) for key in wanted if key not in state],
        "has, beyond what is known,": [told(key) for key in state if key not in wanted],
        "has another shape of": [
            f"{told(key)} ({_sides(value.shape)}, not {_sides(wanted[key])})"
            for key, value in state.items()
            if key in wanted and value.shape != wanted[key]
        ],
        "has no finite numbers in": [told(key) for key, value in state.items() if not _finite(key, value)],
    }
    if found := [f"it {fault} {listed(keys)}" for fault, keys in faults.items() if keys]:
        raise ValueError(", ".join(found))
    network = networks.build(spec)
    network.load_state_dict(state)
    return network.eval()


def _finite(key: str, value: Tensor) -> bool:
    return key.endswith(_COUNTER) or (value.is_floating_point() and bool(value.isfinite().all()))


def _sides(shape: Iterable[int]) -> str:
    return "×".join(str(side) for side in shape) or "a single number"
