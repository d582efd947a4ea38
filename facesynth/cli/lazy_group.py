"""Groups of commands that are imported when they are named, so that one command's slowness is not another's."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

import click as plain_click
import rich_click as click


class LazyGroup(click.RichGroup):
    """A group made with `lazy`: each command's module and its name there, in the order of --help."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self._lazy = lazy

    def list_commands(self, ctx: plain_click.Context) -> list[str]:
        return list(self._lazy)

    def get_command(self, ctx: plain_click.Context, name: str) -> plain_click.Command | None:
        if name not in self._lazy:
            return None
        module, attribute = self._lazy[name]
        command: plain_click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: plain_click.Context, args: list[str]
    ) -> tuple[str | None, plain_click.Command | None, list[str]]:
        if args and args[0] not in self._lazy and not args[0].startswith("-"):
            close = difflib.get_close_matches(args[0], self._lazy, n=1)
            ctx.fail(f"no such command: {args[0]}" + (f"; did you mean {close[0]}?" if close else ""))
        return super().resolve_command(ctx, args)
