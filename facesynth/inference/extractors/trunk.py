"""Pictures to features of a parser's trunk or of a backbone: for distances of their own name, never called FID."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facesynth import weights
from facesynth.core.errors import UsageError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest
from facesynth.inference import networks
from facesynth.inference.device import resolve_batch_size, resolve_device
from facesynth.inference.extractors.choice import BACKBONE_SIZE, BACKBONES
from facesynth.inference.extractors.features import PictureFeatures
from facesynth.inference.extractors.precision import full_float32
from facesynth.inference.extractors.reading import fill, padded, published_state
from facesynth.inference.finite import finite
from facesynth.models import imagenet
from facesynth.models.parser import ParserNet
from facesynth.models.trunks import TRUNKS, Trunk


class TrunkMaps:
    """The maps of a trunk, of pictures that are resized (Lanczos) to its square input; float32, TF32 never."""

    def __init__(self, trunk: Trunk, size: int, device: torch.device) -> None:
        """`trunk` takes ImageNet-normalised pictures of `size`×`size` pixels."""
        self.trunk, self.size, self.device = trunk, size, device
        self._mean, self._std = (
            torch.tensor(each, device=device).view(1, 3, 1, 1) for each in (imagenet.MEAN, imagenet.STD)
        )

    @classmethod
    def load(cls, name: str | Path | None = None, *, device: str = "auto", sha256: Digest | None = None) -> TrunkMaps:
        """Load the trunk of a parser's weights, by name or file (default: the bundled judge).

        Raises WeightsError where it cannot be had or is not of `sha256`, UsageError where its parser has no trunk.
        """
        where = resolve_device(device)
        path = weights.locate(name or weights.default_name("judge"))
        spec, network = networks.load(path, ("parser",), where, sha256=sha256)["parser"]
        if not isinstance(network, ParserNet):
            what = f"a {type(network).__name__} has no trunk whose maps can be compared"
            raise UsageError(what, where=path, hint=f"name {weights.default_name('judge')}")
        return cls(network.trunk, spec.size, where)

    @classmethod
    def of_backbone(cls, name: str, *, device: str = "auto", sha256: Digest | None = None) -> TrunkMaps:
        """Load one of BACKBONES, whose published weights a package carries; pictures go in at BACKBONE_SIZE.

        Raises WeightsMissing, WeightsDamaged, and WeightsError where the file is not of `sha256`.
        """
        where = resolve_device(device)
        path, state = published_state(name, sha256)
        trunk = TRUNKS[BACKBONES[name][0]]()
        named = {key: state.get(trunk.published_name(key)) for key in trunk.state_dict()}
        fill(trunk, {key: value for key, value in named.items() if value is not None}, path)
        return cls(trunk.eval().requires_grad_(False).to(where), BACKBONE_SIZE, where)

    @full_float32()
    def __call__(self, pictures: Sequence[Photo], rows: int) -> list[Tensor]:
        """`rows` rows of each map, finest first, of at most as many pictures; those past the last mean nothing."""
        pixels = np.stack([picture.resized(self.size, self.size).pixels for picture in pictures])
        x = padded(torch.from_numpy(pixels), rows).to(self.device).permute(0, 3, 1, 2).float() / 255
        maps = self.trunk((x - self._mean) / self._std)
        return [finite(each.float(), "the trunk") for each in maps]


class TrunkFeatures:
    """The means over the picture of each map of a trunk, one after the other, finest first."""

    # All maps: in 200 faces against 200 others the judge's deepest alone did not notice a fifth less light (11.7, and
    # 10.0 without), all together did (58 and 21). Means do not see what lies where.

    def __init__(self, maps: TrunkMaps) -> None:
        self.maps = maps

    @classmethod
    def load(
        cls, name: str | Path | None = None, *, device: str = "auto", sha256: Digest | None = None
    ) -> TrunkFeatures:
        """Load as `TrunkMaps.load` does, or one of BACKBONES as `TrunkMaps.of_backbone` does."""
        if name in BACKBONES:
            return cls(TrunkMaps.of_backbone(str(name), device=device, sha256=sha256))
        return cls(TrunkMaps.load(name, device=device, sha256=sha256))

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Photo], *, batch_size: int | None = None) -> list[PictureFeatures]:
        """Return one description a picture, without logits. Raises FacesynthError where they are no numbers."""
        size = resolve_batch_size(batch_size, self.maps.device)
        found: list[PictureFeatures] = []
        for start in range(0, len(pictures), size):
            group = pictures[start : start + size]
            means = torch.cat([each.mean((2, 3)) for each in self.maps(group, size)], 1)
            found += [PictureFeatures(row.copy()) for row in means[: len(group)].cpu().numpy()]
        return found
