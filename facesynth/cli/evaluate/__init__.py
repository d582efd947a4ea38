"""`facesynth evaluate`: numbers with their protocol, each of its commands in a module of its own."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

import click as plain_click
import rich_click as click

_COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "parser": ("facesynth.cli.evaluate.parser", "parser"),
        "labels": ("facesynth.cli.evaluate.labels", "labels"),
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


@click.group("evaluate", cls=_LazyCommands)
def evaluate() -> None:
    """Score networks, and say in the same line what the numbers are numbers of."""
