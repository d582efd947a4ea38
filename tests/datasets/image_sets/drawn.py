"""Small image sets in the published layouts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

TEN = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ATTRIBUTES = ("Bald", "Eyeglasses", "Smiling")


def drawn_pixels(seed: int, width: int = 32, height: int = 32) -> NDArray[np.uint8]:
    """Noise on a slope, H×W×3: no two seeds, and no turned image, look alike."""
    random = np.random.default_rng(seed)
    slope = np.linspace(0, 150, height)[:, None, None] + np.linspace(0, 50, width)[None, :, None] * [0.2, 1, 0.5]
    return (slope + random.uniform(0, 50, (height, width, 3))).astype(np.uint8)


def write_image(path: Path, seed: int = 0, width: int = 32, height: int = 32) -> Path:
    """Write one drawn image; missing folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(drawn_pixels(seed, width, height)).save(path)
    return path


def write_images(folder: Path, names: Sequence[str], size: int = 32) -> Path:
    """Write a drawn image for each name (with suffix), seeds rising from 0."""
    for seed, name in enumerate(names):
        write_image(folder / name, seed, size, size)
    return folder


def write_classes(folder: Path, classes: Sequence[str], count: int = 2, suffix: str = ".png") -> Path:
    """Write `count` images to the folder of each class, seeds rising through all of them."""
    return write_images(folder, [f"{name}/{number}{suffix}" for name in classes for number in range(count)])


def write_ten(folder: Path, each: int = 4) -> Path:
    """CIFAR-10's binary version with so many images a file; the image n of all has the seed n and the class n % 10."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "batches.meta.txt").write_text("\n".join(TEN) + "\n\n")
    for number, name in enumerate((*(f"data_batch_{index}" for index in range(1, 6)), "test_batch")):
        seeds = range(number * each, (number + 1) * each)
        (folder / f"{name}.bin").write_bytes(b"".join(record((seed % 10,), drawn_pixels(seed)) for seed in seeds))
    return folder


def write_hundred(folder: Path, count: int = 5) -> Path:
    """CIFAR-100's binary version; the image n of a file has the coarse class n % 20 and the fine one 99 - n."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fine_label_names.txt").write_text("".join(f"fine{index:02}\n" for index in range(100)))
    (folder / "coarse_label_names.txt").write_text("".join(f"coarse{index:02}\n" for index in range(20)))
    for name in ("train", "test"):
        seeds = range(count)
        rows = (record((seed % 20, 99 - seed), drawn_pixels(seed)) for seed in seeds)
        (folder / f"{name}.bin").write_bytes(b"".join(rows))
    return folder


def record(labels: Sequence[int], pixels: NDArray[np.uint8]) -> bytes:
    """A record as CIFAR's authors describe it: the labels, 1024 red bytes row by row, then green, then blue."""
    return bytes(labels) + b"".join(pixels[..., channel].tobytes() for channel in range(3))


def write_attributes(folder: Path, rows: Sequence[tuple[str, Sequence[int]]], name: str = "list_attr_celeba") -> Path:
    """A list of attributes as published: the count of its rows, the names, then 1 or -1 each."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.txt"
    lines = [" ".join((file, *(f"{value:2}" for value in values))) for file, values in rows]
    path.write_text("\n".join((str(len(rows)), " ".join(ATTRIBUTES), *lines)) + "\n")
    return path
