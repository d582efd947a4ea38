"""Seeds in, pictures out: generators that need no label maps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facesynth import weights
from facesynth.core.errors import UsageError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest
from facesynth.core.styles import MAX_SEED
from facesynth.inference import networks
from facesynth.inference.conditions import Condition as Condition
from facesynth.inference.conditions import Told, settled
from facesynth.inference.device import resolve_batch_size, resolve_device, resolve_precision, room_for
from facesynth.inference.finite import finite
from facesynth.inference.lanes import Lanes
from facesynth.inference.residual_weights import read_residual_weights
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec


class Sampler:
    """Makes pictures of seeds. A picture depends on its seed, its condition and the weights, never on its batch."""

    def __init__(
        self,
        network: ResnetGenerator,
        spec: ResnetGeneratorSpec,
        *,
        classes: tuple[str, ...] = (),
        multi: bool = False,
        device: str | torch.device = "auto",
        precision: str = "float32",
        sha256: Digest = "",
        lanes: Lanes | None = None,
    ) -> None:
        """`network` is taken to the device, and has to be in eval mode whenever pictures are made: in training mode
        they would depend on their batch. `classes` are names by class id, attributes where they are `multi`, `sha256`
        is that of the weights file. On a CPU several batches are made at once, as many as there are `lanes`: by default
        one a core, up to 8.
        """
        self.device = resolve_device(device) if isinstance(device, str) else device
        self.network, self.spec, self.classes, self.sha256 = network.to(self.device), spec, classes, sha256
        self.multi = multi
        self.dtype = resolve_precision(precision, self.device)
        self.lanes = lanes or Lanes(None if self.device.type == "cpu" else 1)

    @classmethod
    def load(
        cls,
        weights_name: str | Path,
        *,
        device: str = "auto",
        precision: str = "float32",
        sha256: Digest | None = None,
    ) -> Sampler:
        """Load a generator by weights name or file.

        UsageError for one that paints label maps, WeightsError for other files; `sha256` is the one that its results
        are known by: a file that is another by now raises WeightsError too.
        """
        where = resolve_device(device)
        told = read_residual_weights(weights_name)
        identity = sha256 or weights.sha256_of(weights_name)
        spec, network = networks.load(told.path, ("generator",), where, sha256=identity)["generator"]
        assert isinstance(network, ResnetGenerator)
        return cls(
            network,
            spec,
            classes=told.classes,
            multi=told.multi,
            device=where,
            precision=precision,
            sha256=identity,
        )

    @torch.inference_mode()
    def __call__(
        self,
        seeds: Sequence[int],
        conditions: Sequence[Condition] | None = None,
        *,
        batch_size: int | None = None,
    ) -> list[Photo]:
        """Make one picture a seed (0..MAX_SEED), S×S; a condition of None has the seed draw its class.

        Raises UsageError for a seed or a condition that cannot be, and for None where classes are attributes,
        FacesynthError where the network answers with what are no numbers. Batches are padded to one size, so that their
        make-up changes nothing.
        """
        if conditions is not None and len(conditions) != len(seeds):
            raise ValueError(f"{len(seeds)} seeds and {len(conditions)} conditions")
        if self.network.training:
            raise ValueError("a network in training mode makes pictures that depend on their batch: call its eval()")
        given = conditions if conditions is not None else [None] * len(seeds)
        told = [self.condition(seed, condition) for seed, condition in zip(seeds, given, strict=True)]
        noise = [self.noise(seed) for seed in seeds]
        size = resolve_batch_size(batch_size, self.device)

        def made(batch: list[int]) -> list[Photo]:
            padded = (batch * size)[:size]
            z = torch.stack([noise[index] for index in padded])
            return photos(self.forward(z, as_tensor([told[index] for index in padded])))[: len(batch)]

        batches = batches_of(told, size)
        by_batch = self.lanes.map(made, batches)
        pictures = dict(zip(chain.from_iterable(batches), chain.from_iterable(by_batch), strict=True))
        return [pictures[index] for index in range(len(seeds))]

    def noise(self, seed: int) -> Tensor:
        """The z of a seed: z_channels float32 of a standard normal distribution, drawn on the CPU."""
        if not 0 <= seed <= MAX_SEED:
            raise UsageError(f"a seed is 0 to {MAX_SEED}, not {seed}")
        return torch.randn(self.spec.z_channels, generator=torch.Generator().manual_seed(seed))

    def condition(self, seed: int, condition: Condition) -> Told:
        """A condition as it is told to the network: drawn where it is None and there are classes. Raises UsageError."""
        return settled(seed, condition, self.spec.classes, multi=self.multi)

    def forward(self, noise: Tensor, condition: Tensor | None) -> Tensor:
        """z N×z_channels and a condition → N×3×S×S float32 in -1..1 on the device, computed in its precision."""
        lower = torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)
        with room_for(len(noise)), lower:
            x: Tensor = self.network(noise.to(self.device), None if condition is None else condition.to(self.device))
        return finite(x, "the generator").float()


def batches_of(conditions: Sequence[Told], size: int) -> list[list[int]]:
    """The places of conditions, in batches of at most `size` that `as_tensor` takes.

    In lower precision a class and the same one as a weight differ in rounding: no batch holds both.
    """
    kinds = (
        [n for n, each in enumerate(conditions) if isinstance(each, tuple) is weighed] for weighed in (False, True)
    )
    return [alike[first : first + size] for alike in kinds for first in range(0, len(alike), size)]


def as_tensor(conditions: Sequence[Told]) -> Tensor | None:
    """Conditions of one kind as networks take them: ids N (int64), weights N×classes (float32), or None."""
    if not conditions or conditions[0] is None:
        return None
    return torch.tensor(conditions, dtype=torch.float32 if isinstance(conditions[0], tuple) else torch.int64)


def photos(pictures: Tensor) -> list[Photo]:
    """N×3×H×W in -1..1 → photos of 256 levels."""
    levels = ((pictures + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return [Photo(pixels) for pixels in np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())]
