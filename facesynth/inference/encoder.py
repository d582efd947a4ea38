"""Faces in, styles out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from facesynth import weights
from facesynth.core.errors import StyleError
from facesynth.core.images import Photo
from facesynth.core.labels import NUM_LABELS, Label, LabelMap
from facesynth.core.refs import Digest
from facesynth.core.styles import Style
from facesynth.inference import networks
from facesynth.inference.device import resolve_batch_size, resolve_device, resolve_precision, room_for
from facesynth.models.region_pooling import present
from facesynth.models.specs import EncoderSpec


def as_tensor(photos: Sequence[Photo], size: int) -> Tensor:
    """Photos resized to size×size → N×3×size×size float32 in -1..1."""
    pixels = np.stack([photo.resized(size, size).pixels for photo in photos])
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def one_hot(labels: Sequence[LabelMap], size: int) -> Tensor:
    """Label maps scaled to size×size by their nearest labels → N×19×size×size float32, one-hot."""
    ids = np.stack([each.resized(size, size).ids for each in labels]).astype(np.int64)
    return F.one_hot(torch.from_numpy(ids), NUM_LABELS).permute(0, 3, 1, 2).float()


class Encoder:
    """Reads the style of aligned faces: the mean of the VAE's posterior.

    Where `reads_regions`, it is one for each region that a face shows.
    """

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

    @property
    def reads_regions(self) -> bool:
        """Whether it needs the faces' label maps."""
        return self.spec.style_regions

    @torch.inference_mode()
    def __call__(
        self, faces: Sequence[Photo], labels: Sequence[LabelMap] | None = None, *, batch_size: int | None = None
    ) -> list[Style]:
        """Return one style a face. Batches are padded to one size, so that their make-up changes nothing.

        `labels` are the faces' label maps, of any square size; an encoder of whole faces does not look at them. Raises
        StyleError where one of regions is given none.
        """
        if labels is None and self.reads_regions:
            hint = "give labels=, one label map a face, as Parser makes them of the faces"
            raise StyleError("this encoder reads the style of each region, and was not told where they are", hint=hint)
        if labels is not None and len(labels) != len(faces):
            raise ValueError(f"{len(faces)} faces and {len(labels)} label maps")
        styles: list[Style] = []
        batch_size = resolve_batch_size(batch_size, self.device)
        for start in range(0, len(faces), batch_size):
            group = faces[start : start + batch_size]
            x = torch.zeros(batch_size, 3, self.spec.size, self.spec.size)
            x[: len(group)] = as_tensor(group, self.spec.size)
            regions = None
            if labels is not None and self.reads_regions:
                regions = torch.zeros(batch_size, self.spec.labels, self.spec.size, self.spec.size)
                regions[: len(group)] = one_hot(labels[start : start + batch_size], self.spec.size)
            mean = self._mean(x, regions)[: len(group)]
            if regions is None:
                styles += [Style.from_code(code, self.identity) for code in mean]
            else:
                shown = present(regions).numpy()[: len(group)]
                styles += [self._of_regions(codes, there) for codes, there in zip(mean, shown, strict=True)]
        return styles

    def _mean(self, faces: Tensor, regions: Tensor | None) -> NDArray[np.float32]:
        lower = torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)
        given = (faces,) if regions is None else (faces, regions)
        with room_for(len(faces)), lower:
            mean, _ = self.network(*(each.to(self.device) for each in given))
        codes: NDArray[np.float32] = mean.float().cpu().numpy()
        return codes

    def _of_regions(self, codes: NDArray[np.float32], there: NDArray[np.bool_]) -> Style:
        vectors = {label: codes[label] for label in Label if there[label]}
        return Style.from_regions(vectors, self.identity)
