"""The losses of OASIS (Schönfeld et al. 2021, section 3.1): N+1 classes a pixel, balanced, and label mixing.

Label maps are N×L×H×W, one-hot; a pixel that has no label, all zeros, is not scored. Logits are N×(L+1)×H×W, the last
of them saying that the pixel was painted. What is balanced or averaged over counted pixels is so over all `ranks`.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from facesynth.training.collectives import ALONE, Ranks


def balanced_cross_entropy(logits: Tensor, label_map: Tensor, ranks: Ranks = ALONE) -> Tensor:
    """Cross-entropy in which every label of the batch weighs the same, however few its pixels (equations 1 and 2).

    A pixel of label c weighs α_c = P / (C · P_c): P pixels have a label, P_c of them c, and C labels are present. The
    paper's α_c, the inverse of the label's frequency in the batch, is C times that; so scaled the weights have mean 1,
    and the real and the painted pixels, all of one class of their own, weigh the same together. 0 without any label.
    """
    logs = logits.float().log_softmax(1)[:, : label_map.shape[1]]
    return balanced_mean(-(logs * label_map).sum(1, keepdim=True), label_map, ranks)


def balanced_mean(values: Tensor, label_map: Tensor, ranks: Ranks = ALONE) -> Tensor:
    """The mean over the labels present of the mean of N×1×H×W values over each label's pixels; 0 without any label."""
    pixels = ranks.total(label_map.sum((0, 2, 3)))
    means = ranks.total((values * label_map).sum((0, 2, 3))) / pixels.clamp_min(1)
    return means.sum() / (pixels > 0).sum().clamp_min(1)


def painted_cross_entropy(logits: Tensor, visible: Tensor, ranks: Ranks = ALONE) -> Tensor:
    """Mean cross-entropy with the class `painted` over the pixels that N×1×H×W `visible` shows (equation 1)."""
    return mean_where(-logits.float().log_softmax(1)[:, -1:], visible, ranks)


def label_mixture(label_map: Tensor, generator: Generator) -> Tensor:
    """LabelMix's mask N×1×H×W: 1 where the mixed picture is real; whole regions of the label map are, label by label.

    `generator` is one of the CPU's; a fair coin is tossed for each label of each sample.
    """
    coins = torch.randint(0, 2, label_map.shape[:2], generator=generator)
    coins = coins.to(label_map.device, non_blocking=True).to(label_map.dtype)
    return (label_map * coins[:, :, None, None]).sum(1, keepdim=True)


def mixing_consistency(
    real: Tensor, fake: Tensor, mixed: Tensor, mask: Tensor, counted: Tensor, ranks: Ranks = ALONE
) -> Tensor:
    """LabelMix's squared distance of the answer to a mixed picture from the mixed answers (equation 3), a mean.

    All three are logits; `mask` is `label_mixture`'s and `counted`, N×1×H×W, says which pixels take part.
    """
    expected = mask * real.float() + (1 - mask) * fake.float()
    return mean_where((mixed.float() - expected).square().mean(1, keepdim=True), counted, ranks)


def mean_where(values: Tensor, counted: Tensor, ranks: Ranks = ALONE) -> Tensor:
    """The mean of N×1×H×W values where `counted` is 1; 0 where it is so nowhere."""
    return ranks.total((values * counted).sum()) / ranks.total(counted.sum()).clamp_min(1)
