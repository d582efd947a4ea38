"""The stages that painting takes, made from options, and styles by what a user calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesynth.core.errors import UsageError
from facesynth.core.label_files import holds_label_map
from facesynth.core.refs import Item
from facesynth.core.styles import Style
from facesynth.jobs.items import style_item
from facesynth.jobs.session import Session
from facesynth.jobs.styles import style_of
from facesynth.jobs.synthesize import Variant, between, by_seeds
from facesynth.jobs.transfer import TransferStages
from facesynth.plans import AlignPlan
from facesynth.stages.align import AlignStage
from facesynth.stages.encode import EncodeStage
from facesynth.stages.segment import SegmentStage
from facesynth.stages.synthesize import SynthesizeStage


def painting_stages(
    generator: str | None,
    *,
    parser: str | None = None,
    align: AlignPlan | None = None,
    landmarks: str = "auto",
    size: int | None = None,
    precision: str,
    device: str,
    batch_size: int | None,
    engine: str = "auto",
) -> TransferStages:
    """The real stages; nothing is loaded before one of them has something to compute. `engine` runs the parser."""
    how: dict[str, Any] = {"precision": precision, "device": device, "batch_size": batch_size}
    chosen = align or AlignPlan()
    return TransferStages(
        align=AlignStage(
            size=chosen.size,
            frame=chosen.frame,
            faces=chosen.faces,
            landmarks=chosen.landmarks if align else landmarks,
            device=device,
        ),
        segment=SegmentStage(parser=parser, engine=engine, **how),
        encode=EncodeStage(generator=generator, **how),
        synthesize=SynthesizeStage(generator=generator, size=size, **how),
    )


@dataclass(frozen=True, slots=True)
class StyleReader:
    """Finds styles for a session; what it computes is cached like everything else."""

    session: Session
    stages: TransferStages

    def image(self, path: Path) -> Item[Style]:
        """The style of the largest face in a photo, or of a face that is aligned already."""
        if holds_label_map(path):
            raise UsageError("this is a label map, which has no style", where=path, hint="give a photo of a face")
        return style_of(self.session, path, self.stages.align, self.stages.encode)

    def variants(
        self,
        style: Path | None = None,
        seeds: Sequence[int] | None = None,
        interpolate: tuple[str, str] | None = None,
        frames: int = 8,
    ) -> list[Variant]:
        """What to paint label maps in: one image's style, what lies between two styles, or seeds (by default 0)."""
        if style is not None:
            return [Variant("", self.image(style))]
        if interpolate is not None:
            first, second = (self.named(name) for name in interpolate)
            return between(first, second, frames)
        return by_seeds(seeds or (0,))

    def named(self, name: str) -> Item[Style]:
        """A style by seed (a whole number) or by image file. Raises UsageError for anything else."""
        if Path(name).is_file():
            return self.image(Path(name))
        if name.isdecimal():
            return style_item(Style.from_seed(int(name)))
        raise UsageError("neither a seed nor an image file", where=name)
