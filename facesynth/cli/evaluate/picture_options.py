"""What the commands that score pictures share: their options, and the work behind them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import rich_click as click

from facesynth.cli import options
from facesynth.cli.evaluate.options import OutputFolder
from facesynth.cli.evaluate.telling import told_of
from facesynth.cli.licence_notice import tell_licences
from facesynth.cli.progress import Console
from facesynth.cli.temporary_cache import temporary_cache
from facesynth.cli.work import handed

if TYPE_CHECKING:
    from facesynth.jobs.execution import Execution


class Names(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4 alone
    """Names with commas between them, of those that there are; each once."""

    def __init__(self, *known: str) -> None:
        self.known = known
        self.name = ",".join(known)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = [name.strip().lower() for name in str(value).split(",") if name.strip()]
        if not names or (unknown := sorted(set(names) - set(self.known))):
            named = repr(unknown[0]) if names else "an empty list"
            self.fail(f"{named} is none of {', '.join(self.known)}", param, ctx)
        return tuple(dict.fromkeys(names))


features_option = click.option(
    "--features",
    default="inception",
    show_default=True,
    metavar="NAME|FILE",
    help="What sets are compared by: inception, whose weights FID needs; or by name what is not FID: judge, "
    "mobilenet-v2-imagenet or efficientnet-lite0-imagenet (for what is no face), or a parser's weights.",
)
perceptual_option = click.option(
    "--perceptual",
    default="lpips-alex",
    show_default=True,
    metavar="NAME|FILE",
    help="What two pictures are compared by: lpips-alex, lpips-vgg; or by name what is not LPIPS: judge, or a parser's "
    "weights.",
)
output_option = click.option(
    "--output",
    "-o",
    type=OutputFolder(),
    metavar="DIR",
    help="Write evaluation.json, pictures.jsonl, report.html and evaluation-faces/ there.",
)
how_options = options.together(
    "how",
    cache=options.cache_option,
    no_cache=options.no_cache_option,
    force=options.force_option,
    batch_size=options.batch_size_option,
    workers=options.workers_option,
    log_format=options.log_format_option,
    quiet=options.quiet_option,
)
"""How a command works: a mapping that `working` takes."""


@contextlib.contextmanager
def working(how: dict[str, Any]) -> Iterator[tuple[Execution, Console]]:
    """How a job is to work, and the console; interrupted, it says what is kept and leaves."""
    from facesynth.jobs.execution import Execution
    from facesynth.store import ArtifactStore

    kept = "nothing is kept" if how["no_cache"] else "what is computed is kept, run the same command again to go on"
    with contextlib.ExitStack() as stack:
        told = stack.enter_context(told_of(how["log_format"], quiet=how["quiet"], kept=kept))
        root = stack.enter_context(temporary_cache()) if how["no_cache"] else how["cache"]
        execution = Execution(
            store=ArtifactStore(root),
            progress=told,
            batch_size=handed(how["batch_size"]),
            workers=how["workers"],
            force=how["force"],
            on_weights=lambda digests: tell_licences(digests, told.note, how["cache"], keep=not how["no_cache"]),
        )
        yield execution, told
