"""`facesynth dataset`: what networks are trained on, each of its commands in a module of its own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

import click as plain_click
import rich_click as click

_COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "import": ("facesynth.cli.dataset.importing", "import_group"),
        "inspect": ("facesynth.cli.dataset.inspect", "inspect"),
        "split": ("facesynth.cli.dataset.split", "split"),
        "random-faces": ("facesynth.cli.dataset.random_faces", "random_faces"),
    }
)
"""Each command's module and its name there, in the order of --help."""


class _LazyCommands(click.RichGroup):
    def list_commands(self, ctx: plain_click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: plain_click.Context, name: str) -> plain_click.Command | None:
        if name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[name]
        command: plain_click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group("dataset", cls=_LazyCommands)
def dataset() -> None:
    """Take in the data that networks are trained on, look at it, divide it, make it."""
