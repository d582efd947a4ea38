"""`facesynth train`: a pipeline file of kind parser, spade or spn, prepared and run."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from facesynth import weights
from facesynth.config import arms_of, find_pipeline, load_pipeline, require_free
from facesynth.core.errors import DependencyMissing, UsageError, WeightsError
from facesynth.core.refs import Digest
from facesynth.jobs.execution import Progress
from facesynth.plans import Plan
from facesynth.store import ArtifactStore
from facesynth.training.data import chosen_pairs
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.runs.spn import SpnRun

if TYPE_CHECKING:
    from facesynth.training.place import Place

AnyRun: TypeAlias = ParserRun | SpadeRun | SpnRun


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A training run with all its settings; relative paths in it start from `base`, its own folder lies in `runs`."""

    config: AnyRun
    base: Path
    runs: Path

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return self.runs / self.config.name

    def published_weights(self) -> list[Digest]:
        """The sha256 of the weights that its settings name, as far as the manifest knows them."""
        known = weights.manifest()
        return [known[value].sha256 for value in _strings(dataclasses.asdict(self.config)) if value in known]

    def is_saved(self) -> bool:
        """Whether there is a state to go on from. Asked of one who interrupts: torch may be imported by half."""
        return any(self.folder.glob("checkpoint-*.pt"))


def _strings(settings: object) -> Iterator[str]:
    if isinstance(settings, str):
        yield settings
    elif isinstance(settings, Mapping | list | tuple):
        for value in settings.values() if isinstance(settings, Mapping) else settings:
            yield from _strings(value)


def prepare(
    pipeline: str | Path,
    overrides: Sequence[str] = (),
    *,
    data: Path | None = None,
    initial: str | None = None,
    runs: Path = Path("runs"),
    arm: str | None = None,
    seed: int | None = None,
) -> PreparedRun:
    """Read a pipeline file (or the bundled one of that name) and change settings, data, and the weights to start from.

    Its arm and its seed, where they are given, are part of the run's name.
    Raises ConfigError, UsageError, and WeightsError where a run that is yet to start has nothing to start from.
    """
    path = find_pipeline(pipeline)
    config = load_pipeline(path, overrides, arm)
    if isinstance(config, Plan):
        hint = f"run: facesynth run {pipeline} PHOTOS -o DIR"
        raise UsageError("is a plan, which trains nothing", where=path, hint=hint)
    keys = {override.partition("=")[0].strip() for override in overrides}
    if seed is not None:
        if "seed" in keys:
            raise UsageError("--seeds and --set seed name the same: give one of them")
        config = dataclasses.replace(config, seed=seed, name=f"{config.name}-s{seed}")
    if data is not None:
        if keys & {"data", "data.folder"}:
            raise UsageError("--data and --set data.folder name the same: give one of them")
        config = _with_data(config, str(data.resolve()))
    start: str | Path | None = initial
    if initial is not None:
        if "initial" in keys:
            raise UsageError("--init-from and --set initial name the same: give one of them")
        known = initial in weights.manifest()
        config = dataclasses.replace(config, initial=initial if known else str(Path(initial).absolute()))
    elif config.initial is not None:
        start = config.initial if config.initial in weights.manifest() else path.parent / config.initial
    prepared = PreparedRun(config, path.parent, runs)
    if start is not None:
        _require(start, prepared.folder)
    return prepared


def prepare_all(
    pipeline: str | Path,
    overrides: Sequence[str] = (),
    *,
    data: Path | None = None,
    initial: str | None = None,
    runs: Path = Path("runs"),
    arms: Sequence[str] = (),
    seeds: Sequence[int] = (),
) -> list[PreparedRun]:
    """Prepare a run of each arm (of those that are named, or of all that the file has) with each seed.

    Arms come one after the other for a seed, so that a comparison can be looked at early. Raises as `prepare` does, and
    UsageError where overrides would make arms something else than their names say, or two of them the same.
    """
    path = find_pipeline(pipeline)
    require_free(path, overrides)
    chosen = tuple(dict.fromkeys(arms)) or arms_of(path) or (None,)
    prepared = [
        prepare(pipeline, overrides, data=data, initial=initial, runs=runs, arm=arm, seed=seed)
        for seed in dict.fromkeys(seeds) or (None,)
        for arm in chosen
    ]
    called: dict[str, str] = {}
    for config in (each.config for each in prepared):
        settings = repr(dataclasses.replace(config, name="any"))
        if (other := called.setdefault(settings, config.name)) != config.name:
            what = f"{other} and {config.name} are the same training"
            raise UsageError(what, where=path, hint="leave one out with --arm, or change its settings")
    return prepared


def _with_data(config: AnyRun, folder: str) -> AnyRun:
    data: Any = dataclasses.replace(config.data, folder=folder)  # of the record's own kind
    return dataclasses.replace(config, data=data)


def _require(start: str | Path, folder: Path) -> None:
    """Raise WeightsError where the weights to start from are not there, unless the run has started already."""
    try:
        weights.locate(start)
    except WeightsError:
        from facesynth.training import checkpoint  # torch, for what is hardly ever asked

        if not checkpoint.found(folder):
            raise


def describe(prepared: PreparedRun, *, device: str = "auto", devices: int = 1) -> str:
    """All settings as JSON, its networks, the disk and memory it takes, its pairs where data is named, and its folder.

    Raises ConfigError and UsageError where the run would be refused for its data, its split or its devices.
    """
    config = prepared.config
    told = [json.dumps(dataclasses.asdict(config), indent=1)]
    count = None
    if isinstance(config, SpnRun):
        if config.data.folder is not None:
            from facesynth.training.spn.choosing import image_set

            count = len(image_set(config, prepared.base))
            told.append(f"images: {count} to train on")
    elif config.data.folder is not None:
        train, held_out = chosen_pairs(config.data, prepared.base, config.seed)
        count = sum(1 for _ in train)
        told.append(f"pairs: {count} to train on, {len(held_out)} to judge it by")
    _require_training()
    from facesynth.training.appraisal import appraised
    from facesynth.training.parser.repainting import cycle_generator

    painted_by = cycle_generator(config, prepared.base) if isinstance(config, ParserRun) else None
    return "\n".join([*told, *appraised(config, count, device, devices, painted_by), f"run: {prepared.folder}"])


def _require_training() -> None:
    """Raise DependencyMissing where a package that training needs is not there."""
    for package in ("tensorboard", "lightning_fabric"):  # the first is imported late, when images have been shown
        if importlib.util.find_spec(package) is None:
            raise DependencyMissing(package, "train")


def _require_features(config: AnyRun) -> None:
    """Raise WeightsError where the networks of the losses are not there: minutes of packing would come first."""
    if isinstance(config, SpadeRun) and config.perceptual != "none":
        weights.locate(config.perceptual)
    if isinstance(config, ParserRun) and config.cycle is not None and config.cycle.perceptual:
        weights.locate(config.cycle.features)


def started_by_srun(environment: Mapping[str, str]) -> Place | None:
    """Which of several ranks Slurm has started this process as; None where it did not. Raises UsageError."""
    if "SLURM_STEP_NUM_TASKS" not in environment:
        return None
    _require_training()
    from facesynth.training.srun import place_of

    return place_of(environment)


def train(
    prepared: PreparedRun,
    cache: Path,
    *,
    device: str,
    devices: int = 1,
    own: Place | None = None,
    progress: Progress,
    losses: bool = True,
) -> Path | None:
    """Run or go on with a training run; its weights file, or None when a signal stopped it.

    Packed pairs are kept in `cache`. `losses` has the statistics told as notes too. `own` is what `started_by_srun`
    says of this process; all ranks but the first return None. Raises what its parts raise; what can be known at once,
    such as WeightsMissing for the features of its losses, before any pair is packed.
    """
    _require_training()
    _require_features(prepared.config)
    from facesynth.training import start

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it greets: "Using bfloat16 Automatic Mixed …"
    config = prepared.config
    progress.begin(config.images, config.name)
    shown = 0

    def report(nimg: int, values: Mapping[str, float]) -> None:
        nonlocal shown
        progress.advance(nimg - shown)
        shown = nimg
        if losses:
            told = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
            about = {"event": "stats", "run": config.name, "images": nimg, "values": dict(values)}
            progress.note(f"{nimg} images: {told}", **about)

    tenths = 0

    def on_packed(done: int, total: int) -> None:
        nonlocal tenths
        if done * 10 // total != tenths:
            tenths = done * 10 // total
            what = "images" if isinstance(config, SpnRun) else "pairs"
            progress.note(f"{done} of {total} {what} packed for training", event="packed", done=done, total=total)

    starters: Mapping[str, Callable[..., Path | None]] = {
        "parser": start.train_parser,
        "spade": start.train_spade,
        "spn": start.train_spn,
    }
    return starters[config.kind](
        config,
        prepared.runs,
        base=prepared.base,
        store=ArtifactStore(cache),
        device=device,
        devices=devices,
        **({} if own is None else {"own": own}),
        report=report,
        on_packed=on_packed,
        on_note=progress.note,
    )
