"""What the commands that score generators without label maps share: which seeds, and which real images."""

from __future__ import annotations

from typing import Any

import rich_click as click

LAYOUTS = ("auto", "folder", "classes", "attributes", "cifar-10", "cifar-100")


class SeedSpan(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """The first seed, or the first and the last: `5000` or `0-4999`."""

    name = "FIRST[-LAST]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int | None]:
        if isinstance(value, tuple):
            return value
        first, dash, last = str(value).strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
            self.fail(f"{value!r} is no span of seeds; write it like 5000 or 0-4999", param, ctx)
        return int(first), int(last) if dash else None


layout_option = click.option(
    "--layout",
    type=click.Choice(LAYOUTS),
    default="auto",
    show_default=True,
    help="How the real images lie in their folder.",
)
part_option = click.option(
    "--part",
    type=click.Choice(["train", "test"]),
    default="train",
    show_default=True,
    help="Which part of the real images.",
)
count_option = click.option(
    "--count",
    type=click.IntRange(min=2),
    metavar="N",
    help="Pictures to paint, and as many real images to compare them with.  [default: 5000]",
)
