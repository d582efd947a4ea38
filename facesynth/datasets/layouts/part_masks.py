"""CelebAMask-HQ's masks, one file a part of the face, and the one label map that they become."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import InputError
from facesynth.core.files import read_file
from facesynth.core.image_files import load_image
from facesynth.core.labels import Label, LabelMap
from facesynth.datasets.layouts.checked import is_there

SIZE = 512
"""Side of the published masks, and of the label maps."""

PARTS: tuple[Label, ...] = tuple(label for label in Label if label is not Label.BACKGROUND)
"""In the order that the dataset's own g_mask.py paints them: what comes later lies on top."""

_EVERY_FACE = (Label.SKIN, Label.NOSE, Label.U_LIP, Label.L_LIP)
_EYES = (Label.L_EYE, Label.R_EYE, Label.EYE_G)
_SPELLED: Mapping[Label, str] = {
    Label.EYE_G: "eyeglasses",
    Label.L_EYE: "left eye",
    Label.R_EYE: "right eye",
    Label.L_BROW: "left brow",
    Label.R_BROW: "right brow",
    Label.L_EAR: "left ear",
    Label.R_EAR: "right ear",
    Label.U_LIP: "upper lip",
    Label.L_LIP: "lower lip",
    Label.EAR_R: "earring",
    Label.NECK_L: "necklace",
}


def part_file(folder: Path, number: int, part: Label) -> Path:
    """Where the mask of a part lies: `0/00012_hair.png`, two thousand faces a sub-folder."""
    return folder / str(number // 2000) / f"{number:05d}_{part.name.lower()}.png"


def merge_parts(folder: Path, number: int) -> tuple[LabelMap, tuple[str, ...]]:
    """Merge a face's masks as g_mask.py does (all that is not 0 counts) and return the label map, and what is odd.

    Raises InputError where there is no mask, where one cannot be read or is not square, and where all are empty.
    """
    ids = np.zeros((SIZE, SIZE), dtype=np.uint8)
    missing: list[Label] = []
    odd: list[str] = []
    for part in PARTS:
        path = part_file(folder, number, part)
        if not is_there(path):
            missing.append(part)
            continue
        mask = _read(path)
        if mask.shape != (SIZE, SIZE):
            odd.append(f"masks of {mask.shape[1]}×{mask.shape[0]} were scaled to {SIZE}×{SIZE}")
            mask = _scaled(mask)
        if not mask.any():
            odd.append(f"the mask of the {_spelled(part)} is empty")
        ids[mask] = part
    if len(missing) == len(PARTS):
        place = part_file(folder, number, Label.SKIN).parent
        what = "no mask at all" if is_there(place) else f"no mask at all: the folder {place.name} is missing"
        raise InputError(what, where=place)
    if not ids.any():
        raise InputError("all its masks are empty", where=part_file(folder, number, Label.SKIN).parent)
    odd += [f"no mask of the {_spelled(part)}" for part in _EVERY_FACE if part in missing]
    if all(part in missing for part in _EYES):
        odd.append("no mask of an eye, nor of eyeglasses")
    return LabelMap(ids), tuple(dict.fromkeys(odd))


def _read(path: Path) -> NDArray[np.bool_]:
    image = load_image(read_file(path), str(path))
    if image.width != image.height:
        raise InputError(f"the mask is {image.width}×{image.height}, masks are square", where=path)
    if image.mode in ("1", "L", "I", "I;16"):
        pixels: NDArray[Any] = np.asarray(image)
    else:
        pixels = np.asarray(image.convert("RGB"))[..., 2]  # g_mask.py looks at the blue channel
    return np.asarray(pixels != 0)


def _scaled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask at SIZE×SIZE: the value under the centre of each new pixel."""
    at = ((np.arange(SIZE) + 0.5) * len(mask) / SIZE).astype(np.intp)
    return mask[at[:, None], at[None, :]]


def _spelled(part: Label) -> str:
    return _SPELLED.get(part, part.name.lower())
