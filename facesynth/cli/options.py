"""Options that several commands share, each declared once."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click as plain_click
import rich_click as click
from click.core import ParameterSource

from facesynth.cli.executors import EXECUTORS, refuse_executor
from facesynth.cli.value_types import BatchSize, Device, Schema
from facesynth.cli.work import Work
from facesynth.inference.engines import ENGINE_NAMES
from facesynth.weights import user_folder

F = TypeVar("F", bound=Callable[..., Any])


def default_cache_dir() -> Path:
    """The cache's folder where --cache names none: FACESYNTH_CACHE, or `facesynth/artifacts` in the user's caches."""
    chosen = os.environ.get("FACESYNTH_CACHE")
    return Path(chosen).expanduser() if chosen else user_folder() / "artifacts"


def given(option: str) -> bool:
    """Whether the user gave this option, by its name in Python, rather than leaving it at its default."""
    context = plain_click.get_current_context()
    return context.get_parameter_source(option) not in (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)


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
precision_option = click.option(
    "--precision",
    type=click.Choice(["float32", "bf16", "fp16"]),
    default="float32",
    show_default=True,
    help="Of the networks' arithmetic; faces are found at float32.",
)
engine_option = click.option(
    "--engine",
    type=click.Choice(ENGINE_NAMES),
    default="auto",
    show_default=True,
    help="What parses, and what paints from label maps: auto is the fastest that is installed. All else runs in eager "
    "PyTorch.",
)
batch_size_option = click.option(
    "--batch-size", type=BatchSize(), default="auto", show_default=True, help="Items computed at once."
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=lambda: max(2, min(8, os.cpu_count() or 2)),
    show_default="one a core, 2 to 8",
    help="Threads that read, decode and write.",
)
no_cache_option = click.option("--no-cache", is_flag=True, help="Neither use nor keep earlier work.")
force_option = click.option("--force", is_flag=True, help="Compute everything again.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Say what would be done and what it takes; do nothing.")
sheet_option = click.option("--sheet", is_flag=True, help="Add a contact sheet, sheet.png.")
generator_option = click.option("--generator", metavar="NAME|FILE", help="Weights to paint with (default: bundled).")
parser_option = click.option("--parser", metavar="NAME|FILE", help="Weights to parse with (default: bundled).")
parser_input_option = click.option(
    "--parser-input",
    multiple=True,
    metavar="KEY=VALUE",
    help="The input of a foreign parser: size=N where its graph leaves that open (default 512), "
    "normalisation=imagenet|0..1|-1..1|0..255 (imagenet), order=rgb|bgr (rgb).",
)
landmarks_option = click.option(
    "--landmarks",
    type=click.Choice(["auto", "face-alignment", "dlib"]),
    default="auto",
    show_default=True,
    help="What finds faces and their 68 points: auto takes face-alignment where its weights lie here, and else dlib, "
    "which works on the CPU.",
)
size_option = click.option(
    "--size", type=click.IntRange(16, 4096), help="Side of a picture in pixels (default: the generator's own)."
)
set_option = click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change a key of it.")
_OUTPUT_OPTION = click.option(
    "--output", "-o", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Where results go."
)
_WORK_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    device_option,
    click.option(
        "--devices",
        type=click.IntRange(1, 256),
        show_default="1; with --executor ray all GPUs of the cluster",
        help="Split the work over so many processes: one a GPU, or on a CPU each with its share of the cores.",
    ),
    click.option(
        "--executor",
        type=click.Choice(EXECUTORS),
        default="local",
        show_default=True,
        help="Where networks run: on this machine, or on those of a Ray cluster, which share --cache.",
    ),
    click.option(
        "--ray-address", metavar="HOST:PORT|auto", help="The cluster of --executor ray (default: one on this machine)."
    ),
    precision_option,
    engine_option,
    batch_size_option,
    workers_option,
    cache_option,
    no_cache_option,
    force_option,
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


def refuse_two_caches(*, no_cache: bool) -> None:
    """Raise UsageError where --no-cache stands beside a --cache."""
    if no_cache and given("cache"):
        raise click.UsageError("--cache names a cache, --no-cache uses none: give one of them")


def inputs_and_output(name: str) -> Callable[[F], F]:
    """What a command works on (files, folders and patterns, called NAME in its help) and where its results go."""
    inputs = click.argument("inputs", nargs=-1, required=True, metavar=f"{name}...", type=click.Path())
    return lambda command: inputs(_OUTPUT_OPTION(command))


def work_options(command: F) -> F:
    """Add how a command works on a folder; it gets all of it, with its inputs and its output, as `work`."""

    @functools.wraps(command)
    def checked(engine: str, **values: Any) -> Any:
        if engine not in ("auto", "eager"):
            raise click.UsageError(f"--engine {engine} is for label maps, made or painted: here use auto or eager")
        return command(**values)

    return parsing_work_options(checked)  # type: ignore[return-value]


def parsing_work_options(command: F) -> F:
    """The same for a command that parses or paints label maps: it gets what runs those networks too, as `engine`."""

    @functools.wraps(command)
    def gathered(**values: Any) -> Any:
        refuse_two_caches(no_cache=values["no_cache"])
        refuse_executor(values["executor"], values["devices"], values["ray_address"], values["device"])
        if values["dry_run"] and values["report"]:
            raise click.UsageError("--dry-run writes nothing, so there is no --report")
        how = {field.name: values.pop(field.name) for field in dataclasses.fields(Work)}
        return command(**values, work=Work(**how))

    for option in reversed(_WORK_OPTIONS):
        gathered = option(gathered)
    return gathered  # type: ignore[return-value]


def together(name: str, **options: Callable[[Any], Any]) -> Callable[[F], F]:
    """Add options that the command gets as one mapping, `name`, to hand on; each is called what it is called there."""

    def add(command: F) -> F:
        @functools.wraps(command)
        def gathered(**values: Any) -> Any:
            chosen = {each: values.pop(each) for each in options}
            return command(**values, **{name: chosen})

        for option in reversed(options.values()):
            gathered = option(gathered)
        return gathered  # type: ignore[return-value]

    return add


style_option = click.option(
    "--style",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="A photo: paint in the style of its face, of several in that of the largest.",
)
"""The photo that a style is taken of."""


def schema_option(meaning: str, default: str | None = None, *, name: str = "--schema") -> Callable[[F], F]:
    """A named order of the 19 classes."""
    names = f"{meaning} celebamask-hq, zllrunning, facer or segface."
    return click.option(name, type=Schema(), default=default, show_default=True, help=names)


parser_schema_option = schema_option("The order of the classes of a foreign parser, FILE.onnx:")
