"""`facesynth model summary`: a network's layers, parameters and multiply-adds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import rich_click as click

from facesynth.cli.one_line import one_line

if TYPE_CHECKING:
    from facesynth.inference.summary import NetworkSummary

ROW = "{:<{width}}  {:<18}  {:>13}  {:>13}  {:>17}"


@click.command("summary")
@click.argument("source", metavar="NAME|FILE")
@click.option("--json", "as_json", is_flag=True, help="As one JSON array, a network each.")
def summary(source: str, as_json: bool) -> None:
    """Tell the layers of NAME or FILE, what each gives for one picture, its parameters and its multiply-adds.

    NAME is a network of the SPN paper or known weights; FILE is a weights file, each network of which is told. The
    paper's are sngan, spn, sngan-cbn, biggan and cspn, discriminator and projection, with -32 or -128 behind them, and
    at 32 pixels those of its smaller tables: sngan-wide (SNGAN†), sngan-instance, sngan-layer, sngan-attention,
    spn-attention, spn-kernel1, spn-kernel5, spn-onemask, spn-standard and cspn-nobias.

    Multiply-adds are those of convolutions and linear layers alone, as in the paper's table 6.

    \b
    Example: facesynth model summary spn-32
    Example: facesynth model summary generator-spade-256-v2 --json
    """
    from facesynth.inference.summary import summarise  # torch, which --help does not need

    told = summarise(source)
    if as_json:
        click.echo(json.dumps([each.told() for each in told], indent=2))
        return
    click.echo("\n\n".join("\n".join(_lines(each)) for each in told))


def _lines(network: NetworkSummary) -> list[str]:
    width = max(len("in all"), *(len(layer.name) for layer in network.layers))
    lines = [f"{network.name}: {one_line(network.about)}; {network.side}×{network.side} pixels"]
    lines.append(ROW.format("LAYER", "KIND", "OUTPUT", "PARAMETERS", "MULTIPLY-ADDS", width=width))
    for layer in network.layers:
        output = "-" if layer.output is None else "×".join(map(str, layer.output))
        counts = (f"{layer.parameters:,}", f"{layer.multiply_adds:,}")
        lines.append(ROW.format(layer.name, layer.kind, output, *counts, width=width))
    totals = (f"{network.parameters:,}", f"{network.multiply_adds:,}")
    lines.append(ROW.format("in all", "", "", *totals, width=width))
    return [line.rstrip() for line in [*lines, *network.notes]]
