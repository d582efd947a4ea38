"""`facesynth model`: what networks are made of."""

from __future__ import annotations

import rich_click as click

from facesynth.cli.model.summary import summary


@click.group("model")
def model() -> None:
    """Look at networks: their layers, parameters and work."""


model.add_command(summary)
