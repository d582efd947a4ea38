"""What `facesynth run` is asked to do: frozen records that pipeline files of kind `plan` fill in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from facesynth.inference.sizes import LARGEST, SMALLEST


@dataclass(frozen=True, slots=True, kw_only=True)
class AlignPlan:
    """How faces are found and cropped; the options of `facesynth align`."""

    size: int = 512
    frame: Literal["ffhq", "celeba-hq"] = "ffhq"
    faces: Literal["all", "largest", "center"] = "all"
    landmarks: Literal["auto", "face-alignment", "dlib"] = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentPlan:
    """What parses the faces: a weights name or file, the bundled parser by default."""

    parser: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizePlan:
    """What paints the faces again, and in which styles.

    `others` is the number of other faces that each face is painted in the style of: those that come next in the order
    of names, and after the last one the first. So work grows with the number of faces, not with its square.
    """

    generator: str | None = None
    size: int | None = None
    own: bool = True
    others: int = 7
    seeds: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.others < 0 or any(seed < 0 for seed in self.seeds):
            raise ValueError("others and seeds must not be negative")
        if self.size is not None and not SMALLEST <= self.size <= LARGEST:
            raise ValueError(f"size is {self.size}, it must be {SMALLEST} to {LARGEST}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Photos → faces → label maps and styles → faces painted again → a contact sheet."""

    kind: Literal["plan"] = "plan"
    name: str = "plan"
    align: AlignPlan = field(default_factory=AlignPlan)
    segment: SegmentPlan = field(default_factory=SegmentPlan)
    synthesize: SynthesizePlan = field(default_factory=SynthesizePlan)
    sheet: bool = True
