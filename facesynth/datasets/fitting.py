"""Whether a label map belongs to an image of another size."""

from __future__ import annotations

_ASPECT = 0.01
"""Share by which the aspects of an image and its label map may differ: sizes are whole numbers."""


def fits(image: tuple[int, int], labels: tuple[int, int]) -> bool:
    """Whether a label map has the shape of its image, both (width, height), whatever their scale."""
    return abs(image[0] * labels[1] / (image[1] * labels[0]) - 1) <= _ASPECT
