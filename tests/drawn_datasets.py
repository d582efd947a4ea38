"""Stand-ins for datasets in the layouts that they are published in, a few drawn faces each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ATTRIBUTES = ("5_o_Clock_Shadow", "Male", "Smiling", "Young")

# Part → (centre x, centre y, radius x, radius y) in shares of the side. They lie over one another, as the real ones do.
_PARTS: Mapping[str, tuple[float, float, float, float]] = {
    "skin": (0.5, 0.5, 0.25, 0.33),
    "nose": (0.5, 0.55, 0.05, 0.1),
    "l_eye": (0.6, 0.45, 0.05, 0.03),
    "r_eye": (0.4, 0.45, 0.05, 0.03),
    "l_brow": (0.6, 0.38, 0.07, 0.02),
    "r_brow": (0.4, 0.38, 0.07, 0.02),
    "mouth": (0.5, 0.7, 0.08, 0.03),
    "u_lip": (0.5, 0.68, 0.09, 0.03),
    "l_lip": (0.5, 0.73, 0.08, 0.03),
    "hair": (0.5, 0.2, 0.33, 0.2),
    "neck": (0.5, 0.85, 0.15, 0.15),
    "cloth": (0.5, 1.0, 0.45, 0.2),
}


def part_masks(seed: int, size: int = 512) -> dict[str, NDArray[np.bool_]]:
    """The masks of a face's parts, size×size; the seed moves the face."""
    y, x = (np.mgrid[:size, :size] + 0.5) / size
    dx, dy = np.random.default_rng(seed).uniform(-0.05, 0.05, 2)
    return {
        part: ((x - cx - dx) / rx) ** 2 + ((y - cy - dy) / ry) ** 2 < 1 for part, (cx, cy, rx, ry) in _PARTS.items()
    }


def write_mask(path: Path, mask: NDArray[np.bool_], mode: str = "RGB") -> None:
    """Write a mask as CelebAMask-HQ does: 0 and 255 in each of three channels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask.astype(np.uint8) * 255).convert(mode).save(path, compress_level=1)


def write_image(path: Path, size: int = 1024, shade: int = 128) -> None:
    """Write a plain grey photo."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (size, size), (shade % 256, 128, 128)).save(path)


def mask_file(folder: Path, number: int, part: str, masks: str = "CelebAMask-HQ-mask-anno") -> Path:
    """Where CelebAMask-HQ keeps the mask of a part."""
    return folder / masks / str(number // 2000) / f"{number:05d}_{part}.png"


def draw_celebamask_hq(
    folder: Path, numbers: Iterable[int], *, masks: str = "CelebAMask-HQ-mask-anno", size: int = 1024
) -> Path:
    """Fill `folder` with the images and masks of these faces."""
    for number in numbers:
        write_image(folder / "CelebA-HQ-img" / f"{number}.jpg", size, number)
        for part, mask in part_masks(number).items():
            write_mask(mask_file(folder, number, part, masks), mask)
    return folder


def write_celebamask_lists(folder: Path, originals: Mapping[int, int]) -> None:
    """Write the mapping (number → place in CelebA's order, from 0) and the attributes, as published.

    Of attribute i the faces have it whose number has bit i set.
    """
    rows = [f"{number:<11}{order:<11}{order + 1:06d}.jpg" for number, order in originals.items()]
    mapping = "\n".join(["idx        orig_idx   orig_file", *rows]) + "\n"
    (folder / "CelebA-HQ-to-CelebA-mapping.txt").write_text(mapping)
    lines = [str(len(originals)), " ".join(ATTRIBUTES)]
    for number in originals:
        lines.append(f"{number}.jpg  " + " ".join("1" if number >> bit & 1 else "-1" for bit in range(len(ATTRIBUTES))))
    (folder / "CelebAMask-HQ-attribute-anno.txt").write_text("\n".join(lines) + "\n")


def write_celeba_lists(folder: Path, sides: Mapping[str, int], identities: Mapping[str, int]) -> None:
    """Write CelebA's partition and identities, by the names of CelebA's files."""
    for name, rows in (("list_eval_partition", sides), ("identity_CelebA", identities)):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.txt").write_text("".join(f"{file} {value}\n" for file, value in rows.items()))
