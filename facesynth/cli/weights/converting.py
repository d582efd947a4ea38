"""`facesynth weights convert`: other people's checkpoints made into weights files."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from facesynth.cli.options import schema_option


@click.command("convert")
@click.argument("source", type=click.Path(path_type=Path), metavar="CHECKPOINT")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The weights file, *.safetensors.",
)
@schema_option("Order of the checkpoint's classes (default: that of its project):")
@click.option(
    "--licence", metavar="TEXT", default="unstated", show_default=True, help="Of the checkpoint, for the new file."
)
@click.option("--force", is_flag=True, help="Replace FILE where it is there already.")
def convert(source: Path, output: Path, schema: str | None, licence: str, force: bool) -> None:
    """Make a weights file of CHECKPOINT, a PyTorch file of another project whose kind its tensors' names tell.

    Known is the BiSeNet face parser of zllrunning/face-parsing.PyTorch. Nothing that CHECKPOINT holds is run.

    \b
    Example: facesynth weights convert 79999_iter.pth -o bisenet.safetensors
    """
    from facesynth.inference.convert import KINDS
    from facesynth.inference.convert import convert as make  # torch, which --help does not need

    made = make(source, output, schema=schema, licence=licence, replace=force)
    click.echo(f"{KINDS[made.kind].about}: {made.parameters / 1e6:.1f} M parameters", err=True)
    click.echo(f"its classes were in {made.schema}'s order, its licence is {licence}", err=True)
    click.echo(output)
