"""`facesynth synthesize`: label maps in, faces out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.packing_options import packing_options
from facesynth.cli.value_types import SeedRange
from facesynth.cli.work import Work


@click.command("synthesize")
@options.inputs_and_output("LABELS")
@options.style_option
@click.option("--seeds", type=SeedRange(), help="Paint once for each seed (default: 0).")
@click.option("--interpolate", nargs=2, metavar="A B", help="Paint the way from one seed or photo to another: a film.")
@click.option("--frames", type=click.IntRange(2, 240), default=8, show_default=True, help="Pictures from A to B.")
@options.together("painting", generator=options.generator_option, size=options.size_option)
@options.schema_option("The order of ids in the label maps, where they do not say.")
@options.sheet_option
@packing_options
@options.parsing_work_options
def synthesize(
    work: Work,
    engine: str,
    style: Path | None,
    seeds: tuple[int, ...] | None,
    interpolate: tuple[str, str] | None,
    frames: int,
    painting: dict[str, Any],
    schema: str | None,
    sheet: bool,
    shard_size: int | None,
) -> None:
    """Paint a face from each label map, in the style of a photo or of a seed. The same seed gives the same picture.

    \b
    Example: facesynth synthesize pairs/labels -o painted --seeds 0-3 --sheet
    Example: facesynth synthesize pairs/labels -o painted --style portrait.jpg
    Example: facesynth synthesize pairs/labels -o painted --interpolate 3 portrait.jpg --frames 16
    """
    if sum(choice is not None for choice in (style, seeds, interpolate)) > 1:
        raise click.UsageError("--style, --seeds and --interpolate exclude one another")
    if interpolate is None and options.given("frames"):
        raise click.UsageError("--frames is for --interpolate A B: it says how many pictures lie from A to B")
    if interpolate and shard_size:
        raise click.UsageError("--interpolate makes films to look at: it is for --output-format files")
    from facesynth.core.archives import LABELS_EXTENSION
    from facesynth.core.label_files import LABEL_SUFFIXES
    from facesynth.jobs.interpolation import interpolate as to_another
    from facesynth.jobs.packing import Packing
    from facesynth.jobs.painting import StyleReader, named_photos, painting_stages
    from facesynth.jobs.synthesize import VARIANT_TAIL
    from facesynth.jobs.synthesize import synthesize as job

    stages = painting_stages(**painting, engine=engine, **work.networks)
    settings = {"style": style, "seeds": seeds, "interpolate": interpolate, "frames": interpolate and frames,
                **painting, "engine": engine, "precision": work.precision, "schema": schema,
                "shard_size": shard_size}  # fmt: skip
    photos = [style] if style else named_photos(interpolate or ())
    more: dict[str, Any] = {
        "align": stages.align if photos else None,
        "reads": [*photos, *filter(None, [painting["generator"]])],
        "suffixes": LABEL_SUFFIXES,
        "extension": LABELS_EXTENSION,
        "packing": Packing(shard_size) if shard_size else None,
        "tail": VARIANT_TAIL,
    }
    with work.session("synthesize", settings, **more) as session:
        styles, stage = StyleReader(session, stages), stages.synthesize
        if interpolate:
            to_another(session, stage, *styles.ends(*interpolate), frames, schema=schema, sheet=sheet)
        else:
            job(session, stage, styles.variants(style, seeds), schema=schema, sheet=sheet)
