"""Whether a label map belongs to an image of another size, and whether training takes the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_ASPECT = 0.01
"""Share by which the aspects of an image and its label map may differ: sizes are whole numbers."""


def fits(image: tuple[int, int], labels: tuple[int, int]) -> bool:
    """Whether a label map has the shape of its image, both (width, height), whatever their scale."""
    return abs(image[0] * labels[1] / (image[1] * labels[0]) - 1) <= _ASPECT


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which file of a pair training does not take, and why."""

    part: Literal["image", "labels"]
    why: str


def training_refuses(image: tuple[int, int], labels: tuple[int, int]) -> Refusal | None:
    """Why training does not take an image and its label map, both (width, height): it takes squares of any sizes."""
    if image[0] != image[1]:
        return Refusal("image", f"training faces are square, this one is {image[0]}×{image[1]}")
    if labels[0] != labels[1]:
        return Refusal("labels", f"the label map is {labels[0]}×{labels[1]}, its face is square")
    return None
