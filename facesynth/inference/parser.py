"""Faces in, label maps out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facesynth import weights
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest
from facesynth.inference import networks
from facesynth.inference.device import resolve_batch_size, resolve_device, resolve_precision
from facesynth.models.specs import ParserSpec

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def normalised(pixels: Tensor) -> Tensor:
    """N×3×H×W in 0..1 → the same with ImageNet's mean and deviation taken out."""
    mean = torch.tensor(IMAGENET_MEAN, device=pixels.device, dtype=pixels.dtype).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device=pixels.device, dtype=pixels.dtype).view(1, 3, 1, 1)
    return (pixels - mean) / std


class Parser:
    """Parses aligned faces into the 19 CelebAMask-HQ classes."""

    def __init__(self, network: nn.Module, spec: ParserSpec, *, device: torch.device, dtype: torch.dtype) -> None:
        self.network, self.spec, self.device, self.dtype = network, spec, device, dtype

    @classmethod
    def load(
        cls,
        name: str | Path | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        sha256: Digest | None = None,
    ) -> Parser:
        """Load a parser by weights name or file (default: the bundled one); WeightsError when it cannot be had.

        `sha256` is the one that its results are known by: a file that is another by now raises WeightsError too.
        """
        where = resolve_device(device)
        path = weights.locate(name or weights.default_name("parser"))
        spec, network = networks.load(path, ("parser",), where, sha256=sha256)["parser"]
        return cls(network, spec, device=where, dtype=resolve_precision(precision, where))

    def __call__(self, faces: Sequence[Photo], *, batch_size: int | None = None) -> list[LabelMap]:
        """Return one label map a face, at the face's own size."""
        return [LabelMap(logits.argmax(0).to(torch.uint8).cpu().numpy()) for logits in self._logits(faces, batch_size)]

    def probabilities(self, faces: Sequence[Photo], *, batch_size: int | None = None) -> list[NDArray[np.float32]]:
        """Return 19×H×W float32 a face: how likely each label is at each pixel, summing to 1."""
        return [logits.softmax(0).cpu().numpy() for logits in self._logits(faces, batch_size)]

    @torch.inference_mode()
    def _logits(self, faces: Sequence[Photo], batch: int | None) -> Iterator[Tensor]:
        """Yield 19×H×W float32 a face. Batches are padded to one size, so that their make-up changes nothing."""
        size, batch_size = self.spec.size, resolve_batch_size(batch, self.device)
        for start in range(0, len(faces), batch_size):
            group = faces[start : start + batch_size]
            pixels = np.zeros((batch_size, size, size, 3), dtype=np.uint8)
            for row, face in enumerate(group):
                pixels[row] = face.resized(size, size).pixels
            x = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).float() / 255
            with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
                logits = self.network(normalised(x)).float()
            for row, face in enumerate(group):
                yield F.interpolate(
                    logits[row : row + 1], (face.height, face.width), mode="bilinear", align_corners=False
                )[0]
