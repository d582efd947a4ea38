"""What a generator's normalisations find while it makes pictures: self-latent masks, and γ and β made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facesynth.inference.conditions import Condition
from facesynth.inference.device import resolve_batch_size
from facesynth.inference.sampler import Sampler, as_tensor, batches_of
from facesynth.models.normalisation.modulation import Field, watched


@dataclass(frozen=True, slots=True)
class MaskedLayer:
    """A member of the network that finds masks: its name there, and how many masks and channels it has."""

    name: str
    side: int
    """Pixels of its square masks."""
    masks: int
    channels: int


@dataclass(frozen=True, slots=True)
class LayerFields:
    """Chosen channels of a layer for every seed, each N×K×side×side float32; a mask that is shared is there K times."""

    mask: NDArray[np.float32]
    gamma: NDArray[np.float32]
    beta: NDArray[np.float32]


def masked_layers(sampler: Sampler) -> tuple[MaskedLayer, ...]:
    """The layers that find masks, in the order in which they work; () for a generator that has none."""
    nothing = [0.0] * sampler.spec.classes  # which attributes are told changes no layer
    _, seen = next(_passes(sampler, [0], [nothing] if sampler.multi else None))
    return tuple(
        MaskedLayer(name, field.mask.shape[-1], field.mask.shape[1], field.scale.shape[1])
        for name, field in seen.items()
        if field.mask is not None
    )


def read_masks(
    sampler: Sampler, seeds: Sequence[int], conditions: Sequence[Condition] | None, wanted: Mapping[str, Sequence[int]]
) -> dict[str, NDArray[np.float16]]:
    """Layer → the masks of its wanted channels for every seed: N×K×side×side in 0..1.

    They are kept in float16, whose steps near 0.5 are 1/2048: of many seeds they fill the memory.
    """
    found: dict[str, NDArray[np.float16]] = {}
    for rows, seen in _passes(sampler, seeds, conditions):
        for name, channels in wanted.items():
            mask = _mask(seen[name])[:, list(channels)]
            if name not in found:
                found[name] = np.empty((len(seeds), *mask.shape[1:]), dtype=np.float16)
            found[name][rows] = mask.half().cpu().numpy()
    return found


def read_fields(
    sampler: Sampler, seeds: Sequence[int], conditions: Sequence[Condition] | None, wanted: Mapping[str, Sequence[int]]
) -> dict[str, LayerFields]:
    """Layer → mask, γ and β of its wanted channels for every seed."""
    found: dict[str, LayerFields] = {}
    for rows, seen in _passes(sampler, seeds, conditions):
        for name, channels in wanted.items():
            field = seen[name]
            parts = [_chosen(each, channels) for each in (_mask(field), field.gamma, field.shift)]
            if name not in found:
                found[name] = LayerFields(*(np.empty((len(seeds), *part.shape[1:]), np.float32) for part in parts))
            for whole, part in zip((found[name].mask, found[name].gamma, found[name].beta), parts, strict=True):
                whole[rows] = part
    return found


def _chosen(values: Tensor, channels: Sequence[int]) -> NDArray[np.float32]:
    """Channels of N×C×H×W, or as often as they are asked for the one that all of them share."""
    found: NDArray[np.float32] = values[:, [min(channel, values.shape[1] - 1) for channel in channels]].cpu().numpy()
    return found


def _mask(field: Field) -> Tensor:
    assert field.mask is not None  # of a layer that was found to have masks
    return field.mask


@torch.inference_mode()
def _passes(
    sampler: Sampler, seeds: Sequence[int], conditions: Sequence[Condition] | None
) -> Iterator[tuple[list[int], dict[str, Field]]]:
    """Batches of seeds by their rows, and the float32 fields of every layer while their pictures were made, in the same
    batches as the sampler's own, padded as they are.
    """
    given = conditions if conditions is not None else [None] * len(seeds)
    size = resolve_batch_size(None, sampler.device)
    told = [sampler.condition(seed, one) for seed, one in zip(seeds, given, strict=True)]
    for rows in batches_of(told, size):
        padded = (rows * size)[:size]
        noise = torch.stack([sampler.noise(seeds[row]) for row in padded])
        with watched(sampler.network) as seen:
            sampler.forward(noise, as_tensor([told[row] for row in padded]))
        yield rows, {name: _float32(field, len(rows)) for name, field in seen.items()}


def _float32(field: Field, count: int) -> Field:
    mask = None if field.mask is None else field.mask[:count].float()
    return Field(field.scale[:count].float(), field.shift[:count].float(), mask)
