"""Whether results are written as files or packed into archives."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import rich_click as click

from facesynth.cli.options import given

F = TypeVar("F", bound=Callable[..., Any])

SHARD_SIZE = 10_000
"""Inputs whose results share an archive by default, as img2dataset has it."""


def packing_options(command: F) -> F:
    """Add how results are written; the command gets `shard_size`: inputs to an archive, None for files."""

    @functools.wraps(command)
    def checked(output_format: str, shard_size: int, **values: Any) -> Any:
        packs = output_format == "shards"
        if given("shard_size") and not packs:
            raise click.UsageError("--shard-size is for --output-format shards")
        return command(**values, shard_size=shard_size if packs else None)

    for option in (
        click.option(
            "--shard-size",
            type=click.IntRange(1, 1_000_000),
            default=SHARD_SIZE,
            show_default=True,
            help="Inputs to a shard; one that is a shard itself stays one.",
        ),
        click.option(
            "--output-format",
            type=click.Choice(["files", "shards"]),
            default="files",
            show_default=True,
            help="shards: tar archives as WebDataset reads them, in place of a file each.",
        ),
    ):
        checked = option(checked)
    return checked  # type: ignore[return-value]
