"""`facesynth train`: a pipeline file of kind parser or spade, prepared and run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from facesynth.config import find_pipeline, load_pipeline
from facesynth.core.errors import DependencyMissing, UsageError
from facesynth.jobs.session import Progress
from facesynth.plans import Plan
from facesynth.training.runs import ParserRun, SpadeRun


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A training run with all its settings; relative paths in it start from `base`."""

    config: ParserRun | SpadeRun
    base: Path


def prepare(pipeline: str | Path, overrides: Sequence[str] = (), data: Path | None = None) -> PreparedRun:
    """Read a pipeline file (or the bundled one of that name) and apply overrides. Raises ConfigError, UsageError."""
    path = find_pipeline(pipeline)
    config = load_pipeline(path, overrides)
    if isinstance(config, Plan):
        hint = f"run: facesynth run {pipeline} PHOTOS -o DIR"
        raise UsageError("is a plan, which trains nothing", where=path, hint=hint)
    if data is not None:
        config = dataclasses.replace(config, data=dataclasses.replace(config.data, folder=str(data.resolve())))
    return PreparedRun(config, path.parent)


def describe(prepared: PreparedRun, runs: Path) -> str:
    """All settings as JSON, and where the run would lie."""
    settings = json.dumps(dataclasses.asdict(prepared.config), indent=1)
    return f"{settings}\nrun: {runs / prepared.config.name}"


def train(prepared: PreparedRun, runs: Path, *, device: str, progress: Progress) -> Path | None:
    """Run or go on with a training run; its weights file, or None when a signal stopped it."""
    try:
        from facesynth.training import start
    except ModuleNotFoundError as error:
        raise DependencyMissing(error.name or "a package", "train") from error
    config, base = prepared.config, prepared.base
    progress.begin(config.images, config.name)
    shown = 0

    def report(nimg: int, values: Mapping[str, float]) -> None:
        nonlocal shown
        progress.advance(nimg - shown)
        shown = nimg
        told = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        progress.note(f"{nimg} images: {told}")

    if isinstance(config, ParserRun):
        return start.train_parser(config, runs, base=base, device=device, report=report)
    return start.train_spade(config, runs, base=base, device=device, report=report)
