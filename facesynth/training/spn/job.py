"""The training step of a residual generator and its discriminator, and what it takes to resume it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from facesynth.core.images import Photo
from facesynth.models.resnet_gan.discriminator import ResnetDiscriminator
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.training.averaging import measure_statistics
from facesynth.training.budget import Stopwatch
from facesynth.training.ema import Ema
from facesynth.training.learner import Learner
from facesynth.training.pace import pace_at
from facesynth.training.parts import PartMeans, hold_power_iterations, resume_power_iterations
from facesynth.training.rows import rows_of
from facesynth.training.runs.spn import SpnRun
from facesynth.training.spn.batches import Batches, Draws
from facesynth.training.spn.judging import SampleScorer
from facesynth.training.spn.losses import LOSSES

_MEASURED = 2_048  # pictures over which the averaged generator's batch statistics are measured


class SpnJob:
    """Trains a generator against a discriminator (Yeo et al., section 4.1)."""

    def __init__(
        self,
        config: SpnRun,
        generator: ResnetGenerator,
        discriminator: ResnetDiscriminator,
        batches: Batches,
        fabric: Fabric,
        stopwatch: Stopwatch,
        scorer: SampleScorer | None = None,
    ) -> None:
        """A `scorer` scores the averaged generator and draws its sheets."""
        self.config, self.batches, self.scorer = config, batches, scorer
        ranks = (fabric.global_rank, fabric.world_size, config.accumulate)
        self.shares = rows_of(config.batch_size, *ranks)
        self.generator_shares = rows_of(config.generator_batch_size, *ranks)
        self.generator = Learner(generator, config.generator_learning_rate, config.betas, fabric)
        self.discriminator = Learner(discriminator, config.discriminator_learning_rate, config.betas, fabric)
        self.ema = Ema(generator, config.ema_half_life)
        self._losses, self._fabric, self._stopwatch = LOSSES[config.loss], fabric, stopwatch
        self._networks = [self.generator.network, self.discriminator.network]
        self.nimg = 0
        self._measured_at = -1

    def step(self, nimg: int) -> Mapping[str, Tensor]:
        """`n_dis` steps of the discriminator, each on images of its own, then one of the generator."""
        config = self.config
        pace = pace_at(config, nimg, config.images_a_step, self._stopwatch.share)
        for learner in (self.generator, self.discriminator):
            learner.set_pace(pace)
            learner.train()
        told = PartMeans()
        for number in range(config.n_dis):
            self._discriminate(nimg + number * config.batch_size, told)
        losses = told.taken(config.n_dis * len(self.shares))
        losses |= self._generate(nimg)
        self.nimg = nimg + config.images_a_step
        self.ema.update(self.generator.network, self.nimg, config.images_a_step)
        return losses

    def _discriminate(self, nimg: int, told: PartMeans) -> None:
        """One step of telling training images from generated ones, which go through it as one batch."""
        images, draws = self.batches.images(nimg), self.batches.against(nimg)
        for part, rows in enumerate(self.shares):
            self._turn(part)
            real, drawn = rows.of(images), rows.of(draws)
            with torch.no_grad():
                fake = self.generator(drawn.noise, drawn.condition)
            both = None
            if real.condition is not None and drawn.condition is not None:
                both = torch.cat([real.condition, drawn.condition])
            scores = self.discriminator(torch.cat([real.pictures, fake]), both).float()
            of_real, of_fake = scores.chunk(2)
            loss = self._losses.discriminator(of_real, of_fake)
            self.discriminator.descend(loss)
            told.add({"loss/discriminator": loss, "score/real": of_real.mean(), "score/fake": of_fake.mean()})

    def _generate(self, nimg: int) -> dict[str, Tensor]:
        """One step of the generator."""
        draws, told = self.batches.generating(nimg), PartMeans()
        self.discriminator.network.requires_grad_(False)
        for part, rows in enumerate(self.generator_shares):
            self._turn(part)
            drawn = rows.of(draws)
            picture = self.generator(drawn.noise, drawn.condition)
            loss = self._losses.generator(self.discriminator(picture, drawn.condition).float())
            self.generator.descend(loss)
            told.add({"loss/generator": loss})
        self.discriminator.network.requires_grad_(True)
        return told.taken(len(self.generator_shares))

    def _turn(self, part: int) -> None:
        (hold_power_iterations if part else resume_power_iterations)(self._networks)

    @torch.no_grad()
    def averaged(self) -> ResnetGenerator:
        """The averaged generator with batch statistics of its own."""
        generator: ResnetGenerator = self.ema.module  # type: ignore[assignment]
        if self._measured_at != self.nimg:
            step, size = self.config.images_a_step, self.config.generator_batch_size

            def go_through(number: int) -> None:
                draws: Draws = self.batches.generating(self.nimg + number * step)
                with self._fabric.autocast():
                    generator(draws.noise, draws.condition)

            measure_statistics(generator, go_through, max(1, _MEASURED // size))
            self._measured_at = self.nimg
        return generator

    def validate(self) -> Mapping[str, float]:
        """Return the scores of the averaged generator, by name; none without a scorer."""
        return {} if self.scorer is None else self.scorer.scores(self.averaged())

    def samples(self) -> Photo | None:
        """Return the sheet of what the averaged generator makes of some seeds."""
        return None if self.scorer is None else self.scorer.sheet(self.averaged())

    def state(self) -> dict[str, Any]:
        return {
            "generator": self.generator.state(),
            "discriminator": self.discriminator.state(),
            "ema": self.ema.module.state_dict(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        self.nimg, self._measured_at = int(state["nimg"]), -1
        self.generator.load(state["generator"])
        self.discriminator.load(state["discriminator"])
        self.ema.module.load_state_dict(state["ema"])
