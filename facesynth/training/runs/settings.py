"""What runs of every kind are asked: their data, how often they write, how pictures are changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facesynth.training.runs.checks import require_numbers

Precision = Literal["float32", "bf16"]


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
            require_numbers(self, "limit", low=1)
        if self.judged is not None:
            require_numbers(self, "judged")


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How often things are written, in images shown; 0 is never."""

    stats: int = 1_000
    validation: int = 10_000
    samples: int = 10_000
    checkpoint: int = 10_000

    def __post_init__(self) -> None:
        require_numbers(self, "stats", "validation", "samples", "checkpoint")


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
        require_numbers(self, "faces")


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
        require_numbers(self, "scale", low=1)  # pictures are zoomed between 1/scale and scale
        require_numbers(self, "rotation", high=180)
        require_numbers(self, "shift", "colour", "grey", "blur", "coarse", high=1)
