"""Photos as one picture that moves."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from PIL import ExifTags, Image

from facesynth.core.errors import ImageError, OutputError
from facesynth.core.image_files import load_image
from facesynth.core.images import Photo

SUFFIX = ".webp"
"""Of the file's name.

Animated WebP, because browsers and most viewers play it and it keeps 24-bit colour. GIF is played everywhere, but
dithers faces to 256 colours; APNG is exact, but many viewers show its first frame alone. Eight painted faces there and
back, 14 frames of 128 pixels: WebP 77 KB and 1.6 levels off, GIF 214 KB and 1.9, APNG 367 KB.
"""

_LONGEST_SIDE = 16383
_QUALITY = 95
_TAGS: Mapping[str, int] = MappingProxyType(
    {"Software": ExifTags.Base.Software, "Synthetic": ExifTags.Base.ImageDescription}
)
"""Where EXIF, which a WebP has in place of PNG's text, holds what pictures say of themselves."""


def encode_animation(
    frames: Sequence[Photo], milliseconds: Sequence[int], text: Mapping[str, str] | None = None
) -> bytes:
    """Encode photos of one size as an animated WebP that starts over for ever, each shown for so many milliseconds.

    `text` is written as EXIF: `Software`, and `Synthetic` as the description, of ASCII letters; `animation_text` reads
    it. The same frames give the same bytes. Raises OutputError for a side of more than 16383 pixels.
    """
    if not frames or len(frames) != len(milliseconds) or len({frame.size for frame in frames}) > 1:
        raise ValueError("an animation has frames of one size, and a time for each")
    if max(frames[0].size) > _LONGEST_SIDE:
        raise OutputError(f"a WebP's sides have at most {_LONGEST_SIDE} pixels, not {max(frames[0].size)}")
    exif = Image.Exif()
    for key, value in (text or {}).items():
        exif[_TAGS[key]] = value
    first, *others = [Image.fromarray(frame.pixels) for frame in frames]
    stream = io.BytesIO()
    try:
        first.save(
            stream, "WEBP", save_all=True, append_images=others, duration=list(milliseconds), loop=0, quality=_QUALITY,
            exif=exif,
        )  # fmt: skip
    except (KeyError, OSError) as error:  # what Pillow says where it was built without animated WebP
        raise OutputError(
            f"this Pillow writes no animated WebP ({error})", hint="run: pip install -U pillow"
        ) from error
    return stream.getvalue()


def animation_text(data: bytes, where: str) -> dict[str, str]:
    """What an animation says of itself, as `encode_animation` was told it. Raises ImageError for what is no image."""
    image = load_image(data, where, upright=False)
    try:
        exif = image.getexif()
    except Exception as error:  # damaged EXIF raises whatever it likes
        raise ImageError(f"its EXIF data are damaged ({error})", where=where) from error
    return {key: str(exif[tag]) for key, tag in _TAGS.items() if tag in exif}
