"""Flat, typed records that say how a network is built; they travel in the metadata of every weights file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

TrunkName = Literal["mobilenet-v2", "efficientnet-lite0"]
HeadName = Literal["pyramid", "lraspp"]
_WIDEST = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserSpec:
    """A face parser: a trunk, a head under it, logits at half the input's resolution.

    A `pyramid` uses the trunk down to stride 32, `lraspp` (Lite R-ASPP) cuts it off at stride 16. A `mirrored` parser
    looks at the mirrored face too, when it is not being trained, and answers with the mean of both: twice the work.
    """

    labels: int = 19
    size: int = 256  # side in pixels of the square input it was trained at
    trunk: TrunkName = "mobilenet-v2"
    head: HeadName = "pyramid"
    pyramid_channels: int = 96  # of the head's coarse maps
    detail_channels: int = 48  # of its finest
    mirrored: bool = False

    def __post_init__(self) -> None:
        if self.size % 32 or self.size < 64:
            raise ValueError(f"parser size {self.size} must be a multiple of 32, and at least 64")
        if self.trunk not in get_args(TrunkName) or self.head not in get_args(HeadName):
            raise ValueError(f"a parser of trunk {self.trunk!r} and head {self.head!r} is none that is known")
        if not 1 <= self.labels <= 256 or not all(
            1 <= width <= _WIDEST for width in (self.pyramid_channels, self.detail_channels)
        ):  # before a wrong file makes us fill the memory
            raise ValueError(f"a parser has 1 to 256 labels, and heads of 1 to {_WIDEST} channels")


@dataclass(frozen=True, slots=True, kw_only=True)
class BisenetSpec:
    """A face parser: BiSeNet (Yu et al. 2018) on a ResNet-18, by default that of zllrunning/face-parsing.PyTorch."""

    labels: int = 19
    size: int = 512  # side in pixels of the square input
    width: int = 64  # channels of the trunk's first stage; those of all else are multiples of it

    def __post_init__(self) -> None:
        if self.size % 32 or self.size < 64:
            raise ValueError(f"parser size {self.size} must be a multiple of 32, and at least 64")
        if not 1 <= self.width <= 256 or self.labels < 1:  # before a wrong file makes us fill the memory
            raise ValueError(f"a BiSeNet has 1 label or more and is 1 to 256 wide, not {self.labels} and {self.width}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorSpec:
    """A SPADE generator (Park et al. 2019), by default as NVlabs/SPADE builds it at 256 pixels.

    `style_affine` adds the path in which the style scales and shifts every block beside the label-only γ/β;
    `noise` adds learned, per-channel noise to every block (the face paper, section 3.4). With `style_regions` that path
    takes a style for each label, which acts where the label is, and the first layer is learned and takes no style.
    """

    labels: int = 19
    size: int = 256  # side in pixels of the square picture
    start: int = 8  # side of the first feature map; size = start · 2^blocks
    style_channels: int = 256  # length of the style vector z
    width: int = 64  # channels of the last block
    max_width: int = 1024  # channels of the first blocks
    spade_hidden: int = 128  # channels between label map and γ/β
    spectral: bool = True
    style_affine: bool = False
    noise: bool = False
    style_regions: bool = False
    region_correlation: float = 0.5  # between the styles of any two of a face's regions, in the prior
    face_correlation: float = 0.0  # how much more between those of skin and what lies in it; the sum is below 1

    def __post_init__(self) -> None:
        if min(self.start, self.width, self.max_width, self.spade_hidden, self.style_channels) < 1:
            raise ValueError("a generator's start and numbers of channels must be at least 1")
        if self.size not in (self.start << 5, self.start << 6, self.start << 7):
            raise ValueError(f"generator size {self.size} must be 2^5, 2^6 or 2^7 times start {self.start}")
        if self.style_regions and not self.style_affine:
            raise ValueError("style_regions needs style_affine: the style of a region has no other way in")
        both = self.region_correlation, self.face_correlation
        if not (min(both) >= 0 and sum(both) < 1):  # false for nan too
            raise ValueError(
                f"region_correlation and face_correlation are {both[0]} and {both[1]}, "
                "they must be at least 0, and their sum less than 1"
            )
        if not 1 <= self.labels <= 256:
            raise ValueError(f"a generator paints 1 to 256 labels, not {self.labels}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSpec:
    """The VAE's style encoder (Park et al. 2019, figure 14): strided convolutions to mean and log-variance.

    With `style_regions` there is a mean and a log-variance for each label, pooled where the label is.
    """

    size: int = 256  # faces are resized to this side
    style_channels: int = 256
    width: int = 64
    max_width: int = 512
    spectral: bool = True
    blocks: int = 6
    style_regions: bool = False
    labels: int = 19  # of the label maps that tell where the regions are

    def __post_init__(self) -> None:
        if min(self.blocks, self.width, self.max_width, self.style_channels) < 1:
            raise ValueError("an encoder's blocks and numbers of channels must be at least 1")
        if not 1 <= self.labels <= 256:
            raise ValueError(f"an encoder knows 1 to 256 labels, not {self.labels}")
        if self.size % (1 << self.blocks) or self.size >> self.blocks < 2:
            raise ValueError(f"encoder size {self.size} must be {1 << self.blocks} times 2 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscriminatorSpec:
    """A multi-scale patch discriminator (pix2pixHD's, as NVlabs/SPADE uses it)."""

    labels: int = 19
    scales: int = 2
    layers: int = 4
    width: int = 64
    max_width: int = 512
    spectral: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationDiscriminatorSpec:
    """A U-Net that tells of every pixel which label it has, or that it was painted (Schönfeld et al. 2021, OASIS)."""

    labels: int = 19
    depth: int = 6  # halvings of the picture's side, which has to be a multiple of 2^depth
    width: int = 64  # channels of the last block; they double at the first halving and then at every second one
    max_width: int = 512
    spectral: bool = True

    def __post_init__(self) -> None:
        if not (1 <= self.depth <= 9 and all(1 <= width <= _WIDEST for width in (self.width, self.max_width))):
            raise ValueError(f"a segmentation discriminator is 1 to 9 halvings deep and 1 to {_WIDEST} channels wide")
        if not 1 <= self.labels <= 256:
            raise ValueError(f"a segmentation discriminator tells 1 to 256 labels apart, not {self.labels}")
