"""From a command's options to a job's session, and from its report to what the user sees and the exit code."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from facesynth.cli.executors import chosen_executor
from facesynth.cli.licence_notice import tell_licences
from facesynth.cli.progress import Console, console
from facesynth.cli.quantities import spelled_size
from facesynth.cli.temporary_cache import temporary_cache

if TYPE_CHECKING:
    from facesynth.jobs.items import FaceFinder
    from facesynth.jobs.session import Session
    from facesynth.report import Row


INTERRUPTED = 130
_HANDED = 16
_PROBLEMS = 20
"""As many rejected and failed items are told in lines of their own."""


def handed(batch_size: int | None) -> int:
    """How many items are handed to a stage at once where --batch-size does not say it.

    Enough for several batches on several cores; how many of them it computes at once is its matter.
    """
    return batch_size or _HANDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """On what a command works, and how, as the user said."""

    inputs: tuple[str, ...]
    output: Path
    device: str
    devices: int | None
    executor: str
    ray_address: str | None
    precision: str
    batch_size: int | None
    workers: int
    cache: Path
    no_cache: bool
    force: bool
    fail_fast: bool
    dry_run: bool
    report: Path | None
    log_format: str
    quiet: bool

    @property
    def networks(self) -> dict[str, Any]:
        """How networks are run, as stages are told."""
        return {"precision": self.precision, "device": self.device, "batch_size": self.batch_size}

    @contextlib.contextmanager
    def session(
        self, command: str, settings: Mapping[str, Any], *, align: FaceFinder | None = None, **more: Any
    ) -> Iterator[Session]:
        """Open a session for a job; afterwards tell how it went and leave with the exit code.

        `settings` are what the report notes; `align` is what finds faces, where that is done, and its choice is told;
        `more` is the session's own. Interrupted, it says how to go on.
        """
        from facesynth.jobs.execution import Execution
        from facesynth.jobs.progress_file import Counted, shown
        from facesynth.jobs.session import Session
        from facesynth.store import ArtifactStore

        with contextlib.ExitStack() as stack:
            told = stack.enter_context(console(self.log_format, quiet=self.quiet))
            root = stack.enter_context(temporary_cache()) if self.no_cache else self.cache
            executor = chosen_executor(
                self.executor,
                self.devices,
                self.ray_address,
                root=root,
                device=self.device,
                workers=self.workers,
                note=partial(told.note, event="workers", level="warning"),
            )
            counted = Counted(told)
            how = Execution(
                store=ArtifactStore(root),
                executor=stack.enter_context(executor),
                progress=counted,
                batch_size=handed(self.batch_size),
                workers=self.workers,
                force=self.force,
                fail_fast=self.fail_fast,
                dry_run=self.dry_run,
                on_weights=lambda digests: tell_licences(digests, told.note, self.cache, keep=not self.no_cache),
            )
            noted = {**_noted(settings), "inputs": list(self.inputs), "output": str(self.output)}
            session = Session(command, self.inputs, self.output, how, noted, report_file=self.report, **more)
            if session.arriving:  # it may take weeks until the report comes
                session.report.rows.on_problem = lambda row: _tell_problem(row, told)
            if align is not None:
                told.note(f"landmarks by {align.config['landmarks']}")
            if not self.dry_run:
                stack.enter_context(shown(self.output, counted, session.report, lambda: session.growing))
            try:
                with session:
                    yield session
            except KeyboardInterrupt:
                told.close()
                finished = session.report.summary()
                if not session.arriving:
                    finished += f", from {len(session.sources)} inputs"
                message = f"interrupted: {finished}; what is finished is kept, {self._going_on}"
                told.note(message, event="interrupted", level="warning", counts=session.report.counts)
                raise SystemExit(INTERRUPTED) from None
            except BaseException:
                told.close()
                self._tell_problems(session, told)
                raise
            told.close()
            self._tell(session, told)
        raise SystemExit(0 if self.dry_run else session.report.exit_code)

    @property
    def _going_on(self) -> str:
        """What becomes of an interrupted command when it is run again."""
        if self.no_cache:
            return "but without the cache the same command starts anew"
        return "run the same command again to go on"

    def _tell(self, session: Session, told: Console) -> None:
        self._tell_problems(session, told)
        if self.dry_run:
            click.echo(self._plan(session))
            return
        told.note(session.report.summary(), event="finished", counts=session.report.counts, output=str(session.folder))
        click.echo(session.folder)

    def _tell_problems(self, session: Session, told: Console) -> None:
        if session.arriving:
            return  # each was told when it came
        counts = session.report.counts
        for row in islice(session.report.rows.problems, _PROBLEMS):
            _tell_problem(row, told)
        more = counts["rejected"] + counts["failed"] - _PROBLEMS
        if more > 0:
            told.note(f"… and {more} more, all of them in the report", event="problem", level="warning", more=more)

    def _plan(self, session: Session) -> str:
        """What a dry run found."""
        estimate, counts = session.estimate, session.report.counts
        known = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        lines = [f"{len(session.sources)} inputs" + (f"; already known: {known}" if known else "")]
        lines += [f"to compute: {count} × {stage}" for stage, count in estimate.missing.items() if count]
        disk, free = spelled_size(estimate.disk()), spelled_size(estimate.free(session.folder))
        lines.append(f"disk: about {disk} in {session.folder} and the cache together, {free} are free")
        each = " for each of the processes" if self.executor == "ray" or (self.devices or 1) > 1 else ""
        lines.append(f"memory: about {spelled_size(estimate.memory(handed(self.batch_size)))}{each}")
        return "\n".join(lines)


def _tell_problem(row: Row, told: Console) -> None:
    about = {"input": row.input, "part": row.part, "status": row.status, "reason": row.reason}
    told.note(f"{row.status:<8} {row}: {row.reason}", event="problem", level="warning", **about)


def _noted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A command's options as the report notes them: without those that were not given, records as mappings."""
    return {
        name: dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
        for name, value in settings.items()
        if value is not None
    }
