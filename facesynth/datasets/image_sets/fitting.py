"""From a photo of any size to the square that training takes."""

from __future__ import annotations

from facesynth.core.errors import InputError
from facesynth.core.images import Photo
from facesynth.datasets.image_sets.sets import Fit


def fitted(photo: Photo, size: int, fit: Fit, where: str) -> Photo:
    """The photo at size×size: as it is (exact), or its centre square resized with antialiasing (crop).

    InputError names an image of another size that is to be taken as it is.
    """
    if photo.size == (size, size):
        return photo
    if fit == "exact":
        what = f"the image is {photo.width}×{photo.height}, training is at {size}×{size}"
        hint = "--set data.fit=crop takes the centre square of each image and resizes it"
        raise InputError(what, where=where, hint=hint)
    side = min(photo.size)
    left, top = (photo.width - side) // 2, (photo.height - side) // 2
    square = Photo(photo.pixels[top : top + side, left : left + side])
    return square.resized(size, size)
