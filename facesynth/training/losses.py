"""The losses of the SPADE papers as functions of tensors; each is a mean, so none depends on the size of the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Outputs = Sequence[Sequence[Tensor]]
"""What a multi-scale discriminator returns: a list of layer outputs a scale, the last of each being the score."""


def hinge_discriminator(real: Outputs, fake: Outputs) -> Tensor:
    """Mean over scales of E[max(0, 1 - D(real))] + E[max(0, 1 + D(fake))] (Lim and Ye 2017)."""
    return _mean(
        [F.relu(1 - r[-1].float()).mean() + F.relu(1 + f[-1].float()).mean() for r, f in zip(real, fake, strict=True)]
    )


def hinge_generator(fake: Outputs) -> Tensor:
    """Mean over scales of -E[D(fake)]."""
    return _mean([-scale[-1].float().mean() for scale in fake])


def feature_matching(real: Outputs, fake: Outputs, agreement: Tensor | None = None) -> Tensor:
    """Mean over scales of the summed L1 distances of all layers but the last (Wang et al. 2018, equation 4).

    With `agreement`, N×1×H×W in 0..1, distances count by its mean over what each place of a layer looks at.
    """

    def distance(one: Tensor, other: Tensor) -> Tensor:
        one, other = one.float(), other.float().detach()
        if agreement is None:
            return F.l1_loss(one, other)
        return (F.adaptive_avg_pool2d(agreement, one.shape[-2:]) * (one - other).abs()).mean()  # type: ignore[arg-type]

    return _mean(
        [
            torch.stack([distance(b, a) for a, b in zip(r[:-1], f[:-1], strict=True)]).sum()
            for r, f in zip(real, fake, strict=True)
        ]
    )


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) ‖ N(0, 1)) in nats: summed over the style's channels, mean over the images."""
    mean, log_variance = mean.float(), log_variance.float()
    return (-0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)).mean()


def _mean(values: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(values)).mean()
