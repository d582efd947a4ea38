"""A run that trains a face parser: what pipeline files of kind `parser` fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from facesynth.core.labels import NUM_LABELS
from facesynth.models.specs import DiscriminatorSpec, ParserSpec
from facesynth.training.runs.checks import check_run, require_numbers
from facesynth.training.runs.settings import Augment, Data, Precision, Schedule

BEST_PARSER = ("validation/mean_iou",)


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
        require_numbers(self, "weight", "ramp_images")
        require_numbers(self, "share", "confidence", high=1)
        require_numbers(self, "temperature", low=0.01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """The half of CycleGAN (Zhu et al. 2017) that teaches a parser: photo → labels → photo, through a fixed generator.

    Photos without label maps are parsed, painted from these labels in their own style, and compared with themselves:
    L1 + `perceptual` · the distance of features. It begins after `warmup_images`, as long as labels say nothing yet.
    """

    generator: str  # a SPADE generator with its encoder, by name, or a file relative to the pipeline file
    folders: tuple[str, ...] = ()  # as a teacher's
    share: float = 0.25  # of each batch that comes from the folders
    weight: float = 0.2  # of the distance between a photo and what is painted in its stead
    perceptual: float = 1.0  # weight of the distance of features beside L1; 0 for none
    features: Literal["mobilenet-v2-imagenet", "vgg19-imagenet"] = "mobilenet-v2-imagenet"
    warmup_images: int = 0  # until which it is told and not learnt from
    soft: bool = (
        False  # paint from probabilities, in which a parser can hide the photo, and not from the likeliest label
    )

    def __post_init__(self) -> None:
        require_numbers(self, "weight", "perceptual", "warmup_images")
        require_numbers(self, "share", high=1)


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
    cycle: Cycle | None = None
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
        check_run(self)
        require_numbers(self, "learning_rate", "trunk_learning_rate", "weight_decay", "class_balance", "dice")
        require_numbers(self, "boundary", "adversarial", "discriminator_learning_rate")
        require_numbers(self, "rare_repeat", high=1)
        if self.parser.labels != NUM_LABELS:
            raise ValueError(f"label maps have {NUM_LABELS} labels, not {self.parser.labels}")
        if self.adversarial and self.discriminator.labels != self.parser.labels:
            raise ValueError(f"the discriminator takes {self.discriminator.labels} labels, not {self.parser.labels}")
        for setting, count in self.unlabelled.items():
            if not count or self.labelled < 1:
                shares = " and ".join(f"{each}.share {getattr(self, each).share}" for each in self.unlabelled)
                what = (
                    f"{count} faces" if len(self.unlabelled) == 1 else f"{count} for {setting}, {self.labelled} others"
                )
                raise ValueError(f"{shares} of a batch of {self.batch_size} is {what}: each kind of faces needs one")

    @property
    def folders(self) -> Mapping[str, tuple[str, ...]]:
        """The folders of faces without label maps, by the setting that names them: those that name any."""
        named = {"teacher": self.teacher, "cycle": self.cycle}
        return {setting: each.folders for setting, each in named.items() if each is not None and each.folders}

    @property
    def unlabelled(self) -> Mapping[str, int]:
        """How many faces of a batch come from such folders, by the setting that names them."""
        return {setting: round(getattr(self, setting).share * self.batch_size) for setting in self.folders}

    @property
    def labelled(self) -> int:
        """How many faces of a batch have label maps."""
        return self.batch_size - sum(self.unlabelled.values())

    @property
    def packed_size(self) -> int:
        """The side in pixels at which its faces are packed: the parser's, with headroom for the augmentation's zoom."""
        return self.parser.size * 5 // 4

    @property
    def shared_out(self) -> Mapping[str, int]:
        """What of a batch is shared out to devices and parts, each kind of face for itself."""
        if not self.unlabelled:
            return {"batch_size": self.batch_size}
        more = {f"faces of {setting}.folders": count for setting, count in self.unlabelled.items()}
        return {"faces with labels": self.labelled, **more}
