"""The parser's losses against what they are meant to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from facesynth.training.parser.losses import (
    class_weights,
    cross_entropy,
    distillation,
    log_weights,
    near_boundary,
    soft_dice,
)


def drawn(seed: int, count: int = 2, side: int = 12, labels: int = 5) -> tuple[Tensor, Tensor]:
    """Logits N×L×H×W and labels N×H×W in patches of three pixels."""
    random = torch.Generator().manual_seed(seed)
    patches = torch.randint(0, labels, (count, side // 3, side // 3), generator=random)
    truth = patches.repeat_interleave(3, 1).repeat_interleave(3, 2)
    return torch.randn(count, labels, side, side, generator=random) * 2, truth


def near_by_hand(labels: Tensor, reach: int) -> Tensor:
    """For every pixel each of its neighbours is looked at."""
    count, height, width = labels.shape
    near = torch.zeros(labels.shape, dtype=torch.bool)
    for n in range(count):
        for y in range(height):
            for x in range(width):
                rows, columns = slice(max(0, y - reach), y + reach + 1), slice(max(0, x - reach), x + reach + 1)
                near[n, y, x] = bool((labels[n, rows, columns] != labels[n, y, x]).any())
    return near


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_near_a_boundary_is_near_another_label(seed: int, reach: int) -> None:
    _, labels = drawn(seed)
    assert torch.equal(near_boundary(labels, reach), near_by_hand(labels, reach))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0, 20))
def test_boundaries_weigh_so_many_times_more(seed: int, extra: float) -> None:
    logits, labels = drawn(seed)
    balance = torch.linspace(0.5, 2, 5)
    weights = balance[labels] * torch.where(near_boundary(labels), 1 + extra, 1.0)
    each = F.cross_entropy(logits, labels, reduction="none")
    wanted = (weights * each).sum() / weights.sum()
    torch.testing.assert_close(cross_entropy(logits, labels, balance, extra), wanted, rtol=1e-4, atol=1e-5)


def test_without_extra_weight_or_boundaries_it_is_the_plain_cross_entropy() -> None:
    logits, labels = drawn(1)
    balance = torch.linspace(0.5, 2, 5)
    assert torch.equal(cross_entropy(logits, labels, balance), F.cross_entropy(logits, labels, weight=balance))
    even = torch.full_like(labels, 3)
    assert not near_boundary(even).any()
    torch.testing.assert_close(
        cross_entropy(logits, even, balance, 4.0), F.cross_entropy(logits, even, weight=balance), rtol=1e-5, atol=1e-6
    )


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.5, 4))
def test_distillation_is_a_divergence(seed: int, temperature: float) -> None:
    student, teacher = drawn(seed)[0], drawn(seed + 1)[0]
    found, counting = distillation(student, teacher, temperature, 0.0)
    p, q = (teacher / temperature).softmax(1), (student / temperature).softmax(1)
    wanted = (p * (p.log() - q.log())).sum(1).mean() * temperature**2
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    assert found > 0 and counting == 1
    assert distillation(teacher + 3, teacher, temperature, 0.0)[0] == pytest.approx(0, abs=1e-5)


def test_pixels_of_which_the_teacher_is_unsure_do_not_count() -> None:
    student, teacher = drawn(3)[0].requires_grad_(), drawn(4)[0]
    loss, counting = distillation(student, teacher, 1.0, 0.7)
    loss.backward()  # type: ignore[no-untyped-call]
    sure = teacher.softmax(1).amax(1) >= 0.7
    assert 0 < float(counting) < 1 and float(counting) == pytest.approx(float(sure.float().mean()))
    assert student.grad is not None
    assert torch.equal(student.grad.abs().sum(1) > 0, sure)
    assert distillation(student, teacher * 0, 1.0, 0.7)[0] == 0, "and where it is sure of none, nothing does"


def test_soft_dice_of_right_and_wrong_answers() -> None:
    labels = torch.tensor([[[0, 1], [2, 2]]])
    right = F.one_hot(labels, 4).permute(0, 3, 1, 2).float() * 50
    assert soft_dice(right, labels) == pytest.approx(0, abs=1e-3)
    assert soft_dice(right.flip(2), labels) > 0.8


def test_rare_classes_weigh_more_and_a_pixel_one_on_average() -> None:
    counts = np.array([9000, 900, 100, 0])
    weights = class_weights(counts, 0.5).numpy()
    assert weights[3] == 0 and weights[0] < weights[1] < weights[2]
    assert (weights * counts).sum() / counts.sum() == pytest.approx(1, rel=1e-5)
    assert weights[2] / weights[0] == pytest.approx(90**0.5, rel=1e-5)
    assert class_weights(counts, 0.0).tolist()[:3] == pytest.approx([1, 1, 1])


def test_what_the_weights_add_to_the_logits_can_be_taken_off() -> None:
    """Pixels that look alike are label 0, 1 or 2 so often: fitted under weights, the logits tell that only without."""
    often = torch.tensor([0.7, 0.2, 0.1])
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor([70, 20, 10])).view(1, 10, 10)
    weights = class_weights(np.array([70, 20, 10]), 0.8)
    logits = torch.zeros(3, requires_grad=True)
    fit = torch.optim.LBFGS([logits], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        fit.zero_grad()
        value = cross_entropy(logits.view(1, 3, 1, 1).expand(1, 3, 10, 10), labels, weights)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    fit.step(loss)  # type: ignore[no-untyped-call]
    taken_off = logits.detach() - log_weights(weights).flatten()
    torch.testing.assert_close(taken_off.softmax(0), often, atol=1e-3, rtol=0)
    assert (logits.detach().softmax(0) - often).abs().max() > 0.2
    assert log_weights(torch.tensor([0.0, 1.0])).tolist() == [[[0.0]], [[0.0]]], "an absent label stays as it is"
