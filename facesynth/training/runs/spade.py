"""A run that trains a SPADE generator: what pipeline files of kind `spade` fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from facesynth.core.labels import NUM_LABELS
from facesynth.models.specs import DiscriminatorSpec, EncoderSpec, GeneratorSpec, SegmentationDiscriminatorSpec
from facesynth.training.runs.checks import check_run, require_numbers
from facesynth.training.runs.settings import Augment, Data, Precision, Schedule, Watch

BEST_GENERATOR = ("validation/fid", "validation/frechet", "validation/perceptual", "validation/l1")
"""What `best: auto` goes by: the first of these that a validation tells. A name stands for those below it, too."""


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
        require_numbers(self, "adversarial", "feature_matching", "perceptual", "kld", "reconstruction")
        require_numbers(self, "segmentation", "label_mix")


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffAugment:
    """What is done alike to photos and painted pictures before discriminators see them (Zhao et al. 2020); 0 is off.

    The paper's whole policy is colour 1, translation 0.125 and cutout 0.5.
    """

    colour: float = 0.0  # share of the paper's ranges of brightness, saturation and contrast
    translation: float = 0.0  # of the side, ±
    cutout: float = 0.0  # side of the square that is blanked, as a share of the picture's

    def __post_init__(self) -> None:
        require_numbers(self, "colour", "translation", "cutout", high=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OddMaps:
    """Label maps as people paint them, in place of some of those that belong to the photos; see `spade.odd_maps`."""

    share: float = 0.0  # of all samples
    redrawn: float = 0.4  # of those: with other proportions than the photo's; the rest are its face, loosely drawn

    def __post_init__(self) -> None:
        require_numbers(self, "share", "redrawn", high=1)


LabelPatterns = Literal["auto", "always", "never"]


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
    label_patterns: LabelPatterns = "auto"  # γ and β once for each pattern of labels: auto is on a CPU, unless compiled
    watch: Watch = field(default_factory=Watch)
    best: str | None = "auto"  # the score whose best moment is kept: auto is the first of BEST_GENERATOR; or null
    every: Schedule = field(default_factory=Schedule)

    def __post_init__(self) -> None:
        check_run(self)
        require_numbers(self, "generator_learning_rate", "discriminator_learning_rate", "decay_images")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {list(self.betas)}, each must be at least 0 and less than 1")
        require_numbers(self, "style_mixing", "region_dropping", high=1)
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
        if self.label_patterns == "always" and self.compile:
            raise ValueError(
                "label_patterns: always and compile: true exclude each other, as each batch has another number of them"
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

    def by_patterns(self, device: str) -> bool:
        """Whether γ and β are computed once for each pattern of labels on a device of this kind (`cpu`, `cuda`)."""
        if self.label_patterns == "auto":
            return device == "cpu" and not self.compile
        return self.label_patterns == "always"

    @property
    def shared_out(self) -> Mapping[str, int]:
        """What of a batch is shared out to devices and parts."""
        return {"batch_size": self.batch_size}
