"""`facesynth dataset split`: which faces train and which judge, as a small file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from facesynth.datasets.manifest import SIDES
from facesynth.datasets.split_files import FRACTIONS, SplitPlan, make_split

_SPELLED = ",".join(f"{share:g}" for share in FRACTIONS)


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    required=True,
    metavar="FILE",
    help="The split file; - is stdout.",
)
@click.option(
    "--fractions", metavar="A,B,C", help=f"Shares of train, validation and test; two leave test empty. [{_SPELLED}]"
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the drawing.")
@click.option(
    "--by", type=click.Choice(["name", "identity"]), help="By identity no person is on two sides. [default: name]"
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Divide N faces, drawn by the seed.")
@click.option("--from", "division", metavar="NAME", help="Take the sides of a split that the dataset itself names.")
def split(target: Path, output: Path, division: str | None, **given: Any) -> None:
    """Divide TARGET, a dataset.jsonl (or its folder) or a folder with images/ and labels/; `train` reads the result.

    The same seed and faces give the same sides, whatever their order, and the counts are the shares, rounded. When
    faces are added, at most as many others change sides at each cut.

    \b
    Example: facesynth dataset split celeba -o split.json --by identity --fractions 0.8,0.1,0.1 --seed 3
    Example: facesynth dataset split ffhq/dataset.jsonl -o split.json --from published
    """
    if division is not None and (given["fractions"] or given["by"]):
        raise click.UsageError("--from takes the dataset's own sides: leave out --fractions and --by")
    shares = given.pop("fractions")
    plan = SplitPlan(
        fractions=_shares(shares) if shares else FRACTIONS,
        by=given["by"] or "name",
        seed=given["seed"],
        sample=given["sample"],
        division=division,
    )
    made = make_split(target, plan)
    to_stdout = str(output) == "-"
    if to_stdout:
        click.echo(made.text(), nl=False)
    else:
        made.write(output)
    for note in made.notes:
        click.echo(note, err=True)
    counts = ", ".join(f"{len(made.split.names(side))} {side}" for side in SIDES)
    click.echo(f"{'split' if to_stdout else output}: {counts}", err=to_stdout)


def _shares(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(share) for share in text.split(","))
    except ValueError:
        raise click.BadParameter(f"{text!r} are no shares; write them like {_SPELLED}") from None
