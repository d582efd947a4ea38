"""`facesynth compare`: generators and saved evaluations of them side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click
from click import get_current_context
from click.core import ParameterSource

from facesynth.cli import options
from facesynth.cli.evaluate.options import OutputFolder, side_option, truth_schema_option
from facesynth.cli.evaluate.picture_options import Names, features_option, how_options, perceptual_option
from facesynth.cli.evaluate.sample_options import count_option, layout_option, part_option
from facesynth.cli.value_types import SeedRange


@click.command("compare")
@click.argument("given", nargs=-1, required=True, metavar="A B ...")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIR|MANIFEST",
    help="Evaluates what is not evaluated yet: photos of faces and their label maps; images alone for generators that "
    "need no label maps.",
)
@layout_option
@part_option
@count_option
@click.option("--split", metavar="FILE|NAME", help="A split file, or a split that the dataset names.")
@side_option
@truth_schema_option
@click.option(
    "--seeds",
    type=SeedRange(),
    help="Styles to draw: 0-2 or 0,1,2; of saved evaluations, those to take.  [default: the saved ones' own, or 0-2] "
    "Without label maps where the pictures' seeds begin, or which they are: 0-4999.",
)
@click.option("--judge", metavar="NAME|FILE", help="The parser that finds label maps again (default: bundled judge).")
@features_option
@perceptual_option
@click.option("--metrics", type=Names("fid", "kid", "is", "pr"), help="Of sets.  [default: all that the features give]")
@click.option(
    "--identity/--no-identity", default=None, help="Compare face descriptors.  [default: where their model lies here]"
)
@click.option(
    "--output",
    "-o",
    type=OutputFolder(),
    metavar="DIR",
    help="Write comparison.json, report.html and evaluations/ there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print comparison.json in place of the table.")
@options.device_option
@options.precision_option
@how_options
def compare(
    given: tuple[str, ...],
    data: Path | None,
    split: str | None,
    side: Any,
    truth_schema: str | None,
    seeds: tuple[int, ...] | None,
    output: Path | None,
    as_json: bool,
    how: dict[str, Any],
    **scored: Any,
) -> None:
    """Set generators side by side: the same label maps, the same seeds, the same measures, in one report.

    Each of A, B … is weights by name or file, the folder of a training run, or an evaluation that was saved: its
    folder, or the evaluation.json in it. What is not evaluated yet is, as by `evaluate generator`, on --data;
    generators without label maps as by `evaluate samples`. Trainings that differ in their seed alone are one column:
    mean ± sd over them. Numbers of unlike protocols are told to be unlike.

    \b
    Example: facesynth compare runs/plain runs/wide --data celeba --split official --side test -o side-by-side
    Example: facesynth compare runs/faces-sngan-s* runs/faces-spn-s* --data faces --features mobilenet-v2-imagenet
    Example: facesynth compare scores/a/evaluation.json scores/b/evaluation.json --seeds 0,1
    """
    from facesynth.cli.comparison_table import table
    from facesynth.cli.evaluate.picture_options import working
    from facesynth.evaluation.comparison.document import comparison_json
    from facesynth.jobs.compare.candidates import candidates
    from facesynth.jobs.compare.choosing import OF_LABELS, OF_SEEDS, scorer_of
    from facesynth.jobs.compare.files import ComparisonFiles
    from facesynth.jobs.compare.job import compare as job
    from facesynth.jobs.compare.sample_scoring import SampleScoring

    options.refuse_two_caches(no_cache=how["no_cache"])
    found = candidates(given)
    scoring = scorer_of(
        found,
        data,
        seeds=seeds,
        split=split,
        side=side,
        truth_schema=truth_schema,
        batch_size=how["batch_size"],
        **scored,
    )
    files = None
    if output is not None:
        named = [str(path) for path in (split, scored["judge"], data) if path is not None]
        files = ComparisonFiles.into(output, [data] if data is not None else [], [*given, *named])
    with working(how) as (execution, told):
        of_seeds = isinstance(scoring, SampleScoring)
        if scoring is None and (idle := _given((*_OF_SCORING, *OF_SEEDS))):
            told.note(f"{' and '.join(idle)}: all that is compared is evaluated already, by what its own files say")
        elif scoring is not None and (idle := _given(OF_LABELS if of_seeds else OF_SEEDS)):
            told.note(f"{' and '.join(idle)}: of no use for generators {'without' if of_seeds else 'of'} label maps")
        comparison = job(found, scoring, execution, seeds=None if of_seeds else seeds)
        told.close()
        if files is not None:
            files.write(comparison)
        click.echo(comparison_json(comparison).rstrip() if as_json else "\n".join(table(comparison)))
        if output is not None and not as_json:
            click.echo(f"\n{output / 'report.html'}")
        raise SystemExit(comparison.exit_code)


_OF_SCORING = ("judge", "features", "perceptual", "metrics", "identity", "device", "precision")


def _given(names: tuple[str, ...]) -> list[str]:
    """Those of these options that stand on the command line."""
    context = get_current_context()
    given = (name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE)
    return [f"--{name.replace('_', '-')}" for name in given]
