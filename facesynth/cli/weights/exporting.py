"""`facesynth weights export`: a parser as a file for other programs."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command("export")
@click.argument("source", metavar="NAME|FILE")
@click.option("--format", "form", type=click.Choice(["onnx", "openvino"]), required=True, help="Kind of graph.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The graph, *.onnx or *.xml (OpenVINO's *.bin lies beside it).",
)
@click.option("--force", is_flag=True, help="Replace FILE where it is there already.")
def export(source: str, form: str, output: Path, force: bool) -> None:
    """Write the parser NAME or FILE as a graph, after comparing what it computes with PyTorch.

    The file says itself how it is fed and what its classes are, so that `segment --parser FILE.onnx` needs no more.

    \b
    Example: facesynth weights export parser-mnv2-320-v2 --format onnx -o parser.onnx
    """
    from facesynth.inference.export import export_parser  # torch, which --help does not need

    done = export_parser(source, output, form, replace=force)
    told = done.metadata
    click.echo(f"against PyTorch: {done.agreement}", err=True)
    click.echo(f"input {told['size']}×{told['size']}, {told['order']}, normalised by {told['normalisation']}; "
               f"classes in {told['labels']}'s order; licence {told['licence']}", err=True)  # fmt: skip
    for file in done.files:
        click.echo(file)
