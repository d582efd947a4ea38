"""`facesynth weights`: what is known, what lies here, how it gets here, and what other projects' files become."""

from __future__ import annotations

import rich_click as click

from facesynth.cli.weights.converting import convert
from facesynth.cli.weights.exporting import export
from facesynth.cli.weights.getting import fetch, verify
from facesynth.cli.weights.listing import list_weights, show


@click.group("weights")
def weights() -> None:
    """Find, fetch, verify, convert and export the files that networks are loaded from."""


for command in (list_weights, show, fetch, verify, convert, export):
    weights.add_command(command)
