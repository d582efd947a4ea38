"""How like two pictures of the same thing are, pixel by pixel."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from facesynth.core.errors import InputError
from facesynth.metrics.libraries import needing

_WINDOW = 11  # pixels: the Gaussian window (sigma 1.5) of Wang et al. 2004


def ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Structural similarity of two H×W×3 uint8 pictures, -1..1, 1 for equal ones; mean over windows and RGB.

    Window and constants of Wang et al. 2004, by torchmetrics; as there and in scikit-image the mean is over windows
    that lie inside the picture (torchmetrics itself counts mirrored borders too). Raises InputError where the sizes
    differ or a side is below 11 pixels, ValueError for another type, DependencyMissing.
    """
    preds, target = _pair(first, second)
    if min(first.shape[:2]) < _WINDOW:
        raise InputError(
            f"SSIM needs pictures of at least {_WINDOW}×{_WINDOW} pixels, here are {_size(first)}",
            hint="leave that pair out",
        )
    with needing("torchmetrics"):
        from torchmetrics.functional.image import structural_similarity_index_measure
    _, likeness = structural_similarity_index_measure(
        preds, target, sigma=1.5, data_range=255.0, return_full_image=True
    )
    border = _WINDOW // 2
    return float(likeness[..., border:-border, border:-border].mean())


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two H×W×3 uint8 pictures in dB, by torchmetrics; higher is nearer.

    Equal pictures give infinity, which has no place in a mean nor in JSON: count such pairs apart. Raises InputError
    where the sizes differ, ValueError for another type, DependencyMissing.
    """
    preds, target = _pair(first, second)
    with needing("torchmetrics"):
        from torchmetrics.functional.image import peak_signal_noise_ratio
    return float(peak_signal_noise_ratio(preds, target, data_range=255.0))


def _pair(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
    for picture in (first, second):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(f"a picture is H×W×3 uint8, not {picture.shape} {picture.dtype}")
    if first.shape != second.shape:
        raise InputError(
            f"pictures of {_size(first)} and {_size(second)} pixels are not a pair",
            hint="resize one to the other, or leave that pair out",
        )
    preds, target = (torch.from_numpy(picture.astype(np.float64)).permute(2, 0, 1)[None] for picture in (first, second))
    return preds, target


def _size(picture: NDArray[np.uint8]) -> str:
    return f"{picture.shape[1]}×{picture.shape[0]}"
