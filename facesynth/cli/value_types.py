"""What options take beyond words and numbers: `auto|N`, `cuda:1`, `0-7`, names of label schemas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import rich_click as click


class BatchSize(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """A number of items, or `auto`, which is None: what suits the device (1 on a CPU, where more gain nothing)."""

    name = "auto|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value == "auto":
            return None
        return int(click.IntRange(min=1).convert(value, param, ctx))


class Device(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """`auto`, `cpu`, `cuda`, `cuda:N` or `mps`. Raises DeviceError for one that this machine does not have."""

    name = "auto|cpu|cuda|cuda:N|mps"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        kind, colon, index = str(value).partition(":")
        if kind not in ("auto", "cpu", "cuda", "mps") or (colon and (kind != "cuda" or not index.isdigit())):
            self.fail(f"{value!r} is none of {self.name}", param, ctx)
        if kind not in ("auto", "cpu") and not (ctx and ctx.resilient_parsing):
            from facesynth.inference.device import resolve_device  # torch, which other devices do not cost

            resolve_device(str(value))
        return str(value)


class Share(click.FloatRange):
    """A number from 0 to 1; `nan`, which is no number, is refused too."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        share = float(super().convert(value, param, ctx))
        if math.isnan(share):  # neither below 0 nor above 1
            self.fail(f"{value!r} is no number from 0 to 1", param, ctx)
        return share


class RegionImage(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """A region of a face and the image to take its style from, as `hair=ann.jpg`. Raises UsageError."""

    name = "NAME=IMAGE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Path]:
        name, equals, image = str(value).partition("=")
        if not equals:
            self.fail(f"{value!r} is no region and image, as hair=IMAGE", param, ctx)
        from facesynth.core.regions import region_named

        region_named(name)
        path: Path = click.Path(dir_okay=False, exists=True, path_type=Path).convert(image, param, ctx)
        return name, path


_MOST_SEEDS = 1_000_000


class SeedRange(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """Seeds like `7`, `0-7` or `0,3,8-15`."""

    name = "0-7"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        seeds: dict[int, None] = {}
        for piece in str(value).split(","):
            first, dash, last = piece.strip().partition("-")
            if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
                self.fail(f"{value!r} is no list of seeds; write it like 7, 0-7 or 0,3,8-15", param, ctx)
            if dash and int(last) - int(first) >= _MOST_SEEDS:
                self.fail(f"at most {_MOST_SEEDS:,} seeds at once", param, ctx)
            seeds.update(dict.fromkeys(range(int(first), int(last or first) + 1)))
        return tuple(seeds)


class Schema(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """A known order of ids. Raises UsageError for another."""

    name = "NAME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from facesynth.core.labels import schema_named  # numpy, which --help does not need

        return schema_named(str(value)).name
