"""The one place where image bytes become pixels, and pixels PNG files."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from PIL import ExifTags, Image, ImageCms, PngImagePlugin, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from facesynth.core.errors import ImageError, OutputError
from facesynth.core.files import read_file, replacing
from facesynth.core.images import Photo

Colour = tuple[int, int, int]

MAX_PIXELS = 200_000_000
"""Pixels that a header may announce; decoded, that many take 600 MB."""

_MAX_PNG_TEXT = 1 << 24

_PNG_HEAD = 33
"""Bytes of a PNG's signature and header: what comes next may be text."""


IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
)
"""File names that a folder is searched for, in lower case."""

SYNTHETIC_TEXT: Mapping[str, str] = MappingProxyType(
    {"Software": "facesynth", "Synthetic": "painted by a neural network; not a photograph of a person"}
)
"""What every painted face says about itself in its PNG text."""

# Formats of photos only: Pillow also opens PostScript (by starting a program), fonts' bitmaps and scientific grids.
_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000")
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})

_UPRIGHT: Mapping[int, Image.Transpose] = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)

_opening = threading.Lock()


def read_photo(path: Path, *, background: Colour = (255, 255, 255)) -> Photo:
    """Read an image file as a person sees it; `decode_photo` says how. ImageError names the file and the fault."""
    return decode_photo(read_file(path), str(path), background=background)


def decode_photo(data: bytes, where: str, *, background: Colour = (255, 255, 255), upright: bool = True) -> Photo:
    """Decode an image file's bytes: first frame, EXIF upright, embedded profile to sRGB, alpha over `background`.

    Without `upright` the pixels lie as the file stores them, whatever its EXIF says (PNG and JPEG alone). 16-bit
    samples become 8-bit (v / 257, rounded). `where` names the file in errors. Raises ImageError.
    """
    image = load_image(data, where, upright=upright)
    try:
        return Photo(np.asarray(_flat_srgb(_eight_bit(image, where), background, image.info.get("icc_profile"))))
    except (OSError, ValueError, MemoryError) as error:
        raise ImageError(f"this {image.mode} image cannot be converted to RGB ({error})", where=where) from error


def load_image(data: bytes, where: str, *, upright: bool = True) -> Image.Image:
    """Decode bytes to a Pillow image in its own mode, first frame, upright; ImageError says why not."""
    if not data:
        raise ImageError("the file is empty", where=where)
    try:
        image = _open(data, where)
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise ImageError(
                f"{width}×{height} is more than {MAX_PIXELS // 1_000_000} million pixels",
                where=where,
                hint="scale it down first",
            )
        image.load()
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("not an image in a format that facesynth reads", where=where) from None
    except Exception as error:  # Pillow's decoders raise whatever a damaged file leads them to
        truncated = isinstance(error, EOFError) or "truncated" in str(error).lower()
        fault = "the file is truncated" if truncated else f"the file is damaged ({str(error) or type(error).__name__})"
        raise ImageError(fault, where=where) from error
    # Only after load(): the TIFF and HEIF readers turn the image themselves and then drop the tag.
    turn = _UPRIGHT.get(_orientation(image))
    if turn is None or not upright:
        return image
    turned = image.transpose(turn)
    turned.info = image.info
    return turned


def announced_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) as an image file's header says, None where it says nothing that can be read.

    Nothing is decoded, and no size is refused. Safe in threads.
    """
    try:
        return _open(data, "").size
    except Exception:  # noqa: BLE001 - damaged headers raise whatever they lead Pillow to
        return None


def encode_png(photo: Photo, text: Mapping[str, str] | None = None) -> bytes:
    """Encode a photo as an RGB PNG with `text` in its text chunks; the same photo and text give the same bytes."""
    import cv2

    # Pillow looks for the best filter of each row. With one filter and runs alone a photo is as small, is encoded in
    # half the time, and decoded in half of it too, by everybody.
    how = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]
    written, data = cv2.imencode(".png", cv2.cvtColor(photo.pixels, cv2.COLOR_RGB2BGR), how)
    if not written:
        raise OutputError(f"a picture of {photo.width}×{photo.height} cannot be written as PNG")
    file, stream = data.tobytes(), io.BytesIO()
    stream.write(file[:_PNG_HEAD])
    for kind, content, *_ in _text_chunks(text).chunks:
        PngImagePlugin.putchunk(stream, kind, content)
    stream.write(file[_PNG_HEAD:])
    return stream.getvalue()


def png_bytes(image: Image.Image, text: Mapping[str, str] | None = None) -> bytes:
    """Encode a Pillow image as PNG, its text chunks in the order of their keys."""
    stream = io.BytesIO()
    # Level 2 takes a quarter of the time of level 6 and makes a photo a tenth larger.
    image.save(stream, "PNG", pnginfo=_text_chunks(text), compress_level=2)
    return stream.getvalue()


def _text_chunks(text: Mapping[str, str] | None) -> PngInfo:
    chunks = PngInfo()
    for key, value in sorted((text or {}).items()):
        chunks.add_text(key, value)
    return chunks


def write_photo(photo: Photo, path: Path, text: Mapping[str, str] | None = None) -> None:
    """Write a photo as PNG in one step: nobody ever sees half a file. OutputError when it cannot be written."""
    write_png(encode_png(photo, text), path)


def write_png(data: bytes, path: Path) -> None:
    """Publish bytes under a name that ends in .png by one rename; missing folders are made."""
    if path.suffix.lower() != ".png":
        raise OutputError("images are written as PNG", where=path, hint="give a name that ends in .png")
    with replacing(path) as draft:
        draft.write_bytes(data)


def _open(data: bytes, where: str) -> Image.Image:
    # Some of FFHQ's files hold colour profiles of more than the megabyte that Pillow takes by itself.
    PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, _MAX_PNG_TEXT)
    Image.init()  # once: which formats Pillow can open depends on its version (AVIF since 11.3)
    formats = [name for name in _FORMATS if name in Image.OPEN]
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS and b"avif" not in data[8:64]:
        formats = [_register_heif(where)]
    # Pillow's own guard warns at 90 and stops at 179 million pixels; ours is MAX_PIXELS. The lock keeps two of
    # our threads from restoring each other's None; only the header is read under it.
    with _opening:
        guard, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            return Image.open(io.BytesIO(data), formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = guard


def _register_heif(where: str) -> str:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise ImageError(
            "a HEIC image, and pillow-heif is not installed", where=where, hint='run: pip install "facesynth[heic]"'
        ) from None
    register_heif_opener()
    return "HEIF"


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF raises whatever it likes, and leaves the pixels usable
        return 1


def _eight_bit(image: Image.Image, where: str) -> Image.Image:
    """Scale 16-bit grey, which Pillow would clip; its readers have scaled 16-bit colour already."""
    if image.mode.startswith("I;16"):
        samples = np.asarray(image).astype(np.uint32)
        return Image.fromarray(((samples + 128) // 257).astype(np.uint8))
    if image.mode in ("I", "F"):
        raise ImageError(
            "32-bit samples have no agreed black and white", where=where, hint="save it with 8 or 16 bits a sample"
        )
    return image


def _flat_srgb(image: Image.Image, background: Colour, profile: bytes | None) -> Image.Image:
    if not image.has_transparency_data:
        return _srgb(image, profile)
    layer = image.convert("RGBA")
    colour = _srgb(layer.convert("RGB"), profile)
    colour.putalpha(layer.getchannel("A"))
    return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), colour).convert("RGB")


def _srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB by the embedded profile where it fits the image, else as if it were sRGB."""
    if image.mode not in ("RGB", "L", "CMYK"):
        image = image.convert("RGB")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # an unreadable profile, or one for another kind of image: viewers ignore it too
    return image.convert("RGB")
