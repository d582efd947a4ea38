"""The stages that painting takes, made from options, and styles by what a user calls them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facesynth.core.errors import UsageError
from facesynth.core.label_files import holds_label_map
from facesynth.core.labels import Label
from facesynth.core.refs import Item
from facesynth.core.regions import region_named
from facesynth.core.styles import MAX_SEED, Style
from facesynth.jobs.items import style_item
from facesynth.jobs.session import Session
from facesynth.jobs.styles import style_of
from facesynth.jobs.synthesize import Variant, by_seeds
from facesynth.jobs.transfer import TransferStages
from facesynth.plans import AlignPlan
from facesynth.stages.align import AlignStage
from facesynth.stages.encode import EncodeRegionsStage, EncodeStage, reads_regions
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
    """The real stages; nothing is loaded before one of them has something to compute. `engine` parses and paints."""
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
        encode_regions=EncodeRegionsStage(generator=generator, **how) if reads_regions(generator) else None,
        synthesize=SynthesizeStage(generator=generator, size=size, engine=engine, **how),
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
        return style_of(self.session, path, self.stages)

    def regions(self, images: Sequence[tuple[str, Path]]) -> list[tuple[tuple[Label, ...], Item[Style]]]:
        """The styles of regions by their names, each of an image's largest face, with the labels they are made of.

        Raises UsageError for an unknown region, one that is named twice or that the face does not show, and where the
        generator has one style for the whole face.
        """
        if images and self.stages.encode_regions is None:
            raise UsageError(
                "this generator has one style for the whole face, and none for a region",
                hint="give --generator weights that were trained with generator.style_regions; "
                "pipelines/face-spade-128.yaml makes them",
            )
        found: list[tuple[tuple[Label, ...], Item[Style]]] = []
        for name, path in images:
            labels = region_named(name)
            if any(labels == others for others, _ in found):
                raise UsageError(f"the region {name} is given twice", hint="name each region once")
            style = self.image(path)
            dry = self.session.execution.dry_run
            if not dry and not any(style.identify().load().knows(label) for label in labels):
                raise UsageError(f"the face shows no {name}", where=path, hint="take it from a face that does")
            found.append((labels, style))
        return found

    def variants(self, style: Path | None = None, seeds: Sequence[int] | None = None) -> list[Variant]:
        """What to paint label maps in: one image's style, or those of seeds (by default 0)."""
        if style is not None:
            return [Variant("", self.image(style))]
        return by_seeds(seeds or (0,))

    def ends(self, first: str, second: str) -> tuple[Item[Style], Item[Style]]:
        """Two styles as `named` finds them. Raises UsageError where they are one."""
        ends = self.named(first), self.named(second)
        one, other = (style.identify().digest for style in ends)
        if first == second or (one and one == other):  # in a dry run a face's may be unknown, and empty
            told = first if first == second else f"{first} and {second}"
            raise UsageError("the same style twice: nothing lies between", where=told, hint="name two that differ")
        return ends

    def named(self, name: str) -> Item[Style]:
        """A style by seed, as `is_seed` knows it, or by image file. Raises UsageError for anything else."""
        if is_seed(name):
            if os.path.exists(name):
                self.session.execution.progress.note(f"{name} is taken for a seed; write ./{name} for the file")
            return style_item(Style.from_seed(int(name)))
        if photo := named_photos([name]):
            return self.image(photo[0])
        raise UsageError(
            "neither a seed nor an image file",
            where=name,
            hint="give a whole number from 0 to 2^63 - 1, or the path of a photo",
        )


def is_seed(name: str) -> bool:
    """Whether a user's word names a style by seed, as in `--seeds 7`.

    A number does so whatever files there are, so that a command means the same in every folder.
    """
    return name.isdecimal() and len(name) <= len(str(MAX_SEED)) and int(name) <= MAX_SEED


def named_photos(names: Iterable[str]) -> list[Path]:
    """The photos among the styles that a user names; whatever else a word may be, it is no photo."""
    return [Path(name) for name in names if not is_seed(name) and os.path.isfile(name)]
