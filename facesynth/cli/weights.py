"""`facesynth weights`: what is known, what lies here, and how it gets here."""

from __future__ import annotations

import dataclasses
import json
import sys

import rich_click as click

from facesynth import weights as library
from facesynth.core.errors import WeightsError, WeightsMissing

TABLE = "{:<28} {:<10} {:<8} {:<5} {:>7}  {}"


@click.group("weights")
def weights() -> None:
    """Find, fetch and verify the files that networks are loaded from."""


@weights.command("list")
@click.option("--json", "as_json", is_flag=True, help="As one JSON array.")
def list_weights(as_json: bool) -> None:
    """List the known weights: their source, whether they lie here, and what they are verified by.

    \b
    Example: facesynth weights list
    """
    entries = library.manifest().values()
    if as_json:
        click.echo(json.dumps([_told(entry) for entry in entries], indent=2))
        return
    click.echo(TABLE.format("NAME", "KIND", "SOURCE", "HERE", "MB", "VERIFIED BY"))
    for entry in entries:
        here = "yes" if any(library.candidates(entry)) else "-"
        size = f"{entry.size / 1e6:.1f}" if entry.size else "?"
        click.echo(TABLE.format(entry.name, entry.kind, entry.source, here, size, _verified_by(entry)))


@weights.command()
@click.argument("name")
def show(name: str) -> None:
    """Show all that is known of NAME, a name from the list or a safetensors file, with its model card.

    \b
    Example: facesynth weights show s3fd
    """
    entry = library.manifest().get(name)
    for key, value in (_told(entry) if entry else {"file": name}).items():
        if value is not None:
            click.echo(f"{key:<14} {value}")
    try:
        path = library.locate(name)
    except WeightsMissing as error:
        if not entry:
            raise
        click.echo(f"{'to get it':<14} {error.hint}")
    else:
        if path.suffix == ".safetensors":
            for key, value in sorted(library.read_header(path).items()):
                click.echo(f"{'- ' + key:<14} {value}")
    if entry and entry.card:
        click.echo("\n" + (library.data_folder("weights") / entry.card).read_text(encoding="utf-8"))


@weights.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--quiet", "-q", is_flag=True, help="No progress bar.")
def fetch(names: tuple[str, ...], quiet: bool) -> None:
    """Fetch NAMES from their servers and verify them; what already lies here whole stays as it is.

    FACESYNTH_WEIGHTS names another folder than the user's cache folder for them; FACESYNTH_OFFLINE=1 refuses to fetch.

    \b
    Example: facesynth weights fetch 2dfan4 s3fd
    """
    for name in names:
        if quiet:
            click.echo(library.fetch(name))
            continue
        with click.progressbar(length=1, label=name, file=sys.stderr, width=30) as bar:

            def advance(done: int, total: int) -> None:
                bar.length = total or done
                bar.update(done - bar.pos)

            path = library.fetch(name, advance)
        click.echo(path)


@weights.command()
@click.argument("names", nargs=-1)
def verify(names: tuple[str, ...]) -> None:
    """Verify NAMES, or all weights that lie here, by their sha256. Exit code 1 when one is damaged or missing.

    \b
    Example: facesynth weights verify
    """
    entries = [library.entry_of(name) for name in names] or list(library.manifest().values())
    bad = 0
    for entry in entries:
        try:
            click.echo(f"whole    {entry.name}  {library.find(entry)}")
        except WeightsMissing as error:
            wanted = bool(names) or not entry.optional
            bad += wanted
            click.echo(f"{'MISSING' if wanted else 'not here':<8} {entry.name}  {error.hint}")
        except WeightsError as error:
            bad += 1
            click.echo(f"DAMAGED  {entry.name}  {error}")
    if bad:
        raise SystemExit(1)


def _told(entry: library.WeightsFile) -> dict[str, object]:
    here = next(library.candidates(entry), None)
    told = {"source": entry.source, "here": here and str(here), "verified_by": _verified_by(entry)}
    return dataclasses.asdict(entry) | told


def _verified_by(entry: library.WeightsFile) -> str:
    return "sha256" if entry.sha256 else f"the first {len(entry.digits)} digits of sha256, all that is published"
