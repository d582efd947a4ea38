"""What a picture's header says before anything of it is decoded."""

from __future__ import annotations

from facesynth.core.image_files import announced_size
from facesynth.serving.problems import Problem
from facesynth.serving.settings import Limits
from facesynth.serving.worker.tasks import PhotoFile


def photo_file(data: bytes, where: str, limits: Limits) -> PhotoFile:
    """A photo's bytes, to be decoded by a worker. Raises Problem `too-many-pixels` by what its header announces."""
    check_pixels(data, where, limits.photo_pixels)
    return PhotoFile(data, where, limits.photo_pixels)


def check_pixels(data: bytes, where: str, most: int) -> None:
    """Raise Problem `too-many-pixels` where a header announces more; what is no image is refused when it is decoded."""
    size = announced_size(data)
    if size is not None and size[0] * size[1] > most:
        what = f"{size[0]}×{size[1]} is more than {most:,} pixels"
        raise Problem("too-many-pixels", what, where=where, hint="scale it down first")
