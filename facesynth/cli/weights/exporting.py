"""`facesynth weights export`: a parser or a generator as a file for other programs."""

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
    """Write the parser or generator NAME or FILE as a graph, after comparing what it computes with PyTorch.

    The file says itself how it is fed: a parser's so that `segment --parser FILE.onnx` needs no more, a generator's for
    other programs, with what facesynth.inference.patterns.graph_inputs finds in a label map.

    \b
    Example: facesynth weights export parser-mnv2-320-v2 --format onnx -o parser.onnx
    Example: facesynth weights export generator-spade-256-v2 --format openvino -o generator.xml
    """
    from facesynth import weights
    from facesynth.inference.export import export_parser, held_networks  # torch, which --help does not need

    if "generator" in held_networks(weights.locate(source)):
        from facesynth.inference.painting.export import export_generator

        painted = export_generator(source, output, form, replace=force)
        told, agreement, files = painted.metadata, str(painted.agreement), painted.files
        fed = (f"patterns of {told['size']}×{told['size']} labels at the sides {told['sides']}, styles of "
               f"{told['style_channels']} numbers{' a label' if told['style_regions'] == 'true' else ''}")  # fmt: skip
    else:
        parsed = export_parser(source, output, form, replace=force)
        told, agreement, files = parsed.metadata, str(parsed.agreement), parsed.files
        fed = f"{told['size']}×{told['size']}, {told['order']}, normalised by {told['normalisation']}"
    click.echo(f"against PyTorch: {agreement}", err=True)
    click.echo(f"input {fed}; classes in {told['labels']}'s order; licence {told['licence']}", err=True)
    for file in files:
        click.echo(file)
