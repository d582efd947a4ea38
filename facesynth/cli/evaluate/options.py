"""Options that the commands of `evaluate` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import rich_click as click

from facesynth.cli.value_types import Schema


class OutputFolder(click.Path):
    """A folder to write to; an empty name, such as an unset variable leaves, does not mean the working folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not str(value):
            self.fail("an empty name; name a folder, or . for the working folder", param, ctx)
        return super().convert(value, param, ctx)


side_option = click.option(
    "--side",
    type=click.Choice(["train", "validation", "test", "all"]),
    help="Of the split.  [default: validation, without a split all]",
)
truth_schema_option = click.option(
    "--truth-schema",
    type=Schema(),
    help="The order of ids in true label maps that do not say theirs (celebamask-hq, zllrunning, facer, segface).",
)
output_option = click.option(
    "--output",
    "-o",
    type=OutputFolder(),
    metavar="DIR",
    help="Write evaluation.json, report.html, confusion.png, worst.png and best.png there.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print evaluation.json in place of the table.")
