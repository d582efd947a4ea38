"""Options that several commands share, each declared once."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from facesynth.cli.work import Work

F = TypeVar("F", bound=Callable[..., Any])


def default_cache_dir() -> Path:
    """The cache's folder where --cache names none: FACESYNTH_CACHE, or `facesynth` in the user's cache folder."""
    if chosen := os.environ.get("FACESYNTH_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        user = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        user = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        user = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return user / "facesynth" / "artifacts"


class BatchSize(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """A number of items, or `auto`, which is None: what suits the device (1 on a CPU, where more gain nothing)."""

    name = "auto|N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | None:
        if value == "auto":
            return None
        return int(click.IntRange(min=1).convert(value, param, ctx))


class Device(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """`auto`, `cpu`, `cuda`, `cuda:N` or `mps`; whether it is there shows when it is needed."""

    name = "auto|cpu|cuda|cuda:N|mps"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        kind, colon, index = str(value).partition(":")
        if kind not in ("auto", "cpu", "cuda", "mps") or (colon and (kind != "cuda" or not index.isdigit())):
            self.fail(f"{value!r} is none of {self.name}", param, ctx)
        return str(value)


class SeedRange(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """Seeds like `7`, `0-7` or `0,3,8-15`."""

    name = "0-7"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        seeds: dict[int, None] = {}
        for piece in str(value).split(","):
            first, dash, last = piece.strip().partition("-")
            if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
                self.fail(f"{value!r} is no list of seeds; write it like 7, 0-7 or 0,3,8-15", param, ctx)
            if dash and int(last) - int(first) >= 10_000:
                self.fail("at most 10,000 seeds at once", param, ctx)
            seeds.update(dict.fromkeys(range(int(first), int(last or first) + 1)))
        return tuple(seeds)


cache_option = click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_cache_dir,
    show_default="FACESYNTH_CACHE, or the user's cache folder",
    help="Where finished work is kept.",
)
device_option = click.option("--device", type=Device(), default="auto", show_default=True, help="Where networks run.")
quiet_option = click.option("--quiet", "-q", is_flag=True, help="No progress.")
log_format_option = click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Of lines on stderr."
)
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done and what it takes; do nothing.")
sheet_option = click.option("--sheet", is_flag=True, help="Add a contact sheet, sheet.png.")
generator_option = click.option("--generator", metavar="NAME|FILE", help="Weights to paint with (default: bundled).")
parser_option = click.option("--parser", metavar="NAME|FILE", help="Weights to parse with (default: bundled).")
landmarks_option = click.option(
    "--landmarks",
    type=click.Choice(["auto", "face-alignment", "dlib"]),
    default="auto",
    show_default=True,
    help="What finds faces and their 68 points; auto takes face-alignment where its weights lie here.",
)
size_option = click.option(
    "--size", type=click.IntRange(16, 4096), help="Side of a picture in pixels (default: the generator's own)."
)
set_option = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key of it.")
output_option = click.option(
    "--output", "-o", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Where results go."
)

_WORK_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    device_option,
    click.option(
        "--precision",
        type=click.Choice(["float32", "bf16", "fp16"]),
        default="float32",
        show_default=True,
        help="Of the networks' arithmetic.",
    ),
    click.option(
        "--engine",
        type=click.Choice(["auto", "eager"]),
        default="auto",
        show_default=True,
        help="What runs the networks; eager PyTorch is the only one yet.",
    ),
    click.option("--batch-size", type=BatchSize(), default="auto", show_default=True, help="Items computed at once."),
    click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=lambda: max(2, min(8, os.cpu_count() or 2)),
        show_default="one a core, 2 to 8",
        help="Threads that read, decode and write.",
    ),
    cache_option,
    click.option("--no-cache", is_flag=True, help="Neither use nor keep earlier work."),
    click.option("--force", is_flag=True, help="Compute everything again."),
    click.option("--fail-fast", is_flag=True, help="End at the first item that fails."),
    dry_run_option,
    click.option(
        "--report",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Where the report goes (default: report.json in DIR).",
    ),
    log_format_option,
    quiet_option,
)
_HOW = ("batch_size", "workers", "cache", "no_cache", "force", "fail_fast", "dry_run", "report", "log_format", "quiet")


def work_options(command: F) -> F:
    """Add the options of a command that works on a folder; it gets `work`, `device` and `precision`."""

    @functools.wraps(command)
    def gathered(**values: Any) -> Any:
        values.pop("engine")
        how = {name: values.pop(name) for name in _HOW}
        return command(**values, work=Work(**how))

    for option in reversed(_WORK_OPTIONS):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]


def schema_option(meaning: str) -> Callable[[F], F]:
    """A named order of the 19 classes; None where it is not given."""
    return click.option("--schema", metavar="NAME", help=f"{meaning} celebamask-hq, zllrunning, facer or segface.")


def inputs_argument(name: str) -> Callable[[F], F]:
    """The files, folders and patterns that a command works on, as strings."""
    return click.argument(name.lower(), nargs=-1, required=True, metavar=f"{name.upper()}...", type=click.Path())
