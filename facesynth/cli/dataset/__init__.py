"""`facesynth dataset`: what networks are trained on, each of its commands in a module of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import rich_click as click

from facesynth.cli.lazy_group import LazyGroup

_COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "import": ("facesynth.cli.dataset.importing", "import_group"),
        "inspect": ("facesynth.cli.dataset.inspect", "inspect"),
        "split": ("facesynth.cli.dataset.split", "split"),
        "random-faces": ("facesynth.cli.dataset.random_faces", "random_faces"),
    }
)
"""Each command's module and its name there, in the order of --help."""


@click.group("dataset", cls=LazyGroup, lazy=_COMMANDS)
def dataset() -> None:
    """Take in the data that networks are trained on, look at it, divide it, make it."""
