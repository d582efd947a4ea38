"""A run that has diverged stops at once; nothing of it is saved, and the error says since when and what may help."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from facesynth.core.errors import TrainingError
from facesynth.core.images import Photo
from facesynth.training import checkpoint
from facesynth.training.folder import RunFolder
from facesynth.training.guard import check_state
from facesynth.training.loop import fit
from facesynth.training.runs.settings import Schedule

BATCH = 4
NEVER_WRITTEN = Schedule(stats=0, validation=0, samples=0, checkpoint=0)


class Spoilt:
    """A job whose loss, or whose weights alone, stop being numbers in a step."""

    def __init__(self, at: int, *, loss: bool, value: float = float("nan")) -> None:
        self.at, self.loss, self.value = at, loss, value
        self.weights, self.validated, self.steps = torch.ones(3), 0, 0

    def step(self, nimg: int) -> Mapping[str, Tensor]:
        self.steps += 1
        spoilt = nimg + BATCH >= self.at
        if spoilt:
            self.weights = self.weights * self.value
        return {"loss/one": torch.tensor(1.0), "loss/two": torch.tensor(self.value if spoilt and self.loss else 2.0)}

    def validate(self) -> Mapping[str, float]:
        self.validated += 1
        return {}

    def samples(self) -> Photo | None:
        return None

    def state(self) -> dict[str, Any]:
        return {"network": {"weights": self.weights}, "steps": [self.steps]}

    def load(self, state: Mapping[str, Any]) -> None:
        self.weights = state["network"]["weights"]


def run(job: Spoilt, folder: Path, every: Schedule) -> int | None:
    def heard(nimg: int, values: Mapping[str, float]) -> None:
        assert nimg < job.at, "nothing is told of what is spoilt"

    run_folder = RunFolder(folder)
    with run_folder.locked():
        return fit(job, run_folder, images=40, batch_size=BATCH, every=every, report=heard, sample_text={})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_run_in_its_step(tmp_path: Path, value: float) -> None:
    job = Spoilt(16, loss=True, value=value)
    every = Schedule(stats=1_000, validation=0, samples=0, checkpoint=4)
    told = r"diverged at image 16: loss/two is not finite; its last good checkpoint, of image 12, is kept; "
    with pytest.raises(TrainingError, match=told + r".*--set name=NEW.*lower learning rates.*float32"):
        run(job, tmp_path, every)
    assert job.steps == 4
    saved = checkpoint.load_latest(tmp_path)
    assert saved is not None and saved["nimg"] == 12 and saved["network"]["weights"].isfinite().all()


@pytest.mark.parametrize("every", [NEVER_WRITTEN, Schedule(stats=4, validation=4, samples=4, checkpoint=0)])
def test_it_stops_whatever_is_due_and_before_anything_is_written(tmp_path: Path, every: Schedule) -> None:
    job = Spoilt(4, loss=True)
    with pytest.raises(TrainingError, match="at image 4: loss/two is not finite; nothing was saved yet"):
        run(job, tmp_path, every)
    assert not job.validated and not checkpoint.found(tmp_path) and not (tmp_path / "stats.jsonl").exists()


def test_weights_that_are_no_numbers_are_not_saved_though_all_losses_are(tmp_path: Path) -> None:
    """A gradient that is too large spoils the weights in a step whose losses still are numbers."""
    job = Spoilt(16, loss=False)
    every = Schedule(stats=4, validation=0, samples=0, checkpoint=8)
    with pytest.raises(TrainingError, match=r"diverged at image 16: network\.weights is not finite; .* image 8, is"):
        run(job, tmp_path, every)
    saved = checkpoint.load_latest(tmp_path)
    assert saved is not None and saved["nimg"] == 8 and saved["network"]["weights"].isfinite().all()


def test_a_spoilt_average_or_moment_is_found_by_its_name(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    sound: dict[str, Any] = {"ema": {"w": torch.ones(2)}, "adam": {"state": {0: {"step": torch.tensor(3)}}}, "n": 1}
    check_state(folder, 4, sound)
    spoilt = {**sound, "ema": {"w": torch.tensor([1.0, float("nan")])}}
    with pytest.raises(TrainingError, match=r"ema\.w is not finite"):
        check_state(folder, 4, spoilt)
    many = {"adam": {"state": {index: {"v": torch.tensor(float("inf"))} for index in range(5)}}}
    with pytest.raises(TrainingError, match=r"adam\.state\.0\.v, .* and 2 more are not finite"):
        check_state(folder, 4, many)
