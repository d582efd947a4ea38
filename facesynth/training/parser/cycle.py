"""Photo → labels → photo (Zhu et al. 2017, equation 2): a parser learns from photos without label maps.

Through soft labels a parser could tell the generator the photo itself, in probabilities too small to matter for the
labels (Chu et al. 2017, "CycleGAN, a master of steganography"). So the generator is shown the likeliest labels alone,
and the gradient passes as if it had been shown the probabilities (Bengio et al. 2013, straight-through); and it paints
with noise, as it was trained to, which hidden messages do not survive well (Bashkirova et al. 2019).
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor

from facesynth.training.augment import resized
from facesynth.training.collectives import ALONE, Ranks
from facesynth.training.parser.repainting import Repainter
from facesynth.training.rows import Rows
from facesynth.training.runs.parser import Cycle
from facesynth.training.sampling import generator_at

_NOISE = 1  # a stream of random numbers; stream 0 is the augmentation's


def shown_labels(logits: Tensor, soft: bool = False) -> Tensor:
    """Logits N×L×H×W → label maps of the same size: the likeliest labels, one-hot, with softmax's gradient.

    With `soft` the probabilities themselves.
    """
    probabilities = logits.softmax(1)
    if soft:
        return probabilities
    return likeliest(logits) + (probabilities - probabilities.detach())


def likeliest(logits: Tensor) -> Tensor:
    """The likeliest labels of logits N×L×H×W, one-hot, without gradient."""
    return F.one_hot(logits.argmax(1), logits.shape[1]).permute(0, 3, 1, 2).to(logits.dtype)


def entropy(logits: Tensor) -> Tensor:
    """Mean over pixels of softmax's entropy in nats: 0 where a parser is sure, log L where it knows nothing."""
    logarithms = logits.log_softmax(1)
    return -(logarithms.exp() * logarithms).sum(1).mean()


class CycleLoss:
    """How far photos are from what a fixed generator paints of a parser's answer, in their own style."""

    def __init__(
        self, repainter: Repainter, settings: Cycle, fabric: Fabric, *, seed: int, ranks: Ranks = ALONE
    ) -> None:
        self._repainter, self._settings, self._fabric, self._seed = repainter.to(fabric.device), settings, fabric, seed
        if self._repainter.perceptual is not None and ranks.count > 1:
            self._repainter.perceptual.joined = lambda mean: ranks.total(mean) / ranks.count

    def weight(self, nimg: int) -> float:
        """What the loss weighs in the step that starts at image `nimg`."""
        return self._settings.weight if nimg >= self._settings.warmup_images else 0.0

    def __call__(self, faces: Tensor, logits: Tensor, nimg: int, rows: Rows) -> dict[str, Tensor]:
        """The loss, its two parts, and the answer's entropy, by name, for faces N×3×S×S in 0..1 and their logits.

        `rows` are these faces' among the photos of the step that starts at image `nimg`. There are no gradients as
        long as the loss weighs nothing.
        """
        settings, size = self._settings, self._repainter.size
        photos = (resized(faces, size) * 2 - 1).contiguous(memory_format=torch.channels_last)
        noise = self._noise(nimg, rows)
        with nullcontext() if self.weight(nimg) else torch.no_grad():
            enlarged = F.interpolate(logits, (size, size), mode="bilinear", align_corners=False)
            shown = shown_labels(enlarged, settings.soft).contiguous(memory_format=torch.channels_last)
            with self._fabric.autocast():
                painted = self._repainter(shown, photos, likeliest(enlarged), noise)
            apart = F.l1_loss(painted, photos)
            told = {"loss/cycle": apart, "cycle/l1": apart}
            if self._repainter.perceptual is not None:
                with self._fabric.autocast():
                    unlike = self._repainter.perceptual(painted, photos)
                told |= {"loss/cycle": apart + settings.perceptual * unlike, "cycle/perceptual": unlike}
        return {**told, "cycle/entropy": entropy(logits.detach())}

    def _noise(self, nimg: int, rows: Rows) -> list[Tensor]:
        """These rows' noise, of the whole step's: the same however the step is shared out."""
        device = self._fabric.device
        generator = generator_at(self._seed, nimg, device, stream=_NOISE)
        return [
            rows.of(torch.randn(rows.whole, 1, side, side, generator=generator, device=device))
            for side in self._repainter.generator.noise_sides
        ]
