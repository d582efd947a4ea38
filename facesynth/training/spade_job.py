"""The training step of VAE encoder, SPADE generator and patch discriminator, and what it takes to resume it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from facesynth.core.images import Photo
from facesynth.core.labels import NUM_LABELS, LabelMap
from facesynth.core.sheets import contact_sheet
from facesynth.core.styles import Style
from facesynth.datasets.packed import PackedPairs
from facesynth.inference.encoder import Encoder, as_tensor
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.perceptual import PerceptualDistance
from facesynth.training.augment import augment
from facesynth.training.data import HeldOut
from facesynth.training.ema import Ema
from facesynth.training.feeding import Feeder
from facesynth.training.losses import feature_matching, hinge_discriminator, hinge_generator, kl_divergence
from facesynth.training.runs import SpadeRun
from facesynth.training.sampling import ShuffledOrder, generator_at

_SEEDS = (0, 1, 2)
_UNSAVED = "0" * 64  # the encoder's name while it has no file
_RECALIBRATION_IMAGES = 256


class Painter(nn.Module):
    """Encoder and generator as one module, so that one call makes a picture and one average follows both."""

    def __init__(self, generator: SpadeGenerator, encoder: StyleEncoder | None) -> None:
        super().__init__()
        self.generator, self.encoder = generator, encoder

    def forward(
        self, label_map: Tensor, faces: Tensor, normal: Tensor, noise: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Paint with styles drawn from the faces' posterior: (pictures, mean, log-variance); `normal` is N(0, 1)."""
        if self.encoder is None:
            mean = log_variance = torch.zeros_like(normal)
        else:
            mean, log_variance = self.encoder(faces)
        style = mean.float() + normal * (0.5 * log_variance.float()).exp()
        return self.generator(label_map, style, noise), mean, log_variance


class SpadeJob:
    """Trains generator and encoder against a discriminator (Park et al. 2019, section 3.3 and appendix A)."""

    def __init__(
        self,
        config: SpadeRun,
        painter: Painter,
        discriminator: Discriminator,
        perceptual: PerceptualDistance | None,
        pairs: PackedPairs,
        held_out: HeldOut,
        shown: Sequence[tuple[Photo, LabelMap]],
        fabric: Fabric,
    ) -> None:
        """`held_out` pairs are scored; `shown` are the few that the sample sheets are made of."""
        self.config, self.pairs, self.held_out, self.fabric = config, pairs, held_out, fabric
        self.shown = shown
        self.feed = Feeder(pairs, ShuffledOrder(len(pairs), config.seed), config.batch_size, fabric.device)
        painter = painter.to(memory_format=torch.channels_last)
        discriminator = discriminator.to(memory_format=torch.channels_last)
        adam_g = torch.optim.Adam(painter.parameters(), lr=config.generator_learning_rate, betas=config.betas)
        adam_d = torch.optim.Adam(discriminator.parameters(), lr=config.discriminator_learning_rate, betas=config.betas)
        self.painter, self.adam_g = fabric.setup(painter, adam_g)
        self.discriminator, self.adam_d = fabric.setup(discriminator, adam_d)
        self.perceptual = None if perceptual is None else perceptual.to(fabric.device)
        self.ema = Ema(painter, config.ema_half_life)
        self.nimg = 0
        self._calibrated_at = -1

    def step(self, nimg: int) -> Mapping[str, Tensor]:
        """One step of the generator and encoder, then one of the discriminator on the same pictures."""
        config = self.config
        self._set_rates(nimg)
        faces, label_map = self._batch(nimg)
        normal, noise = self._draws(nimg, len(faces))
        self.painter.train()
        self.discriminator.train()
        painted, mean, log_variance = self.painter(label_map, faces, normal, noise)
        losses, total = self._generator_losses(painted.float(), faces, label_map, mean, log_variance)
        self.adam_g.zero_grad(set_to_none=True)
        self.fabric.backward(total)
        self.adam_g.step()
        fake, real = self._judged(painted.detach().float(), faces, label_map)
        against = hinge_discriminator(real, fake)
        self.adam_d.zero_grad(set_to_none=True)
        self.fabric.backward(against)
        self.adam_d.step()
        self.nimg = nimg + config.batch_size
        self.ema.update(self.painter.module, self.nimg, config.batch_size)
        with torch.no_grad():
            scores = {"score/real": _score(real), "score/fake": _score(fake)}
        return {**losses, "loss/discriminator": against, **scores}

    def _generator_losses(
        self, painted: Tensor, faces: Tensor, label_map: Tensor, mean: Tensor, log_variance: Tensor
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Every loss by name, unweighted, and their weighted sum."""
        weights = self.config.losses
        self.discriminator.requires_grad_(False)
        fake, real = self._judged(painted, faces, label_map)
        self.discriminator.requires_grad_(True)
        terms = {
            "adversarial": (weights.adversarial, hinge_generator(fake)),
            "feature_matching": (weights.feature_matching, feature_matching(real, fake)),
        }
        if self.perceptual is not None and weights.perceptual:
            with self.fabric.autocast():
                terms["perceptual"] = (weights.perceptual, self.perceptual(painted, faces))
        if self.config.encoder is not None:
            terms["kld"] = (weights.kld, kl_divergence(mean, log_variance))
        if weights.reconstruction:
            terms["reconstruction"] = (weights.reconstruction, F.l1_loss(painted, faces))
        total = torch.stack([weight * value for weight, value in terms.values()]).sum()
        return {f"loss/{name}": value for name, (_, value) in terms.items()}, total

    def _judged(
        self, painted: Tensor, faces: Tensor, label_map: Tensor
    ) -> tuple[list[list[Tensor]], list[list[Tensor]]]:
        """The discriminator's outputs for (painted, real); both go through it as one batch, as in NVlabs/SPADE."""
        outputs = self.discriminator(torch.cat([label_map, label_map]), torch.cat([painted, faces]))
        count = len(painted)
        fake = [[layer[:count] for layer in scale] for scale in outputs]
        return fake, [[layer[count:] for layer in scale] for scale in outputs]

    def _batch(self, nimg: int) -> tuple[Tensor, Tensor]:
        """Faces N×3×S×S in -1..1 and one-hot label maps N×19×S×S for the step that starts at image `nimg`."""
        config = self.config
        images, labels = self.feed(nimg)
        size = config.generator.size
        generator = generator_at(config.seed, nimg)
        images, labels = augment(images, labels, config.augment, generator, size=size, label_size=size)
        label_map = F.one_hot(labels, NUM_LABELS).permute(0, 3, 1, 2).float()
        layout = torch.channels_last
        return (images * 2 - 1).contiguous(memory_format=layout), label_map.contiguous(memory_format=layout)

    def _draws(self, nimg: int, count: int) -> tuple[Tensor, list[Tensor]]:
        generator = generator_at(self.config.seed, nimg, self.fabric.device, stream=1)

        def draw(*shape: int) -> Tensor:
            return torch.randn(count, *shape, generator=generator, device=self.fabric.device)

        normal = draw(self.config.generator.style_channels)
        return normal, [draw(1, side, side) for side in self.painter.module.generator.noise_sides]

    def _set_rates(self, nimg: int) -> None:
        """Linear warm-up, a constant stretch, and a linear decay to zero over the last `decay_images`."""
        config = self.config
        pace = min(1.0, (nimg + config.batch_size) / config.warmup_images) if config.warmup_images else 1.0
        if config.decay_images:
            pace *= min(1.0, max(0.0, (config.images - nimg) / config.decay_images))
        for optimizer, rate in (
            (self.adam_g, config.generator_learning_rate),
            (self.adam_d, config.discriminator_learning_rate),
        ):
            for group in optimizer.param_groups:
                group["lr"] = rate * pace

    @torch.no_grad()
    def averaged(self) -> Painter:
        """The averaged painter with batch statistics of its own, measured on training pairs.

        The running statistics belong to the raw network, whose weights are others (imaginaire re-estimates them too).
        """
        painter: Painter = self.ema.module  # type: ignore[assignment]
        if self._calibrated_at == self.nimg:
            return painter
        norms = [module for module in painter.modules() if isinstance(module, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over all batches
            norm.train()
        for start in range(0, min(_RECALIBRATION_IMAGES, len(self.pairs)), self.config.batch_size):
            faces, label_map = self._batch(self.nimg + start)
            normal, noise = self._draws(self.nimg + start, len(faces))
            with self.fabric.autocast():
                painter(label_map, faces, normal, noise)
        for norm in norms:
            norm.eval()
        self._calibrated_at = self.nimg
        return painter

    def validate(self) -> Mapping[str, float]:
        """Held-out faces painted from their own label maps and styles: L1 in grey levels, perceptual distance."""
        synthesizer, encoder = self._predictors()
        if not self.held_out or encoder is None:
            return {}
        size = self.config.generator.size
        l1: list[float] = []
        perceptual: list[float] = []
        for group in self.held_out.groups():
            painted = synthesizer([labels for _, labels in group], encoder([face for face, _ in group]))
            for pair in zip(painted, (face.resized(size, size) for face, _ in group), strict=True):
                l1.append(float(np.abs(pair[0].pixels.astype(float) - pair[1].pixels).mean()))
                if self.perceptual is not None:
                    with torch.no_grad():
                        distance = self.perceptual(*(as_tensor([p], size).to(self.fabric.device) for p in pair))
                    perceptual.append(distance.item())
        scores = {"validation/l1": float(np.mean(l1))}
        return scores | ({"validation/perceptual": float(np.mean(perceptual))} if perceptual else {})

    def samples(self) -> Photo | None:
        """Rows of label map, face, painted in its own style, and painted by three seeds."""
        if not self.shown:
            return None
        synthesizer, encoder = self._predictors()
        rows: list[list[Photo | LabelMap | None]] = []
        for face, labels in self.shown:
            styles = [Style.from_seed(seed) for seed in _SEEDS]
            if encoder is not None:
                styles = [*encoder([face]), *styles]
            rows.append([labels, face, *synthesizer([labels] * len(styles), styles)])
        return contact_sheet(rows, cell=self.config.generator.size)

    def _predictors(self) -> tuple[Synthesizer, Encoder | None]:
        painter, config = self.averaged(), self.config
        device, dtype = self.fabric.device, torch.float32
        synthesizer = Synthesizer(painter.generator, config.generator, device=device, dtype=dtype, identity=_UNSAVED)
        if painter.encoder is None or config.encoder is None:
            return synthesizer, None
        return synthesizer, Encoder(painter.encoder, config.encoder, device=device, dtype=dtype, identity=_UNSAVED)

    def state(self) -> dict[str, Any]:
        return {
            "painter": self.painter.module.state_dict(),
            "discriminator": self.discriminator.module.state_dict(),
            "ema": self.ema.module.state_dict(),
            "adam_g": self.adam_g.state_dict(),
            "adam_d": self.adam_d.state_dict(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        self.nimg, self._calibrated_at = int(state["nimg"]), -1
        self.painter.module.load_state_dict(state["painter"])
        self.discriminator.module.load_state_dict(state["discriminator"])
        self.ema.module.load_state_dict(state["ema"])
        self.adam_g.load_state_dict(state["adam_g"])
        self.adam_d.load_state_dict(state["adam_d"])


def _score(outputs: Sequence[Sequence[Tensor]]) -> Tensor:
    return torch.stack([scale[-1].float().mean() for scale in outputs]).mean()
