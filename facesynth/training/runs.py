"""What a training run is asked to do: frozen records that pipeline files of kind `parser` and `spade` fill in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from facesynth.models.specs import DiscriminatorSpec, EncoderSpec, GeneratorSpec, ParserSpec

Precision = Literal["float32", "bf16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Training pairs: a folder with images/ and labels/, and a split file that names who trains and who judges.

    `extra` are further pair folders that only train (label maps made by `segment`, say).
    """

    folder: str | None = None  # given by --data when the file leaves it out
    split: str | None = None  # JSON {"train": [names], "validation": [names]}, relative to the pipeline file
    extra: tuple[str, ...] = ()
    limit: int | None = None  # the first so many training pairs in the order of the seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often things are written, in images shown."""

    stats: int = 1_000
    validation: int = 10_000
    samples: int = 10_000
    checkpoint: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Augment:
    """Random geometry and colour. Training sees CelebA-HQ's crops and use sees FFHQ's: hence the jitter."""

    rotation: float = 15.0  # degrees, ±
    scale: float = 1.25  # zoom between 1/scale and scale
    shift: float = 0.08  # of the side, ±
    flip: bool = True  # swaps left and right labels too
    colour: float = 0.3  # strength of brightness, contrast, saturation and gain, 0..1
    grey: float = 0.1  # probability
    blur: float = 0.2  # probability

    def __post_init__(self) -> None:
        if self.scale < 1:
            raise ValueError(
                f"scale is {self.scale}: pictures are zoomed between 1/scale and scale, so it is 1 or more"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ParserRun:
    """A run that trains a face parser."""

    kind: Literal["parser"] = "parser"
    name: str
    seed: int = 0
    licence: str = "unstated"  # of the weights, written into their file
    data: Data = field(default_factory=Data)
    parser: ParserSpec = field(default_factory=ParserSpec)
    backbone: str | None = "mobilenet-v2-imagenet"  # weights name; null starts from noise
    images: int = 40_000
    batch_size: int = 8
    learning_rate: float = 1e-3
    trunk_learning_rate: float = 3e-4
    weight_decay: float = 1e-2
    warmup_images: int = 1_000
    class_balance: float = 0.4  # weight of a class ∝ frequency^-class_balance
    dice: float = 0.5  # weight of the soft Dice term
    ema_half_life: int = 2_000  # images
    precision: Precision = "float32"
    augment: Augment = field(default_factory=Augment)
    every: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class GanLosses:
    """Weights of the generator's losses; NVlabs/SPADE's defaults (peers.md 3.1). 0 switches a term off.

    `kld` multiplies the mean over images of the KL divergence in nats; NVlabs sums over the batch on each GPU, which at
    its 4 images a GPU equals 4 · 0.05 here. `reconstruction` (L1 in pixels) is not in the papers.
    """

    adversarial: float = 1.0
    feature_matching: float = 10.0
    perceptual: float = 10.0
    kld: float = 0.2
    reconstruction: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpadeRun:
    """A run that trains VAE encoder, SPADE generator and patch discriminator together."""

    kind: Literal["spade"] = "spade"
    name: str
    seed: int = 0
    licence: str = "unstated"  # of the weights, written into their file
    data: Data = field(default_factory=Data)
    generator: GeneratorSpec = field(default_factory=GeneratorSpec)
    encoder: EncoderSpec | None = field(default_factory=EncoderSpec)
    discriminator: DiscriminatorSpec = field(default_factory=DiscriminatorSpec)
    perceptual: Literal["mobilenet-v2-imagenet", "vgg19-imagenet", "none"] = "mobilenet-v2-imagenet"
    images: int = 1_000_000
    batch_size: int = 4
    generator_learning_rate: float = 1e-4  # two time-scale update rule
    discriminator_learning_rate: float = 4e-4
    betas: tuple[float, float] = (0.0, 0.9)
    decay_images: int = 0  # linear decay to zero over the last so many images
    warmup_images: int = 0
    losses: GanLosses = field(default_factory=GanLosses)
    augment: Augment = field(
        default_factory=lambda: Augment(rotation=3.0, scale=1.06, shift=0.03, colour=0.0, grey=0.0, blur=0.0)
    )
    ema_half_life: int = 2_000
    precision: Precision = "float32"
    every: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        _check(self)
        if self.encoder is not None and self.encoder.style_channels != self.generator.style_channels:
            raise ValueError(
                f"the encoder gives {self.encoder.style_channels} style channels, "
                f"the generator takes {self.generator.style_channels}"
            )


def _check(run: ParserRun | SpadeRun) -> None:
    if re.fullmatch(r"\w[\w.-]*", run.name) is None:
        raise ValueError(f"name is {run.name!r}: it names a folder, so use letters, digits, '-', '_' and '.'")
    for name in ("images", "batch_size", "ema_half_life"):
        if getattr(run, name) < 1:
            raise ValueError(f"{name} is {getattr(run, name)}, it must be at least 1")
