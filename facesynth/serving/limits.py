"""What a picture's header says before anything of it is decoded."""

from __future__ import annotations

import io
import warnings

from PIL import Image, UnidentifiedImageError

from facesynth.serving.problems import Problem
from facesynth.serving.settings import Limits
from facesynth.serving.worker.tasks import PhotoFile

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000")


def photo_file(data: bytes, where: str, limits: Limits) -> PhotoFile:
    """A photo's bytes, to be decoded by a worker. Raises Problem `too-many-pixels` by what its header announces."""
    check_pixels(data, where, limits.photo_pixels)
    return PhotoFile(data, where, limits.photo_pixels)


def check_pixels(data: bytes, where: str, most: int) -> None:
    """Raise Problem `too-many-pixels` where a header announces more; what is no image is refused when it is decoded."""
    size = _announced(data)
    if size is not None and size[0] * size[1] > most:
        what = f"{size[0]}×{size[1]} is more than {most:,} pixels"
        raise Problem("too-many-pixels", what, where=where, hint="scale it down first")


def _announced(data: bytes) -> tuple[int, int] | None:
    """(width, height) as the header says, None where it says nothing that can be read."""
    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(data), formats=[name for name in _FORMATS if name in Image.OPEN]).size
    except Image.DecompressionBombError:
        return (1 << 30, 1 << 30)
    except UnidentifiedImageError:
        return None
    except Exception:  # noqa: BLE001 - damaged headers raise whatever they lead Pillow to
        return None
