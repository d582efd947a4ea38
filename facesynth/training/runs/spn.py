"""A run that trains a residual generator without label maps: what pipeline files of kind `spn` fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from facesynth.datasets.image_sets import Fit, Layout, Part
from facesynth.models.resnet_gan.specs import ResnetDiscriminatorSpec, ResnetGeneratorSpec
from facesynth.training.runs.checks import check_run, require_numbers
from facesynth.training.runs.settings import Precision, Schedule

BEST_SAMPLES = ("validation/fid", "validation/frechet")
"""What `best: auto` goes by: the first of these that a validation tells. A name stands for those below it, too."""

AdversarialLoss = Literal["hinge", "cross-entropy", "least-squares"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageData:
    """Training images, brought to the generator's size: of classes, of attributes, or of none."""

    folder: str | None = None  # given by --data when the file leaves it out
    layout: Layout = "auto"
    part: Part = "train"
    fit: Fit = "exact"  # crop: the square in the middle, resized; exact: any other size is refused
    limit: int | None = None  # so many training images, drawn by the seed
    flip: bool = False  # every other one mirrored, drawn by the seed

    def __post_init__(self) -> None:
        if self.limit is not None:
            require_numbers(self, "limit", low=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleWatch:
    """How generated pictures are compared with training images in each validation: by a Fréchet distance of features.

    `features: inception` gives FID and Inception Score, where its weights are there. A judge is refused.
    """

    images: int = 1_000  # generated, and training images drawn by the seed; 0 for none
    features: str | None = "mobilenet-v2-imagenet"  # or parser, a parser's weights, inception; null for none

    def __post_init__(self) -> None:
        require_numbers(self, "images")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpnRun:
    """A run that trains a residual generator against a residual discriminator (Yeo et al., sections 3 and 4).

    Progress is counted in the training images that the discriminator sees. A step is `n_dis` steps of it on
    `batch_size` images each, and one of the generator on `generator_batch_size` pictures: the paper's iteration. Its
    50,000 iterations are 50,000·5·64 = 16 million images on CIFAR, 50,000·32 = 1.6 million where n_dis is 1.

    With `seconds` it ends when it has trained for so long (validations and files not counted) or has seen `images`,
    whichever comes first, and the learning rate falls by whichever is further.
    """

    kind: Literal["spn"] = "spn"
    name: str
    seed: int = 0
    licence: str = "unstated"  # of the weights, written into their file
    data: ImageData = field(default_factory=ImageData)
    generator: ResnetGeneratorSpec = field(default_factory=ResnetGeneratorSpec)
    discriminator: ResnetDiscriminatorSpec = field(default_factory=ResnetDiscriminatorSpec)
    initial: str | None = None  # weights, by name or file, to start from: the discriminator too where it is in the file
    keep_discriminators: bool = False  # in the weights file, for those who go on from it
    loss: AdversarialLoss = "hinge"  # (table 9)
    images: int = 16_000_000
    seconds: float | None = None  # of training
    batch_size: int = 64  # training images, and as many generated ones, a step of the discriminator
    n_dis: int = 5  # steps of the discriminator for each of the generator
    generator_batch_size: int = 128
    generator_learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.0, 0.9)
    decay_images: int = 0  # linear decay to zero over the last so many images
    warmup_images: int = 0
    ema_half_life: int = 1  # images; 1 is as good as no average, of which the paper tells nothing
    precision: Precision = "float32"
    accumulate: int = 1  # equal parts that a batch is gone through in: less memory, the same number of images a step
    compile: bool = False  # by torch.compile, which pays on a GPU after some minutes
    watch: SampleWatch = field(default_factory=SampleWatch)
    best: str | None = "auto"  # the score whose best moment is kept: auto is the first of BEST_SAMPLES; or null
    every: Schedule = field(default_factory=lambda: Schedule(validation=100_000, samples=100_000, checkpoint=50_000))

    def __post_init__(self) -> None:
        require_numbers(self, "n_dis", "generator_batch_size", low=1)
        check_run(self)
        require_numbers(self, "generator_learning_rate", "discriminator_learning_rate", "decay_images")
        if self.images_a_step > self.images:
            raise ValueError(
                f"a step shows batch_size {self.batch_size} times n_dis {self.n_dis} = {self.images_a_step} images: "
                f"images must be at least that, not {self.images}"
            )
        if self.seconds is not None:
            require_numbers(self, "seconds", low=1)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {list(self.betas)}, each must be at least 0 and less than 1")
        if self.generator.classes != self.discriminator.classes:
            raise ValueError(
                f"generator.classes is {self.generator.classes} and discriminator.classes is "
                f"{self.discriminator.classes}: both are told the same classes, or neither is"
            )
        if self.generator.size % (1 << self.discriminator.halvings):
            raise ValueError(
                f"discriminator.halvings is {self.discriminator.halvings}: generator.size {self.generator.size} "
                f"is no multiple of {1 << self.discriminator.halvings}"
            )

    @property
    def images_a_step(self) -> int:
        """The training images of a step."""
        return self.batch_size * self.n_dis

    @property
    def packed_size(self) -> int:
        """The side in pixels at which its images are packed."""
        return self.generator.size

    @property
    def shared_out(self) -> Mapping[str, int]:
        """What of a batch is shared out to devices and parts."""
        return {"batch_size": self.batch_size, "generator_batch_size": self.generator_batch_size}
