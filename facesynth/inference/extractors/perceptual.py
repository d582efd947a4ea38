"""Two pictures to how different they look."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth import weights
from facesynth.core.errors import DependencyMissing, InputError, UsageError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest
from facesynth.inference.device import resolve_batch_size, resolve_device
from facesynth.inference.extractors.choice import LPIPS_SMALLEST
from facesynth.inference.extractors.precision import full_float32
from facesynth.inference.extractors.reading import batches, fill, padded, published_state
from facesynth.inference.extractors.trunk import TrunkMaps
from facesynth.inference.finite import finite

_WEIGHTS = {"lpips-alex": "alexnet-imagenet", "lpips-vgg": "vgg16-imagenet"}
_NETS: dict[str, Literal["alex", "vgg"]] = {"lpips-alex": "alex", "lpips-vgg": "vgg"}


class Lpips:
    """LPIPS 0.1 (Zhang et al. 2018, arXiv 1801.03924) as torchmetrics computes it, at the pictures' own size, float32
    (TF32 never).

    The weights of the layers come with torchmetrics, those of AlexNet or VGG16 from the weights manifest.
    """

    def __init__(self, network: nn.Module, device: torch.device) -> None:
        """`network` turns two M×3×H×W in -1..1 into M distances, of any shape."""
        self.network, self.device = network, device

    @classmethod
    def load(
        cls,
        network: str = "lpips-alex",
        name: str | Path | None = None,
        *,
        device: str = "auto",
        sha256: Digest | None = None,
    ) -> Lpips:
        """Load `lpips-alex` or `lpips-vgg` with the ImageNet weights of a name or file; never fetches them.

        Raises UsageError, DependencyMissing, WeightsMissing, WeightsDamaged, and WeightsError where the file is not of
        `sha256`.
        """
        if network not in _NETS:
            raise UsageError(f"unknown perceptual network {network!r}", hint=f"use {' or '.join(_NETS)}")
        try:
            # The public class would download: it takes no file of weights.
            from torchmetrics.functional.image.lpips import _NoTrainLpips
        except ImportError as error:
            raise DependencyMissing("torchmetrics", "metrics") from error
        where = resolve_device(device)
        path, state = published_state(name or _WEIGHTS[network], sha256)
        weights.locate(f"{network}-linear")  # torchmetrics reads it itself, and compares it with nothing
        lpips = _NoTrainLpips(net=_NETS[network], pnet_rand=True)
        # Its slices number their layers as torchvision's `features` does.
        known = {".".join(key.split(".")[1:]): key for key in lpips.net.state_dict()}
        taken = {
            known[key[9:]]: value for key, value in state.items() if key.startswith("features.") and key[9:] in known
        }
        fill(lpips.net, taken, path)
        return cls(lpips.to(where), where)

    @full_float32()
    @torch.inference_mode()
    def __call__(self, pairs: Sequence[tuple[Photo, Photo]], *, batch_size: int | None = None) -> list[float]:
        """Return one distance a pair. Raises InputError for two sizes or small pictures, FacesynthError for NaN."""
        _check_sizes(pairs, LPIPS_SMALLEST)
        size = resolve_batch_size(batch_size, self.device)
        found = [0.0] * len(pairs)
        firsts, seconds = ([pair[side] for pair in pairs] for side in (0, 1))
        for (rows, one), (_, other) in zip(batches(firsts, size), batches(seconds, size), strict=True):
            a, b = (padded(each, size).to(self.device).float() / 127.5 - 1 for each in (one, other))
            apart = finite(self.network(a, b).flatten(), "LPIPS")
            for row, value in zip(rows, apart.tolist(), strict=False):
                found[row] = value
        return found


class TrunkDistance:
    """How far apart the maps of a parser's trunk are; made as LPIPS is, without its learned weights, and not LPIPS.

    At each place of each map both pictures' features are brought to unit length; their squared difference is averaged
    over the places, then over the maps: 0 for equal pictures, at most 4.
    """

    def __init__(self, maps: TrunkMaps) -> None:
        self.maps = maps

    @classmethod
    def load(
        cls, name: str | Path | None = None, *, device: str = "auto", sha256: Digest | None = None
    ) -> TrunkDistance:
        """Load as `TrunkMaps.load` does."""
        return cls(TrunkMaps.load(name, device=device, sha256=sha256))

    @torch.inference_mode()
    def __call__(self, pairs: Sequence[tuple[Photo, Photo]], *, batch_size: int | None = None) -> list[float]:
        """Return one distance a pair. Raises InputError for two sizes, FacesynthError for NaN."""
        _check_sizes(pairs, 1)
        size = resolve_batch_size(batch_size, self.maps.device)
        found: list[float] = []
        for start in range(0, len(pairs), size):
            group = pairs[start : start + size]
            ours, theirs = (self.maps([pair[side] for pair in group], size) for side in (0, 1))
            layers = [_apart(one, other) for one, other in zip(ours, theirs, strict=True)]
            found += torch.stack(layers).mean(0)[: len(group)].tolist()
        return found


def _apart(one: Tensor, other: Tensor) -> Tensor:
    """M×C×H×W twice → M: the mean over the places of the squared difference of unit features."""
    return (F.normalize(one) - F.normalize(other)).square().sum(1).mean((1, 2))


def _check_sizes(pairs: Sequence[tuple[Photo, Photo]], smallest: int) -> None:
    for one, other in pairs:
        if one.size != other.size:
            sizes = " and ".join(f"{photo.width}×{photo.height}" for photo in (one, other))
            raise InputError(f"the two pictures have different sizes ({sizes})", hint="give pictures of one size")
        if min(one.size) < smallest:
            what = f"a picture of {one.width}×{one.height} pixels is too small for LPIPS"
            raise InputError(what, hint=f"give pictures of at least {smallest}×{smallest}")
