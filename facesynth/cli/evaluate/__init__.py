"""`facesynth evaluate`: numbers with their protocol, each of its commands in a module of its own."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import rich_click as click

from facesynth.cli.lazy_group import LazyGroup

_COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "parser": ("facesynth.cli.evaluate.parser", "parser"),
        "labels": ("facesynth.cli.evaluate.labels", "labels"),
        "generator": ("facesynth.cli.evaluate.generator", "generator"),
        "samples": ("facesynth.cli.evaluate.samples", "samples"),
        "images": ("facesynth.cli.evaluate.images", "images"),
    }
)
"""Each command's module and its name there, in the order of --help."""


@click.group("evaluate", cls=LazyGroup, lazy=_COMMANDS)
def evaluate() -> None:
    """Score networks, and say in the same line what the numbers are numbers of."""
