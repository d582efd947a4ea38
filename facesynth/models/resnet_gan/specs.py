"""Flat, typed records of the residual generators and discriminators (Yeo et al., table 2); without torch."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from facesynth.models.normalisation.options import (
    ConvolutionName,
    MaskName,
    NormalisationName,
    NormalisationOptions,
    Padding,
)

GanNormalisation = Literal["batch", "instance", "layer", "cbn", "ccbn", "spn", "cspn"]
CONDITIONAL = frozenset({"cbn", "ccbn", "cspn"})
_WIDEST, _LARGEST, _MOST_CLASSES = 2048, 1024, 10_000  # before a wrong file makes us fill the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ResnetGeneratorSpec:
    """A residual generator, by default SNGAN's for 32 pixels (table 2, top); for 128 pixels width 64, max_width 512.

    Blocks have `width` channels at the end and twice as many before each halving of the side, up to `max_width`. The
    last `starred` blocks have `normalisation`; what the others have, the paper tells of no conditional network: batch
    normalisation here where it is that or spn, and where the last blocks have cspn, the conditional one without masks.
    `spectral` is for all convolutions and linear layers outside the normalisations (LSUN and tiny-ImageNet).
    """

    size: int = 32  # side in pixels of the square picture
    start: int = 4  # side of the first feature map; size = start · 2^blocks
    z_channels: int = 128
    width: int = 256
    max_width: int = 256
    normalisation: GanNormalisation = "batch"
    starred: int = 3
    classes: int = 0  # of a conditional network
    noise_bias: bool = True  # of cspn (table 8)
    kernel: int = 3  # of spn and cspn, as the next three (table 7)
    mask: MaskName = "channels"
    convolution: ConvolutionName = "depthwise"
    padding: Padding = "zeros"
    attention: bool = False  # CBAM's spatial one, in every block (table 10)
    spectral: bool = False

    def __post_init__(self) -> None:
        if not (1 <= self.width <= self.max_width <= _WIDEST and 1 <= self.z_channels <= _WIDEST):
            raise ValueError(f"a residual generator is 1 to {_WIDEST} channels wide, its max_width at least its width")
        if self.start < 1 or self.size > _LARGEST or self.size not in [self.start << n for n in range(1, 11)]:
            raise ValueError(
                f"generator size {self.size} must be start {self.start} times a power of 2, and at most {_LARGEST}"
            )
        if self.normalisation not in (known := get_args(GanNormalisation)):
            raise ValueError(f"normalisation {self.normalisation!r} must be one of {', '.join(known)}")
        if (self.classes > 0) != self.conditional or self.classes > _MOST_CLASSES:
            raise ValueError(
                f"{self.normalisation} with {self.classes} classes: {', '.join(sorted(CONDITIONAL))} have 1 to "
                f"{_MOST_CLASSES} classes, the others none"
            )
        if self.starred < 0:
            raise ValueError(f"{self.starred} blocks cannot have a normalisation of their own")
        self.options()  # raises for what none of them can be

    @property
    def conditional(self) -> bool:
        """Whether it is told a class."""
        return self.normalisation in CONDITIONAL

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the first feature map, and then of each block."""
        blocks = (self.size // self.start).bit_length() - 1
        after = tuple(min(self.width << blocks - 1 - index, self.max_width) for index in range(blocks))
        return after[0], *after

    def normalisation_of(self, block: int) -> NormalisationName:
        """The name of what a block normalises with; they are counted from 0."""
        blocks = len(self.widths) - 1
        if block >= blocks - self.starred:
            return self.normalisation
        without_mask: dict[GanNormalisation, NormalisationName] = {
            "spn": "batch",
            "cspn": "ccbn" if self.noise_bias else "cbn",
        }
        return without_mask.get(self.normalisation, self.normalisation)

    def options(self) -> NormalisationOptions:
        """What its normalisations are made with."""
        shared = {field.name for field in fields(NormalisationOptions)} & {field.name for field in fields(self)}
        return NormalisationOptions(**{name: getattr(self, name) for name in shared})


@dataclass(frozen=True, slots=True, kw_only=True)
class ResnetDiscriminatorSpec:
    """A residual discriminator, by default table 2's for 32 pixels; that for 128 is 64 to 512 wide, 5 halvings, 1 flat.

    First the blocks that halve the side, each twice as wide up to `max_width`, then `flat` ones. With classes it is a
    projection discriminator (Miyato and Koyama 2018).
    """

    width: int = 128
    max_width: int = 128
    halvings: int = 2
    flat: int = 2
    classes: int = 0
    spectral: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.width <= self.max_width <= _WIDEST:
            raise ValueError(
                f"a residual discriminator is 1 to {_WIDEST} channels wide, its max_width at least its width"
            )
        if not (1 <= self.halvings <= 10 and 0 <= self.flat <= 100):
            raise ValueError("a residual discriminator has 1 to 10 blocks that halve, and 0 to 100 flat ones")
        if not 0 <= self.classes <= _MOST_CLASSES:
            raise ValueError(f"a discriminator tells 0 to {_MOST_CLASSES} classes, not {self.classes}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each block."""
        halving = [min(self.width << index, self.max_width) for index in range(self.halvings)]
        return *halving, *[halving[-1]] * self.flat
