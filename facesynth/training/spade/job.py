"""The training step of VAE encoder, SPADE generator and discriminators, and what it takes to resume it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor

from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.region_prior import RegionPrior
from facesynth.datasets.packed import PackedPairs
from facesynth.models.discriminator import Discriminator
from facesynth.models.generator import SpadeGenerator
from facesynth.models.perceptual import PerceptualDistance
from facesynth.models.region_pooling import present
from facesynth.models.segmentation_discriminator import SegmentationDiscriminator
from facesynth.training.averaging import measure_statistics
from facesynth.training.collectives import ALONE, Ranks
from facesynth.training.data import HeldOut
from facesynth.training.ema import Ema
from facesynth.training.losses import kl_divergence
from facesynth.training.onlooker import Onlooker
from facesynth.training.pace import pace_at
from facesynth.training.parts import PartMeans, hold_power_iterations, resume_power_iterations, tossed_before
from facesynth.training.rows import Rows, rows_of
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.sampling import generator_at
from facesynth.training.spade.batches import Batch, Batches, View, seen
from facesynth.training.spade.critics import PatchCritic, SegmentationCritic, Terms
from facesynth.training.spade.judging import predictors, scores_of, sheet_of
from facesynth.training.spade.painter import Painter
from facesynth.training.spade.region_prior import region_kl_divergence
from facesynth.training.spade.style_draws import StyleDraws, style_draws

_RECALIBRATION_IMAGES = 256
_PAINTING, _JUDGING, _MIXING = 3, 4, 5  # streams of random numbers of one step; the others are the batch's and styles'


class SpadeJob:
    """Trains generator and encoder against one discriminator or two (Park et al. 2019, section 3.3 and appendix A)."""

    def __init__(
        self,
        config: SpadeRun,
        painter: Painter,
        discriminator: Discriminator | None,
        segmentation: SegmentationDiscriminator | None,
        perceptual: PerceptualDistance | None,
        pairs: PackedPairs,
        held_out: HeldOut,
        shown: Sequence[tuple[Photo, LabelMap]],
        fabric: Fabric,
        onlooker: Onlooker | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        """`held_out` pairs are scored, by an `onlooker` too; `shown` are the few that sample sheets are made of."""
        self.onlooker = onlooker
        self.config, self.held_out, self.shown, self.fabric = config, held_out, shown, fabric
        self.batches, self._pairs = Batches(pairs, config, fabric.device), len(pairs)
        self.shares = rows_of(config.batch_size, fabric.global_rank, fabric.world_size, config.accumulate)
        painter = painter.to(memory_format=torch.channels_last)
        adam = torch.optim.Adam(painter.parameters(), lr=config.generator_learning_rate, betas=config.betas)
        self.painter, self.adam = fabric.setup(painter, adam)
        self.patches = None if discriminator is None else PatchCritic(discriminator, config, fabric)
        self.segmentation = None if segmentation is None else SegmentationCritic(segmentation, config, fabric, ranks)
        self.critics = [critic for critic in (self.patches, self.segmentation) if critic is not None]
        self.perceptual = None if perceptual is None else perceptual.to(fabric.device)
        self.ema = Ema(painter, config.ema_half_life)
        self.nimg = 0
        self._calibrated_at = -1

    def step(self, nimg: int) -> Mapping[str, Tensor]:
        """One step of the generator and encoder, then one of each discriminator on the same pictures."""
        config = self.config
        self._set_rates(nimg)
        batch = self.batches(nimg)
        draws = self._draws(nimg, len(batch.faces))
        batch = batch.painted_as(draws.own)
        self.painter.train()
        for critic in self.critics:
            critic.train()
        networks = [self.painter.module, *(critic.network for critic in self.critics)]
        losses = PartMeans()
        pictures: list[Tensor] = []
        for part, rows in enumerate(self.shares):
            if part:
                hold_power_iterations(networks)
            mine = rows.of(batch)
            painted, mean, log_variance = self.painter(mine.drawn, mine.faces, mine.own, rows.of(draws))
            view = self._seen(batch, painted.float(), rows, nimg, _PAINTING)
            found, total = self._generator_losses(view, mine, painted.float(), mean, log_variance)
            self.adam.zero_grad(set_to_none=True)
            self.fabric.backward(total)
            self.adam.step()
            losses.add(found)
            pictures.append(painted.detach().float())
        for part, (rows, painted) in enumerate(zip(self.shares, pictures, strict=True)):
            (hold_power_iterations if part else resume_power_iterations)(networks)
            view = self._seen(batch, painted, rows, nimg, _JUDGING)
            if self.patches is not None:
                losses.add(self.patches.learn(view))
            if self.segmentation is not None:
                coins = generator_at(config.seed, nimg, stream=_MIXING)
                tossed_before(rows, config.generator.labels, coins)
                losses.add(self.segmentation.learn(view, coins))
        self.nimg = nimg + config.batch_size
        self.ema.update(self.painter.module, self.nimg, config.batch_size)
        return losses.taken(len(self.shares))

    def _draws(self, nimg: int, count: int) -> StyleDraws:
        """The random numbers of the styles of the step that starts at image `nimg`."""
        generator: SpadeGenerator = self.painter.module.generator
        sides, blocks = generator.noise_sides, len(generator.blocks)
        return style_draws(self.config, nimg, count, sides=sides, blocks=blocks, device=self.fabric.device)

    def _seen(self, batch: Batch, painted: Tensor, rows: Rows, nimg: int, stream: int) -> View:
        """What discriminators see of these rows: their random numbers are drawn for the whole batch."""
        generator = generator_at(self.config.seed, nimg, stream=stream)
        return rows.of(seen(batch, rows.among_zeros(painted), self.config.diff_augment, generator))

    def _generator_losses(
        self, view: View, batch: Batch, painted: Tensor, mean: Tensor, log_variance: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Every loss by name, unweighted, and their weighted sum."""
        weights, faces = self.config.losses, batch.faces
        if batch.agreement is not None:  # elsewhere the photo is pasted in, which is no mistake and has no gradient
            painted = torch.where(batch.agreement > 0, painted, faces)
        terms: Terms = {} if self.patches is None else self.patches.opinion(view)
        if self.perceptual is not None and weights.perceptual:
            with self.fabric.autocast():
                terms["perceptual"] = (weights.perceptual, self.perceptual(painted, faces))
        if self.config.encoder is not None:
            terms["kld"] = (weights.kld, self._nats(batch, mean, log_variance))
        if weights.reconstruction:
            terms["reconstruction"] = (weights.reconstruction, F.l1_loss(painted, faces))
        if self.segmentation is not None:
            terms |= self.segmentation.opinion(view)
        total = torch.stack([weight * value for weight, value in terms.values()]).sum()
        return {f"loss/{name}": value for name, (_, value) in terms.items()}, total

    def _nats(self, batch: Batch, mean: Tensor, log_variance: Tensor) -> Tensor:
        """What the posterior tells of a face, as the mean over the images."""
        spec = self.config.generator
        if not spec.style_regions:
            return kl_divergence(mean, log_variance)
        prior = RegionPrior(spec.labels, spec.region_correlation, spec.face_correlation)
        return region_kl_divergence(mean, log_variance, present(batch.own), prior)

    def _set_rates(self, nimg: int) -> None:
        pace = pace_at(self.config, nimg, self.config.batch_size)
        for group in self.adam.param_groups:
            group["lr"] = self.config.generator_learning_rate * pace
        for critic in self.critics:
            critic.set_pace(pace)

    @torch.no_grad()
    def averaged(self) -> Painter:
        """The averaged painter with batch statistics of its own, measured on training batches."""
        painter: Painter = self.ema.module  # type: ignore[assignment]
        if self._calibrated_at == self.nimg:
            return painter
        starts = range(0, min(_RECALIBRATION_IMAGES, self._pairs), self.config.batch_size)

        def go_through(number: int) -> None:
            nimg = self.nimg + starts[number]
            batch = self.batches(nimg)
            with self.fabric.autocast():
                painter(batch.drawn, batch.faces, batch.own, self._draws(nimg, len(batch.faces)))

        measure_statistics(painter, go_through, len(starts))
        self._calibrated_at = self.nimg
        return painter

    def validate(self) -> Mapping[str, float]:
        """Return the scores of the averaged painter on held-out faces, by name."""
        config, device = self.config, self.fabric.device
        synthesizer, encoder = predictors(self.averaged(), config.generator, config.encoder, device)
        size = config.generator.size
        return scores_of(synthesizer, encoder, self.held_out, size, self.perceptual, device, self.onlooker)

    def samples(self) -> Photo | None:
        """Return the sheet of the averaged painter's pictures."""
        if not self.shown:
            return None
        config = self.config
        synthesizer, encoder = predictors(self.averaged(), config.generator, config.encoder, self.fabric.device)
        return sheet_of(synthesizer, encoder, self.shown, config.generator.size)

    def state(self) -> dict[str, Any]:
        state = {
            "painter": self.painter.module.state_dict(),
            "ema": self.ema.module.state_dict(),
            "adam_g": self.adam.state_dict(),
        }
        if self.patches is not None:
            patches = self.patches.state()
            state |= {"discriminator": patches["network"], "adam_d": patches["adam"]}
        return state if self.segmentation is None else state | {"segmentation": self.segmentation.state()}

    def load(self, state: Mapping[str, Any]) -> None:
        self.nimg, self._calibrated_at = int(state["nimg"]), -1
        self.painter.module.load_state_dict(state["painter"])
        self.ema.module.load_state_dict(state["ema"])
        self.adam.load_state_dict(state["adam_g"])
        if self.patches is not None:
            self.patches.load({"network": state["discriminator"], "adam": state["adam_d"]})
        if self.segmentation is not None:
            self.segmentation.load(state["segmentation"])
