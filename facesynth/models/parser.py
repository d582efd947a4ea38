"""The face parser: a trunk that knows pictures, and under it a head that puts a label on every pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.models.specs import ParserSpec
from facesynth.models.trunks import TRUNKS


class ParserNet(nn.Module):
    """N×3×H×W, ImageNet-normalised, H and W multiples of 32 → logits N×labels×H/2×W/2."""

    _exchanged: Tensor

    def __init__(self, spec: ParserSpec, exchanged: Sequence[int] = ()) -> None:
        """`exchanged` is each label's number in the mirrored picture: a mirrored parser needs it."""
        super().__init__()
        if spec.mirrored and len(exchanged) != spec.labels:
            raise ValueError(f"a mirrored parser has to know what its {spec.labels} labels are in the mirror")
        self.trunk = TRUNKS[spec.trunk](whole=spec.head == "pyramid")
        self.head = _HEADS[spec.head](self.trunk.channels, spec)
        self._mirrored = spec.mirrored
        self.register_buffer("_exchanged", torch.tensor(list(exchanged), dtype=torch.long), persistent=False)
        self.register_load_state_dict_pre_hook(_renamed)  # type: ignore[no-untyped-call]

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.trunk(x))
        if self._mirrored and not self.training:
            other: Tensor = self.head(self.trunk(x.flip(-1)))
            logits = (logits + other.flip(-1)[:, self._exchanged]) / 2
        return logits


class PyramidHead(nn.Module):
    """A feature pyramid (Kirillov et al. 2019) over all five maps of a trunk → logits at the first map's size."""

    def __init__(self, channels: Sequence[int], spec: ParserSpec) -> None:
        super().__init__()
        width = spec.pyramid_channels
        self.laterals = nn.ModuleList(nn.Conv2d(each, width, 1) for each in channels[1:])
        self.smooth = nn.ModuleList(_conv(width, width, 3) for _ in channels[1:])
        self.context = nn.Conv2d(channels[-1], width, 1)
        self.merge = _conv(width, spec.detail_channels, 3)
        self.detail = nn.Conv2d(channels[0], spec.detail_channels, 1)
        self.refine = _conv(spec.detail_channels, spec.detail_channels, 3)
        self.classify = nn.Conv2d(spec.detail_channels, spec.labels, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        fine, *coarse = maps
        top = self.context(coarse[-1].mean((2, 3), keepdim=True))
        levels = []
        for lateral, feature in zip(reversed(self.laterals), reversed(coarse), strict=True):
            top = lateral(feature) + _upsampled(top, feature)
            levels.append(top)
        pyramid = sum(
            (_upsampled(smooth(level), levels[-1]) for smooth, level in zip(self.smooth, levels, strict=True)),
            start=torch.zeros((), dtype=fine.dtype, device=fine.device),
        )
        merged = _upsampled(self.merge(pyramid), fine) + self.detail(fine)
        logits: Tensor = self.classify(self.refine(merged))
        return logits


class LiteRasppHead(nn.Module):
    """Lite R-ASPP (Howard et al. 2019, section 6.4) over the four maps of a trunk cut at stride 16 → logits as above.

    The coarsest map is weighed by what the whole picture looks like, as there. Then two dilated convolutions widen the
    view, and it is fused with the finer maps one after the other, which the paper does once: small parts need it.
    """

    def __init__(self, channels: Sequence[int], spec: ParserSpec) -> None:
        super().__init__()
        width, detail = spec.pyramid_channels, spec.detail_channels
        finest, fine, middle, coarse = channels
        self.value = _conv(coarse, width, 3)
        self.gate = nn.Conv2d(coarse, width, 1)
        self.wider = nn.ModuleList(_conv(width, width, 3, dilation=dilation) for dilation in (2, 4))
        self.laterals = nn.ModuleList(
            nn.Conv2d(*each, 1) for each in ((middle, width), (fine, width), (finest, detail))
        )
        self.fuse = nn.ModuleList(_conv(*each, 3) for each in ((width, width), (width, detail), (detail, detail)))
        self.classify = nn.Conv2d(detail, spec.labels, 1)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        *finer, coarse = maps
        x = self.value(coarse) * torch.sigmoid(self.gate(coarse.mean((2, 3), keepdim=True)))
        for wider in self.wider:
            x = x + wider(x)
        for lateral, fuse, feature in zip(self.laterals, self.fuse, reversed(finer), strict=True):
            x = fuse(_upsampled(x, feature) + lateral(feature))
        logits: Tensor = self.classify(x)
        return logits


_HEADS: Mapping[str, Callable[[Sequence[int], ParserSpec], nn.Module]] = MappingProxyType(
    {"pyramid": PyramidHead, "lraspp": LiteRasppHead}
)


def _conv(channels_in: int, channels_out: int, kernel: int, *, dilation: int = 1) -> nn.Sequential:
    padding = kernel // 2 * dilation
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, padding=padding, dilation=dilation, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


def _upsampled(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def _renamed(module: nn.Module, state: MutableMapping[str, Any], prefix: str, *_: object) -> None:
    """Give the parameters of a head the names that they have now: files of before 2 had no `head.` before them."""
    known = (f"{prefix}trunk.", f"{prefix}head.")
    for name in [name for name in state if name.startswith(prefix) and not name.startswith(known)]:
        state[f"{prefix}head.{name[len(prefix) :]}"] = state.pop(name)
