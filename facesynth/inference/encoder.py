"""Faces in, styles out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from facesynth import weights
from facesynth.core.images import Photo
from facesynth.core.refs import Digest
from facesynth.core.styles import Style
from facesynth.inference import networks
from facesynth.inference.device import resolve_batch_size, resolve_device, resolve_precision, room_for
from facesynth.models.specs import EncoderSpec


def as_tensor(photos: Sequence[Photo], size: int) -> Tensor:
    """Photos resized to size×size → N×3×size×size float32 in -1..1."""
    pixels = np.stack([photo.resized(size, size).pixels for photo in photos])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


class Encoder:
    """Reads the style of aligned faces: the mean of the VAE's posterior."""

    def __init__(
        self, network: nn.Module, spec: EncoderSpec, *, device: torch.device, dtype: torch.dtype, identity: str
    ) -> None:
        """`identity` is the sha256 of the weights file; the styles carry it."""
        self.network, self.spec, self.device, self.dtype, self.identity = network, spec, device, dtype, identity

    @classmethod
    def load(
        cls,
        name: str | Path | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        sha256: Digest | None = None,
    ) -> Encoder:
        """Load the encoder of a generator's weights by name or file (default: the bundled one).

        `sha256` is the one that its results are known by: a file that is another by now raises WeightsError.
        """
        where = resolve_device(device)
        chosen = name or weights.default_name("generator")
        identity = sha256 or weights.sha256_of(chosen)
        spec, network = networks.load(weights.locate(chosen), ("encoder",), where, sha256=identity)["encoder"]
        dtype = resolve_precision(precision, where)
        return cls(network, spec, device=where, dtype=dtype, identity=identity)

    @torch.inference_mode()
    def __call__(self, faces: Sequence[Photo], *, batch_size: int | None = None) -> list[Style]:
        """Return one style a face. Batches are padded to one size, so that their make-up changes nothing."""
        styles: list[Style] = []
        batch_size = resolve_batch_size(batch_size, self.device)
        for start in range(0, len(faces), batch_size):
            group = faces[start : start + batch_size]
            x = torch.zeros(batch_size, 3, self.spec.size, self.spec.size)
            x[: len(group)] = as_tensor(group, self.spec.size)
            lower = torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)
            with room_for(batch_size), lower:
                mean, _ = self.network(x.to(self.device))
            codes = mean.float().cpu().numpy()[: len(group)]
            styles += [Style.from_code(code, self.identity) for code in codes]
        return styles
