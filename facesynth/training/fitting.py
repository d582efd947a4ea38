"""A job gone through to its end, whatever it trains: its best weights kept, and its finished ones written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from facesynth.training.budget import Stopwatch
from facesynth.training.collectives import Ranks
from facesynth.training.folder import RunFolder
from facesynth.training.keeping import Keeper, Save
from facesynth.training.loop import Job, fit, unkept
from facesynth.training.memory import Footprint
from facesynth.training.opening import Listening
from facesynth.training.preflight import AnyRun, room_to_train


def carried_out(
    job: Job,
    config: AnyRun,
    folder: RunFolder,
    ranks: Ranks,
    device: torch.device,
    taken: Footprint,
    listening: Listening,
    *,
    save: Save,
    measures: Sequence[str],
    images_a_step: int,
    sample_text: Mapping[str, str],
    stopwatch: Stopwatch | None = None,
) -> Path | None:
    """Train to the end; the first rank returns the weights file, or None when a signal stopped it, the others None.

    `best: auto` goes by the first of the `measures` that a validation tells. Raises DeviceError where memory does not
    suffice, and as `fit` does.
    """
    keeper = None
    if config.best is not None and ranks.first:
        wanted = measures if config.best == "auto" else (config.best,)
        keeper = Keeper(folder.path, config.name, wanted, config.images, save)
    with room_to_train(config, taken, device, ranks.count):
        shown = fit(
            job,
            folder,
            images=config.images,
            batch_size=images_a_step,
            every=config.every,
            report=listening.report,
            sample_text=sample_text,
            ranks=ranks,
            on_validated=keeper or unkept,
            stopwatch=stopwatch,
        )
    if shown is None or not ranks.first:
        return None
    if keeper is not None:  # a run that ended by its time did not know which validation was its last one
        keeper.last.unlink(missing_ok=True)
    target = folder.path / f"{config.name}.safetensors"
    save(target, shown, {})
    return target
