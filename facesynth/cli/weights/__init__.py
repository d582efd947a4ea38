"""`facesynth weights`: what is known, what lies here, and how it gets here."""

from __future__ import annotations

import rich_click as click

from facesynth.cli.weights.getting import fetch, verify
from facesynth.cli.weights.listing import list_weights, show


@click.group("weights")
def weights() -> None:
    """Find, fetch and verify the files that networks are loaded from."""


for command in (list_weights, show, fetch, verify):
    weights.add_command(command)
