"""`facesynth weights fetch` and `verify`: weights brought here, and whether they are whole."""

from __future__ import annotations

import sys

import rich_click as click

from facesynth import weights as library
from facesynth.core.errors import WeightsError, WeightsMissing


@click.command("fetch")
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
        click.echo(f"licence: {library.entry_of(name).licence}", err=True)


@click.command("verify")
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
