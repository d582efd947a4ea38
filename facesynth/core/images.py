"""The photo that is always valid: pixels as a person sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesynth.core.errors import ImageError


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """An image: `pixels` is H×W×3 uint8, sRGB, upright, contiguous and read-only.

    Raises ImageError for any other array. The array is copied unless it is read-only and owns its data.
    """

    pixels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        pixels: NDArray[Any] = np.asarray(self.pixels)
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.size == 0 or pixels.dtype != np.uint8:
            raise ImageError(f"a photo is H×W×3 uint8, this array is {pixels.dtype} of shape {pixels.shape}")
        if pixels.flags.writeable or pixels.base is not None or not pixels.flags.c_contiguous:
            pixels = np.array(pixels, order="C")
            pixels.setflags(write=False)
        object.__setattr__(self, "pixels", pixels)

    def __reduce__(self) -> tuple[object, ...]:
        # numpy forgets read-only when it pickles; going through the constructor sets it again.
        return Photo, (self.pixels,)

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), as Pillow orders it."""
        return self.width, self.height

    def flip(self) -> Photo:
        """Mirror left and right."""
        return Photo(self.pixels[:, ::-1])

    def resized(self, width: int, height: int) -> Photo:
        """Return the photo at another size in pixels, antialiased (Lanczos, radius 3)."""
        if (width, height) == self.size:
            return self
        return Photo(np.asarray(Image.fromarray(self.pixels).resize((width, height), Image.Resampling.LANCZOS)))
