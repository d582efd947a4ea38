"""`facesynth weights list` and `show`: what is known of weights."""

from __future__ import annotations

import dataclasses
import json

import rich_click as click

from facesynth import weights as library
from facesynth.core.errors import WeightsMissing

TABLE = "{:<29} {:<9} {:<8} {:<5} {:>6}  {}"


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="As one JSON array.")
def list_weights(as_json: bool) -> None:
    """List the known weights: their source, whether they lie here, and their licence. All are verified by sha256.

    \b
    Example: facesynth weights list
    """
    entries = library.manifest().values()
    if as_json:
        click.echo(json.dumps([_told(entry) for entry in entries], indent=2))
        return
    click.echo(TABLE.format("NAME", "KIND", "SOURCE", "HERE", "MB", "LICENCE"))
    for entry in entries:
        name = f"{entry.name} *" if _is_default(entry) else entry.name
        here = "yes" if any(library.candidates(entry)) else "-"
        click.echo(TABLE.format(name, entry.kind, entry.source, here, f"{entry.size / 1e6:.1f}", entry.licence))
    click.echo("* what commands use when no weights of its kind are named", err=True)


def _is_default(entry: library.WeightsFile) -> bool:
    if entry.kind == "judge":  # only ever used by its name
        return False
    return entry.source == "bundled" and entry.name == library.default_name(entry.kind)


@click.command("show")
@click.argument("name")
def show(name: str) -> None:
    """Show all that is known of NAME, a name from the list or a safetensors file, with its model card.

    \b
    Example: facesynth weights show s3fd
    """
    entry = library.manifest().get(name)
    known = {key: value for key, value in (_told(entry) if entry else {"file": name}).items() if value is not None}
    try:
        path = library.locate(name)
        inside = library.read_header(path) if path.suffix == ".safetensors" else {}
        known |= {f"- {key}": value for key, value in sorted(inside.items())}
    except WeightsMissing as error:
        if not entry:
            raise
        known["to get it"] = error.hint
    for key, value in known.items():
        click.echo(f"{key:<14} {value}")
    if entry and entry.card:
        click.echo("\n" + (library.data_folder("weights") / entry.card).read_text(encoding="utf-8"))


def _told(entry: library.WeightsFile) -> dict[str, object]:
    here = next(library.candidates(entry), None)
    told = {"source": entry.source, "here": here and str(here)}
    return dataclasses.asdict(entry) | told
