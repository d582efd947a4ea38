"""Residual generators of several ranks, or with batches in parts, are those of one rank with the whole batch."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from facesynth.core.errors import UsageError
from facesynth.models.normalisation import statistics
from facesynth.models.resnet_gan.specs import GanNormalisation
from facesynth.training.fit_spn import fit_spn
from facesynth.training.launch import other_ranks
from facesynth.training.opening import UNHEARD, Order, unheard
from facesynth.training.place import Place
from facesynth.training.runs.settings import Schedule
from facesynth.training.runs.spn import SpnRun
from facesynth.training.spn.job import SpnJob
from facesynth.training.spn.opening import opened_images
from tests.datasets.image_sets.drawn import write_image
from tests.training.shared_batches import furthest, tensors_of
from tests.training.spn.tiny import CLASSES, networks, spn_run, trained

RANKS = 2
STILL = {"generator_learning_rate": 0.0, "discriminator_learning_rate": 0.0}
"""Where a gradient is 0 but for rounding, Adam makes a step of it: so networks stand still while gradients are told."""
NO_FILES = Schedule(stats=8, validation=0, samples=0, checkpoint=8)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for seed, name in enumerate(f"{name}/{number}.png" for name in CLASSES for number in range(4)):
        write_image(folder / name, seed, 8, 8)
    return folder


@pytest.mark.parametrize("member", ["spn", "cspn"])
def test_a_generator_of_two_ranks_is_that_of_one(images: Path, tmp_path: Path, member: GanNormalisation) -> None:
    """Images, noise, batch normalisation over all ranks, power iterations, gradients: all that a checkpoint tells.

    Of two blocks the second alone has masks: the first has batch normalisation, or the conditional one with its noise.
    """
    built = networks(member, spectral=True, start=2, starred=1)
    run = spn_run(images, images=16, every=NO_FILES, **STILL, **built)
    one, two = (trained(run, tmp_path / str(devices), devices=devices).parent for devices in (1, RANKS))
    apart, where = furthest(one, two)
    assert apart < 1e-3, where


def state_of_rank(order: Order[SpnRun], out: Path, place: Place) -> None:
    """Train as a rank that was started on its own, and write down all of its networks."""
    jobs: list[SpnJob] = []
    begin = SpnJob.__init__

    def noted(self: SpnJob, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        jobs.append(self)

    SpnJob.__init__ = noted  # type: ignore[method-assign]
    try:
        with opened_images(order, place, unheard) as begun:
            fit_spn(order, place, begun, UNHEARD)
    finally:
        SpnJob.__init__ = begin  # type: ignore[method-assign]
    torch.save(jobs[0].state(), out / f"state-{place.rank}.pt")


def test_ranks_stay_the_very_same_and_end_together(images: Path, tmp_path: Path) -> None:
    """With a limited time, too: the first rank's clock is everybody's."""
    run = spn_run(images, images=24, seconds=1000.0, decay_images=24, every=NO_FILES, **networks("cspn"))
    order = Order(run, tmp_path / "runs", images, tmp_path / "cache", "cpu")
    with other_ranks(RANKS, partial(state_of_rank, order, tmp_path)) as place:
        state_of_rank(order, tmp_path, place)
    one, two = (dict(tensors_of(torch.load(tmp_path / f"state-{rank}.pt"))) for rank in range(RANKS))
    learnt = [name for name in one if not (name.startswith(".ema") and "running" in name)]
    learnt = [name for name in learnt if "num_batches" not in name]  # of the average: the first measures it alone
    assert len(learnt) > 20 and any(name.endswith("._u") for name in learnt) and one.keys() == two.keys()
    assert [name for name in learnt if not torch.equal(one[name], two[name])] == []


def test_a_batch_in_parts_gives_the_same_gradients(images: Path, tmp_path: Path) -> None:
    """Where nothing is normalised over the batch, which parts would change."""
    run = spn_run(images, images=16, every=NO_FILES, **STILL, **networks("layer", spectral=True))
    with pytest.MonkeyPatch.context() as patch:  # the last normalisation is over the batch in all members
        patch.setattr(statistics.BatchStatistics, "scaled", statistics.LayerStatistics.scaled)
        one = trained(run, tmp_path / "one").parent
        two = trained(replace(run, accumulate=2), tmp_path / "two").parent
    apart, where = furthest(one, two)
    assert apart < 1e-3, where


def test_both_batches_have_to_be_shared_out(images: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--devices 4: generator_batch_size: 10 is no multiple of 4 devices"):
        trained(spn_run(images, generator_batch_size=10), tmp_path, devices=4)
