"""The options of commands that can go on with what comes to be in a folder."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from facesynth.cli.options import given
from facesynth.cli.work import Work

F = TypeVar("F", bound=Callable[..., Any])

_WATCH = click.option(
    "--watch",
    is_flag=True,
    help="Go on with whatever comes to be in the folders, as soon as it is complete, until Ctrl-C or SIGTERM.",
)
_SETTLE = click.option(
    "--settle",
    type=click.FloatRange(0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="With --watch: a file is complete when it has not changed for so long.",
)


def watch_options(command: F) -> F:
    """Add --watch and --settle; the command, which gets `work` too, gets the seconds as `settle`, None where it shall
    not watch."""

    @functools.wraps(command)
    def checked(work: Work, watch: bool, settle: float, **values: Any) -> Any:
        if not watch:
            if given("settle"):
                raise click.UsageError("--settle is for --watch")
            return command(work=work, settle=None, **values)
        if values.get("sheet"):
            raise click.UsageError("--sheet is for what is there now: a watch has no last face")
        if values.get("shard_size"):
            told = "--output-format shards is for what is there now: of what comes, nobody knows what shares a shard"
            raise click.UsageError(told)
        if work.dry_run:
            raise click.UsageError("--dry-run tells of what is there now: leave --watch out")
        if work.no_cache:
            raise click.UsageError("--watch needs the cache: a temporary one would grow until the watch ends")
        return command(work=work, settle=settle, **values)

    return _WATCH(_SETTLE(checked))  # type: ignore[return-value]
