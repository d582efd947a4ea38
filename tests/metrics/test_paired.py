"""SSIM and PSNR against their formulas."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from torchmetrics.functional.image import structural_similarity_index_measure

from facesynth.core.errors import DependencyMissing, InputError
from facesynth.metrics.paired import psnr, ssim


def _plain(value: int, height: int = 16, width: int = 24) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def _random(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (24, 20, 3), dtype=np.uint8)


def test_equal_pictures() -> None:
    assert ssim(_random(0), _random(0)) == pytest.approx(1, abs=1e-12)
    assert psnr(_random(0), _random(0)) == math.inf


def test_psnr_of_a_constant_difference() -> None:
    assert psnr(_plain(100), _plain(105)) == pytest.approx(20 * math.log10(255 / 5))
    assert psnr(_plain(0), _plain(255)) == pytest.approx(0, abs=1e-5)
    assert psnr(_plain(105), _plain(100)) == psnr(_plain(100), _plain(105))


def test_ssim_of_plain_pictures_is_its_luminance_term() -> None:
    c1 = (0.01 * 255) ** 2
    expected = (2 * 100 * 150 + c1) / (100**2 + 150**2 + c1)
    assert ssim(_plain(100), _plain(150)) == pytest.approx(expected, rel=1e-9)


def test_ssim_by_its_formula() -> None:
    first, second = _random(1), (_random(1) // 2 + _random(2) // 2).astype(np.uint8)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(values, 1.5, mode="mirror", radius=5))

    channels = []
    for x, y in zip(np.moveaxis(first / 1.0, 2, 0), np.moveaxis(second / 1.0, 2, 0), strict=True):
        mx, my = blurred(x), blurred(y)
        vx, vy, vxy = blurred(x * x) - mx * mx, blurred(y * y) - my * my, blurred(x * y) - mx * my
        likeness = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
        channels.append(likeness[5:-5, 5:-5].mean())
    assert ssim(first, second) == pytest.approx(float(np.mean(channels)), rel=1e-6)


@pytest.mark.parametrize("shape", [(11, 11, 3), (24, 40, 3), (128, 96, 3)])
def test_ssim_is_torchmetrics_own_over_the_windows_inside(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(7)
    first = rng.integers(0, 256, shape, dtype=np.uint8)
    second = np.clip(first + rng.integers(-60, 60, shape), 0, 255).astype(np.uint8)
    preds, target = (torch.from_numpy(one.astype(np.float64)).permute(2, 0, 1)[None] for one in (first, second))
    _, likeness = structural_similarity_index_measure(
        preds, target, sigma=1.5, data_range=255.0, return_full_image=True
    )
    assert ssim(first, second) == pytest.approx(float(likeness[..., 5:-5, 5:-5].mean()), abs=1e-12)


def test_ssim_needs_no_library_of_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    monkeypatch.setitem(sys.modules, "torchmetrics.functional.image", None)
    assert ssim(_random(0), _random(0)) == pytest.approx(1)
    with pytest.raises(DependencyMissing, match="torchmetrics is not installed"):
        psnr(_random(0), _random(1))


def test_the_nearer_picture_scores_higher() -> None:
    real = _random(3)
    signs = np.random.default_rng(4).choice([-1, 1], real.shape)
    near, far = (np.clip(real + step * signs, 0, 255).astype(np.uint8) for step in (3, 30))
    assert ssim(real, near) > ssim(real, far) and psnr(real, near) > psnr(real, far)


def test_pictures_that_are_no_pair() -> None:
    for score in (ssim, psnr):
        with pytest.raises(InputError, match="24×16 and 16×24 pixels are not a pair"):
            score(_plain(0), _plain(0, 24, 16))
        with pytest.raises(ValueError, match="float64"):
            score(_plain(0), _plain(0) / 255.0)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="H×W×3"):
            score(_plain(0)[..., 0], _plain(0)[..., 0])
    with pytest.raises(InputError, match="at least 11×11 pixels, here are 30×10"):
        ssim(_plain(0, 10, 30), _plain(0, 10, 30))
    assert psnr(_plain(0, 1, 1), _plain(51, 1, 1)) == pytest.approx(20 * math.log10(5))


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    ssim(_random(0), _random(1))
    psnr(_random(0), _random(1))
    assert capfd.readouterr() == ("", "") and not recwarn.list
