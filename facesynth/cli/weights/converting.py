"""`facesynth weights convert`: other people's checkpoints made into weights files."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from facesynth.cli.options import schema_option


@click.command("convert")
@click.argument("sources", type=click.Path(path_type=Path), metavar="CHECKPOINT...", nargs=-1, required=True)
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
    "--size",
    type=click.IntRange(min=1),
    help="Of SPADE, the side of its pictures in pixels, where neither its tensors nor opt.txt tell it.",
)
@click.option(
    "--dontcare",
    is_flag=True,
    help="Of SPADE, its last label channel is that of --contain_dontcare_label: leave it out.",
)
@click.option(
    "--licence", metavar="TEXT", default="unstated", show_default=True, help="Of the checkpoint, for the new file."
)
@click.option("--force", is_flag=True, help="Replace FILE where it is there already.")
def convert(
    sources: tuple[Path, ...],
    output: Path,
    schema: str | None,
    size: int | None,
    dontcare: bool,
    licence: str,
    force: bool,
) -> None:
    """Make a weights file of CHECKPOINT, PyTorch files of another project whose kind their tensors' names tell.

    Known are the BiSeNet face parser of zllrunning/face-parsing.PyTorch, and generator, encoder and discriminator of
    NVlabs/SPADE, trained with --use_vae on the 19 classes. Name latest_net_G.pth, and latest_net_E.pth and
    latest_net_D.pth beside it come along, as does opt.txt; or name the files. Nothing that CHECKPOINT holds is run.

    \b
    Example: facesynth weights convert 79999_iter.pth -o bisenet.safetensors
    Example: facesynth weights convert checkpoints/faces/latest_net_G.pth -o faces.safetensors
    """
    from facesynth.inference.convert import KINDS
    from facesynth.inference.convert import convert as make  # torch, which --help does not need

    made = make(sources, output, schema=schema, size=size, dontcare=dontcare, licence=licence, replace=force)
    click.echo(f"{KINDS[made.kind].about}: {made.parameters / 1e6:.1f} M parameters", err=True)
    if len(made.networks) > 1:
        for role, each in made.networks.items():
            beside = "" if each.path in sources else ", which lay beside it"
            click.echo(f"{role}: {each.path}{beside}, {each.parameters / 1e6:.2f} M", err=True)
    if made.options is not None:
        click.echo(f"{made.options} was read, the options of its training", err=True)
    for note in made.notes:
        click.echo(note, err=True)
    click.echo(f"its classes were in {made.schema}'s order, its licence is {licence}", err=True)
    click.echo(output)
