"""What a training run is asked to do: frozen records that pipeline files of kind `parser` and `spade` fill in."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal

from facesynth.core.errors import UsageError
from facesynth.core.labels import NUM_LABELS
from facesynth.models.specs import (
    DiscriminatorSpec,
    EncoderSpec,
    GeneratorSpec,
    ParserSpec,
    SegmentationDiscriminatorSpec,
)

Precision = Literal["float32", "bf16"]
BEST_PARSER = ("validation/mean_iou",)
BEST_GENERATOR = ("validation/fid", "validation/frechet", "validation/perceptual", "validation/l1")
"""What `best: auto` goes by: the first of these that a validation tells. A name stands for those below it, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """Training pairs: a dataset's manifest or a folder with images/ and labels/, and who trains and who is held out.

    `extra` are further ones that only train (label maps made by `segment`, say).
    """

    folder: str | None = None  # given by --data when the file leaves it out
    split: str | None = None  # a split file, relative to the pipeline file, or a division that the manifest names
    extra: tuple[str, ...] = ()
    limit: int | None = None  # so many training pairs, drawn by the seed
    judged: int | None = 500  # so many held-out pairs, drawn by the seed; null for all

    def __post_init__(self) -> None:
        if self.limit is not None:
            _require(self, "limit", low=1)
        if self.judged is not None:
            _require(self, "judged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often things are written, in images shown; 0 is never."""

    stats: int = 1_000
    validation: int = 10_000
    samples: int = 10_000
    checkpoint: int = 10_000

    def __post_init__(self) -> None:
        _require(self, "stats", "validation", "samples", "checkpoint")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How what a generator paints of held-out faces is looked at in each validation, beside the photos themselves.

    The pictures are parsed again, and a Fréchet distance between their features and the photos' is taken: of as few
    faces it is of use within one run, and between runs on the same faces. A judge is refused.
    """

    faces: int = 100  # of those that are held out, drawn by the seed; 0 for none
    parser: str | None = None  # by name, or a file relative to the pipeline file; null is the bundled one
    features: str | None = "parser"  # of the parser's trunk; or inception, or another parser's; null for none

    def __post_init__(self) -> None:
        _require(self, "faces")


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
    coarse: float = 0.0  # probability that a face looks as if it came from a small, compressed photo

    def __post_init__(self) -> None:
        _require(self, "scale", low=1)  # pictures are zoomed between 1/scale and scale
        _require(self, "rotation", high=180)
        _require(self, "shift", "colour", "grey", "blur", "coarse", high=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """What a parser learns from beside label maps: a teacher's probabilities, on faces without label maps too.

    The teacher sees a picture before its colours are changed, the student afterwards. With `weights` (distillation) it
    also speaks on the labelled faces; without, the student's own average teaches (Tarvainen and Valpola 2017). Several
    teachers take turns, batch by batch, which teaches their mean at the price of one.
    """

    weights: tuple[str, ...] = ()  # parsers, by name, or files relative to the pipeline file
    folders: tuple[str, ...] = ()  # aligned faces or datasets' manifests; those that are held out are left out
    share: float = 0.5  # of each batch that comes from the folders
    weight: float = 1.0  # of the divergence from the teacher
    temperature: float = 1.0  # that both are softened by
    confidence: float = 0.0  # pixels on which the teacher's best label is less likely do not count
    flip: bool = False  # whether the teacher's answer is the mean of two, the second for the mirrored picture
    ramp_images: int = 0  # over which the weight grows to its full size

    def __post_init__(self) -> None:
        _require(self, "weight", "ramp_images")
        _require(self, "share", "confidence", high=1)
        _require(self, "temperature", low=0.01)


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
    initial: str | None = None  # weights, by name or file, to start the whole network from (then no backbone)
    images: int = 40_000
    batch_size: int = 8
    learning_rate: float = 1e-3
    trunk_learning_rate: float = 3e-4
    weight_decay: float = 1e-2
    warmup_images: int = 1_000
    class_balance: float = 0.4  # weight of a class ∝ frequency^-class_balance
    rare_repeat: float = 0.0  # show faces with a label that fewer than this share of all faces have more often
    dice: float = 0.5  # weight of the soft Dice term
    boundary: float = 0.0  # a pixel near another label weighs 1 + boundary
    teacher: Teacher | None = None
    adversarial: float = 0.0  # weight of the term of a discriminator that sees photos and label maps (pix2pix)
    discriminator: DiscriminatorSpec = field(
        default_factory=lambda: DiscriminatorSpec(scales=1, layers=3, width=32, max_width=128)
    )
    discriminator_learning_rate: float = 2e-4
    ema_half_life: int = 2_000  # images
    precision: Precision = "float32"
    accumulate: int = 1  # equal parts that a batch is gone through in: less memory, the same number of images a step
    compile: bool = False  # by torch.compile, which pays on a GPU after some minutes
    best: str | None = "auto"  # the score whose best moment is kept, like validation/mean_iou, which is auto; or null
    augment: Augment = field(default_factory=Augment)
    every: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        _check(self)
        _require(self, "learning_rate", "trunk_learning_rate", "weight_decay", "class_balance", "dice")
        _require(self, "boundary", "adversarial", "discriminator_learning_rate")
        _require(self, "rare_repeat", high=1)
        if self.parser.labels != NUM_LABELS:
            raise ValueError(f"label maps have {NUM_LABELS} labels, not {self.parser.labels}")
        if self.adversarial and self.discriminator.labels != self.parser.labels:
            raise ValueError(f"the discriminator takes {self.discriminator.labels} labels, not {self.parser.labels}")
        if self.teacher is not None and self.teacher.folders and not 0 < self.unlabelled < self.batch_size:
            raise ValueError(
                f"teacher.share {self.teacher.share} of a batch of {self.batch_size} is {self.unlabelled} faces: both "
                "kinds of faces need at least one"
            )

    @property
    def unlabelled(self) -> int:
        """How many faces of a batch come from the teacher's folders."""
        return round(self.teacher.share * self.batch_size) if self.teacher is not None and self.teacher.folders else 0

    @property
    def packed_size(self) -> int:
        """The side in pixels at which its faces are packed: the parser's, with headroom for the augmentation's zoom."""
        return self.parser.size * 5 // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class GanLosses:
    """Weights of the generator's losses; NVlabs/SPADE's defaults (peers.md 3.1). 0 switches a term off.

    `kld` multiplies the mean over images of the KL divergence in nats; NVlabs sums over the batch on each GPU, which at
    its 4 images a GPU equals 4 · 0.05 here. `reconstruction` (L1 in pixels) is not in the papers. `adversarial` and
    `feature_matching` are the patch discriminator's terms, `segmentation` is the segmentation discriminator's;
    `label_mix` is OASIS's weight of label mixing, in that discriminator's own loss.
    """

    adversarial: float = 1.0
    feature_matching: float = 10.0
    perceptual: float = 10.0
    kld: float = 0.2
    reconstruction: float = 0.0
    segmentation: float = 1.0
    label_mix: float = 10.0

    def __post_init__(self) -> None:
        _require(self, "adversarial", "feature_matching", "perceptual", "kld", "reconstruction")
        _require(self, "segmentation", "label_mix")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffAugment:
    """What is done alike to photos and painted pictures before discriminators see them (Zhao et al. 2020); 0 is off.

    The paper's whole policy is colour 1, translation 0.125 and cutout 0.5.
    """

    colour: float = 0.0  # share of the paper's ranges of brightness, saturation and contrast
    translation: float = 0.0  # of the side, ±
    cutout: float = 0.0  # side of the square that is blanked, as a share of the picture's

    def __post_init__(self) -> None:
        _require(self, "colour", "translation", "cutout", high=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OddMaps:
    """Label maps as people paint them, in place of some of those that belong to the photos; see `spade.odd_maps`."""

    share: float = 0.0  # of all samples
    redrawn: float = 0.4  # of those: with other proportions than the photo's; the rest are its face, loosely drawn

    def __post_init__(self) -> None:
        _require(self, "share", "redrawn", high=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpadeRun:
    """A run that trains VAE encoder, SPADE generator and one discriminator or two together."""

    kind: Literal["spade"] = "spade"
    name: str
    seed: int = 0
    licence: str = "unstated"  # of the weights, written into their file
    data: Data = field(default_factory=Data)
    generator: GeneratorSpec = field(default_factory=GeneratorSpec)
    encoder: EncoderSpec | None = field(default_factory=EncoderSpec)
    discriminator: DiscriminatorSpec | None = field(default_factory=DiscriminatorSpec)  # of patches
    segmentation_discriminator: SegmentationDiscriminatorSpec | None = None  # beside the other one, or in its place
    initial: str | None = None  # weights, by name or file, to start from: discriminators too where the file holds them
    keep_discriminators: bool = False  # in the weights file, for those who go on from it
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
    diff_augment: DiffAugment = field(default_factory=DiffAugment)
    odd_maps: OddMaps = field(default_factory=OddMaps)
    style_mixing: float = 0.0  # share of the pictures that are painted in two styles, crossing over at a random depth
    region_dropping: float = 0.1  # share of the regions that are painted in the learned average instead of their style
    ema_half_life: int = 2_000
    precision: Precision = "float32"
    accumulate: int = 1  # equal parts that a batch is gone through in: less memory, the same number of images a step
    compile: bool = False  # by torch.compile, which pays on a GPU after some minutes
    watch: Watch = field(default_factory=Watch)
    best: str | None = "auto"  # the score whose best moment is kept: auto is the first of BEST_GENERATOR; or null
    every: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        _check(self)
        _require(self, "generator_learning_rate", "discriminator_learning_rate", "decay_images")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {list(self.betas)}, each must be at least 0 and less than 1")
        _require(self, "style_mixing", "region_dropping", high=1)
        if self.style_mixing and not self.generator.style_affine:
            raise ValueError("style_mixing needs generator.style_affine: else the style enters the first layer alone")
        if self.encoder is not None and self.encoder.style_regions != self.generator.style_regions:
            told, other = ("encoder", "generator") if self.encoder.style_regions else ("generator", "encoder")
            raise ValueError(f"{told}.style_regions is true: {other}.style_regions has to be too")
        if self.encoder is not None and self.encoder.style_channels != self.generator.style_channels:
            raise ValueError(
                f"the encoder gives {self.encoder.style_channels} style channels, "
                f"the generator takes {self.generator.style_channels}"
            )
        critic = self.segmentation_discriminator
        if critic is None and self.discriminator is None:
            raise ValueError("discriminator and segmentation_discriminator are both null: a run needs one of them")
        if critic is not None and self.generator.size % (1 << critic.depth):
            raise ValueError(
                f"segmentation_discriminator.depth is {critic.depth}: generator.size {self.generator.size} "
                f"is no multiple of {1 << critic.depth}"
            )
        if any(each is not None and each.labels != NUM_LABELS for each in (critic, self.discriminator)):
            raise ValueError(f"label maps have {NUM_LABELS} labels: give a discriminator as many")
        if any(each is not None and each.labels != NUM_LABELS for each in (self.generator, self.encoder)):
            raise ValueError(f"label maps have {NUM_LABELS} labels: give generator and encoder as many")

    @property
    def packed_size(self) -> int:
        """The side in pixels at which its pairs are packed: the generator's, with headroom for the zoom."""
        return self.generator.size * 9 // 8


def require_shares(run: ParserRun | SpadeRun, devices: int) -> None:
    """Raise UsageError where a run's batch cannot be shared out to so many devices, in its parts, in equal shares."""
    try:
        _check_shares(run, devices)
    except ValueError as error:
        hint = "choose another number of devices, or --set batch_size=N"
        raise UsageError(str(error), where=f"--devices {devices}", hint=hint) from None


def _check_shares(run: ParserRun | SpadeRun, devices: int) -> None:
    shares = devices * run.accumulate
    kinds = {"batch_size": run.batch_size}
    if isinstance(run, ParserRun) and run.unlabelled:
        kinds = {"faces with labels": run.batch_size - run.unlabelled, "unlabelled faces": run.unlabelled}
    for name, count in kinds.items():
        if count % shares:
            what = f"{devices} devices times accumulate {run.accumulate}" if devices > 1 else f"accumulate {shares}"
            raise ValueError(f"{name}: {count} is no multiple of {what}")


def _check(run: ParserRun | SpadeRun) -> None:
    if re.fullmatch(r"\w[\w.-]*", run.name) is None:
        raise ValueError(f"name is {run.name!r}: it names a folder, so use letters, digits, '-', '_' and '.'")
    _require(run, "images", "batch_size", "ema_half_life", "accumulate", low=1)
    if run.batch_size > run.images:
        raise ValueError(f"batch_size is {run.batch_size}, it must be at most images, {run.images}")
    _check_shares(run, 1)
    if run.best not in (None, "auto") and not str(run.best).startswith("validation/"):
        raise ValueError(f"best is {run.best!r}: name a score of a validation, as in stats.jsonl, or auto, or null")
    _require(run, "seed", "warmup_images")


def _require(record: object, *names: str, low: float = 0, high: float = math.inf) -> None:
    """Raise ValueError for the first of these keys whose number is not finite, or not in low..high."""
    for name in names:
        value = getattr(record, name)
        if not (math.isfinite(value) and low <= value <= high):  # false for nan too
            finite = "" if math.isfinite(value) else "finite and "
            bounds = f"at least {low}" if high == math.inf else f"between {low} and {high}"
            raise ValueError(f"{name} is {value}, it must be {finite}{bounds}")
