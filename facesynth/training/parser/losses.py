"""The parser's losses as functions of tensors."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facesynth.training.collectives import ALONE, Ranks

_REACH = 2
"""Pixels of the logits' map; two or more pixels of the picture each."""


def cross_entropy(
    logits: Tensor, labels: Tensor, balance: Tensor, boundary: float = 0.0, ranks: Ranks = ALONE
) -> Tensor:
    """The weighted mean over pixels of -log p(label): logits N×L×H×W, labels N×H×W, `balance` a weight for each label.

    Pixels near another label weigh 1 + `boundary` times as much. The mean is over the pixels of all ranks.
    """
    if not boundary and ranks.count == 1:
        return F.cross_entropy(logits, labels, weight=balance)
    nearness = 1 + boundary * near_boundary(labels).to(logits.dtype)
    entropy = F.cross_entropy(logits, labels, weight=balance, reduction="none")
    return ranks.total((entropy * nearness).sum()) / ranks.total((balance[labels] * nearness).sum())


def near_boundary(labels: Tensor, reach: int = _REACH) -> Tensor:
    """Whether another label lies within `reach` pixels, diagonally too: labels N×H×W → N×H×W bool.

    Dilation and erosion by a square: where they agree the square holds one label alone.
    """
    plane = labels[:, None].float()
    window = 2 * reach + 1
    largest = F.max_pool2d(plane, window, 1, reach)
    smallest = -F.max_pool2d(-plane, window, 1, reach)
    return (largest != smallest)[:, 0]


def soft_dice(logits: Tensor, labels: Tensor, ranks: Ranks = ALONE) -> Tensor:
    """1 - mean soft Dice over the labels that all ranks hold: logits N×L×H×W, labels N×H×W → scalar in 0..1."""
    probabilities = logits.softmax(1)
    truth = F.one_hot(labels, logits.shape[1]).permute(0, 3, 1, 2).to(probabilities.dtype)
    shared = ranks.total((probabilities * truth).sum((0, 2, 3)))
    total = ranks.total(probabilities.sum((0, 2, 3)) + truth.sum((0, 2, 3)))
    present = ranks.total(truth.sum((0, 2, 3))) > 0
    return 1 - (2 * shared / total.clamp_min(1))[present].mean()


def distillation(
    student: Tensor, teacher: Tensor, temperature: float, confidence: float, ranks: Ranks = ALONE
) -> tuple[Tensor, Tensor]:
    """T² · KL(teacher ‖ student) of softmax(logits / T), its mean over the pixels that count (Hinton et al. 2015).

    Both are logits N×L×H×W. Those pixels of all ranks count on which the teacher's best label has at least
    `confidence`; also returns their share here, 0..1.
    """
    with torch.no_grad():
        counting = (teacher.softmax(1).amax(1) >= confidence).to(student.dtype)
    wanted = (teacher / temperature).log_softmax(1)
    found = (student / temperature).log_softmax(1)
    divergence = F.kl_div(found, wanted, reduction="none", log_target=True).sum(1) * temperature**2
    mean = ranks.total((divergence * counting).sum()) / ranks.total(counting.sum()).clamp_min(1)
    return mean, counting.mean()


def class_weights(counts: NDArray[np.int64], power: float) -> Tensor:
    """Weights ∝ frequency^-power, scaled so that a pixel weighs 1 on average; absent labels weigh 0.

    `counts` are pixels by label.
    """
    share = counts / counts.sum()
    weights = np.where(share > 0, np.maximum(share, 1e-6) ** -power, 0.0)
    return torch.from_numpy(weights / (weights * share).sum()).float()


def log_weights(weights: Tensor) -> Tensor:
    """What `class_weights` add to a label's logit in the end: their logarithm L×1×1, 0 for labels that weigh 0.

    Weighted cross-entropy is least where softmax(logits) ∝ weight · p(label). A network whose logits enter the loss
    with this added tells p(label) itself, and the likeliest label wins (Menon et al. 2021, logit adjustment). Without
    that, rare parts are painted too large.
    """
    return torch.where(weights > 0, weights.clamp_min(1e-12).log(), 0.0)[:, None, None]
