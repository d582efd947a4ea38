"""How like two pictures of the same thing are, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError
from facesynth.metrics.libraries import needing

SSIM_SMALLEST = 11
"""The side in pixels of the Gaussian window (sigma 1.5) of Wang et al. 2004, and of the smallest picture."""
_SIGMA = 1.5
_STABLE = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Structural similarity of two H×W×3 uint8 pictures, -1..1, 1 for equal ones; mean over windows and RGB.

    Window and constants of Wang et al. 2004, in float64 by scipy's Gaussian filter, whose two passes of 11 weights are
    torchmetrics' 11×11 window at a fortieth of its time; as there and in scikit-image the mean is over windows that lie
    inside the picture (torchmetrics itself counts mirrored borders too). Raises InputError where the sizes differ or a
    side is below 11 pixels, ValueError for another type.
    """
    _check_pair(first, second)
    if min(first.shape[:2]) < SSIM_SMALLEST:
        raise InputError(
            f"SSIM needs pictures of at least {SSIM_SMALLEST}×{SSIM_SMALLEST} pixels, here are {_size(first)}",
            hint="leave that pair out, or the measure",
        )
    # Channel by channel: contiguous planes are twice as fast to filter.
    return float(np.mean([_ssim_of_planes(_plane(first, colour), _plane(second, colour)) for colour in range(3)]))


def _ssim_of_planes(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    luminance, contrast = _STABLE
    mx, my = _windowed(x), _windowed(y)
    both, squares = mx * my, mx * mx + my * my
    spread, shared = _windowed(x * x + y * y) - squares, _windowed(x * y) - both
    likeness = (2 * both + luminance) * (2 * shared + contrast) / ((squares + luminance) * (spread + contrast))
    border = SSIM_SMALLEST // 2
    return float(likeness[border:-border, border:-border].mean())


def _windowed(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(plane, _SIGMA, radius=SSIM_SMALLEST // 2), dtype=np.float64)


def _plane(picture: NDArray[np.uint8], colour: int) -> NDArray[np.float64]:
    return picture[..., colour].astype(np.float64)


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two H×W×3 uint8 pictures in dB, by torchmetrics; higher is nearer.

    Equal pictures give infinity, which has no place in a mean nor in JSON: count such pairs apart. Raises InputError
    where the sizes differ, ValueError for another type, DependencyMissing.
    """
    _check_pair(first, second)
    with needing("torchmetrics"):
        from torchmetrics.functional.image import peak_signal_noise_ratio
    import torch

    preds, target = (torch.from_numpy(picture.astype(np.float64)).permute(2, 0, 1)[None] for picture in (first, second))
    return float(peak_signal_noise_ratio(preds, target, data_range=255.0))


def _check_pair(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> None:
    for picture in (first, second):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(f"a picture is H×W×3 uint8, not {picture.shape} {picture.dtype}")
    if first.shape != second.shape:
        raise InputError(
            f"pictures of {_size(first)} and {_size(second)} pixels are not a pair",
            hint="resize one to the other, or leave that pair out",
        )


def _size(picture: NDArray[np.uint8]) -> str:
    return f"{picture.shape[1]}×{picture.shape[0]}"
