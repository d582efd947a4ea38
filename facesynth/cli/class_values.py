"""What options take that tell classes of a generator: names or ids of them, and weights over them."""

from __future__ import annotations

import math
from typing import Any

import rich_click as click


class ClassNames(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """Names or ids of classes with commas between them; whether there are such is for the generator to say."""

    name = "NAME|ID,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        names = tuple(piece.strip() for piece in str(value).split(","))
        if not all(names):
            self.fail(f"{value!r} is no list of classes; write it like cat,dog or 3,5", param, ctx)
        return names


class ClassWeights(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """Names or ids of attributes with a number each, as `Smiling=1,Male=0`."""

    name = "NAME=N,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, float]:
        if isinstance(value, dict):
            return value
        found: dict[str, float] = {}
        for piece in str(value).split(","):
            name, equals, number = piece.rpartition("=")
            name = name.strip()
            try:
                weight = float(number)
            except ValueError:
                weight = math.nan
            if not (equals and name and math.isfinite(weight)):
                self.fail(f"{piece!r} is no attribute and number, as Smiling=1", param, ctx)
            if name in found:
                self.fail(f"{name} is given twice", param, ctx)
            found[name] = weight
        return found
