"""One step of training: who sees which pictures with which classes, at which rates, and what the average measures."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from facesynth.models.resnet_gan.discriminator import ResnetDiscriminator
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.models.resnet_gan.specs import GanNormalisation
from facesynth.training.budget import Stopwatch
from facesynth.training.spn.batches import Batches
from facesynth.training.spn.job import SpnJob
from tests.training.spn.drawn_batches import IDS, batches, numbers
from tests.training.spn.tiny import networks, spn_run

START, BATCH, N_DIS = 16, 4, 3


class NotingGenerator(ResnetGenerator):
    """Notes what it is given and what it makes of it."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seen: list[tuple[Tensor, Tensor | None, Tensor]] = []

    def forward(self, z: Tensor, condition: Tensor | None = None) -> Tensor:
        made = super().forward(z, condition)
        self.seen.append((z.clone(), condition, made.detach().clone()))
        return made


class NotingDiscriminator(ResnetDiscriminator):
    """Notes what it is asked about."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.seen: list[tuple[Tensor, Tensor | None]] = []

    def forward(self, pictures: Tensor, condition: Tensor | None = None) -> Tensor:
        self.seen.append((pictures.detach().clone(), condition))
        return super().forward(pictures, condition)


def noting(member: GanNormalisation, **changes: object) -> tuple[SpnJob, Batches, NotingGenerator, NotingDiscriminator]:
    """A job of tiny networks, and its batches once more."""
    settings: dict[str, Any] = {"batch_size": BATCH, "n_dis": N_DIS, **changes}
    run = spn_run(Path(), **networks(member), **settings)
    generator, discriminator = NotingGenerator(run.generator), NotingDiscriminator(run.discriminator)
    fabric = Fabric(accelerator="cpu", devices=1)
    job = SpnJob(run, generator, discriminator, batches(member=member, **settings), fabric, Stopwatch(None))
    return job, batches(member=member, **settings), generator, discriminator


def test_every_step_of_the_discriminator_has_pictures_of_its_own_each_with_its_own_class() -> None:
    job, given, generator, discriminator = noting("cbn")
    job.step(START)
    assert len(discriminator.seen) == len(generator.seen) == N_DIS + 1
    met: list[int] = []
    for number in range(N_DIS):
        at = START + number * BATCH
        (pictures, ids), (noise, drawn, made) = discriminator.seen[number], generator.seen[number]
        assert ids is not None and drawn is not None
        real = numbers(pictures[:BATCH])
        assert real == numbers(given.images(at).pictures)
        assert ids[:BATCH].tolist() == [int(IDS[each]) for each in real], "the training images with their classes"
        assert torch.equal(pictures[BATCH:], made) and torch.equal(ids[BATCH:], drawn), "the generated with theirs"
        assert not torch.equal(ids[:BATCH], ids[BATCH:]), "or nothing would tell them apart here"
        assert torch.equal(noise, given.against(at).noise)
        met += real
    assert len(set(met[:8])) > BATCH
    firsts = [noise for noise, _, _ in generator.seen[:N_DIS]]
    assert not any(torch.equal(a, b) for a, b in itertools.pairwise(firsts))


def test_the_generator_is_scored_by_what_it_drew_for_its_own_step() -> None:
    job, given, generator, discriminator = noting("cbn")
    job.step(START)
    (pictures, ids), (noise, drawn, made) = discriminator.seen[-1], generator.seen[-1]
    own = given.generating(START)
    assert torch.equal(noise, own.noise) and torch.equal(pictures, made)
    assert ids is not None and drawn is not None and own.condition is not None
    assert torch.equal(ids, drawn) and torch.equal(drawn, own.condition)


def test_either_network_learns_at_its_own_rate() -> None:
    job, *_ = noting("spn", generator_learning_rate=1e-4, discriminator_learning_rate=4e-4)
    job.step(0)
    state = job.state()
    rates = {name: state[name]["adam"]["param_groups"][0]["lr"] for name in ("generator", "discriminator")}
    assert rates == {"generator": 1e-4, "discriminator": 4e-4}


@pytest.mark.parametrize("member", ["spn", "cbn", "cspn"])
def test_the_average_has_the_statistics_of_its_own_pictures(
    member: GanNormalisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plain mean over the draws that the steps from here on would be made of: conditions as in sampling."""
    passes, size = 3, 8
    monkeypatch.setattr("facesynth.training.spn.job._MEASURED", passes * size)
    job, given, *_ = noting(member, generator_learning_rate=0.05)
    step = job.config.images_a_step
    for nimg in (0, step):
        job.step(nimg)
    plain = copy.deepcopy(job.ema.module)
    met: dict[str, list[Tensor]] = {}
    for name, norm in plain.named_modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.train()

            def note(_: nn.Module, inputs: tuple[Tensor, ...], name: str = name) -> None:
                met.setdefault(name, []).append(inputs[0].mean((0, 2, 3)))

            norm.register_forward_pre_hook(note)
    with torch.no_grad():
        for number in range(passes):
            draws = given.generating(2 * step + number * step)
            plain(draws.noise, draws.condition)
    averaged = dict(job.averaged().named_modules())
    assert met and all(len(means) == passes for means in met.values())
    for name, means in met.items():
        norm = averaged[name]
        assert isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None and not norm.training
        assert torch.allclose(norm.running_mean, torch.stack(means).mean(0), atol=1e-5), name
