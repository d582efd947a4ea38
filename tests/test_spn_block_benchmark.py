"""The benchmark of SPN's block compares like with like."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "spn_block", raising=False)
    return __import__("spn_block")


def test_arms_have_the_same_convolutions_and_figure_8_has_spn_s_weights(benchmark: ModuleType) -> None:
    plain, fused, literal = benchmark.block("batch", 8), benchmark.block("spn", 8), benchmark.literal(8)
    for other in (fused, literal):
        for name in ("conv_0.weight", "conv_1.weight"):
            torch.testing.assert_close(other.get_parameter(name), plain.get_parameter(name))
    x, back = torch.randn(2, 8, 6, 6), torch.randn(2, 8, 6, 6)
    made = [
        benchmark.step(
            lambda x, each=each: each.residual(x, None, None), each, x.clone().requires_grad_(), back, "float32"
        )
        for each in (fused, literal)
    ]
    torch.testing.assert_close(made[0], made[1], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_ratios_are_to_batch_normalisation(benchmark: ModuleType, precision: str) -> None:
    arms = {"batch norm": benchmark.block("batch", 8), "spn": benchmark.block("spn", 8)}
    x = torch.randn(2, 8, 6, 6).requires_grad_()
    base, spn = benchmark.measure(arms, x, rounds=2, turns=1, precision=precision, compiled=False)
    assert (base.arm, base.ratio, base.median_ratio) == ("batch norm", 1, 1)
    assert spn.ratio == pytest.approx(spn.seconds / base.seconds) and spn.seconds > 0
    assert all(parameter.grad is not None for each in arms.values() for parameter in each.parameters())
