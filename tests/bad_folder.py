"""A folder of everything that goes wrong with photos, and what has to become of each file."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesynth.core.images import Photo


@dataclass(frozen=True)
class Expected:
    """What has to become of one file: its outcome, words of the reason, and how many faces are in it."""

    outcome: Literal["done", "rejected", "failed"]
    reason: str = ""
    faces: int = 0


# How an upright image is turned to be stored under each EXIF orientation.
STORED_TURN = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def make_bad_folder(folder: Path, face: Photo | None) -> dict[str, Expected]:
    """Fill `folder` and return what to expect by relative path ("/" between folders).

    `face` shows one face; without it a drawing takes its place, and all that can be read is "rejected". Whoever runs
    as root may read the unreadable file, and it is expected to be done.
    """
    photo = face or drawing()
    image = Image.fromarray(photo.pixels)
    readable = Expected("done", faces=1) if face else Expected("rejected", "no face")
    both = Expected("done", faces=2) if face else readable
    expected: dict[str, Expected] = {}

    def put(name: str, data: bytes, outcome: Expected) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        expected[name] = outcome
        return path

    png, jpeg = encoded(image, "PNG"), encoded(image, "JPEG", quality=92)
    put("good.png", png, readable)
    put("truncated.jpg", jpeg[: len(jpeg) * 2 // 3], Expected("failed", "truncated"))
    put("text.png", b"not a picture, whatever the name says\n", Expected("failed", "not an image"))
    put("empty.jpg", b"", Expected("failed", "empty"))
    put("huge.png", png_file(40_000, 40_000, depth=8, colour_type=2, rows=b""), Expected("failed", "million pixels"))
    put("sixteen-bit.png", sixteen_bit_png(photo.pixels), readable)
    put("sixteen-bit-grey.png", sixteen_bit_png(np.asarray(image.convert("L"))), readable)
    put("cmyk.jpg", encoded(image.convert("CMYK"), "JPEG", quality=92), readable)
    put("grey.jpg", encoded(image.convert("L"), "JPEG", quality=92), readable)
    put("palette-alpha.png", palette_with_alpha(image), readable)
    negative = Image.fromarray(255 - photo.pixels)
    put("animated.gif", encoded(image, "GIF", save_all=True, append_images=[negative], duration=100), readable)
    for orientation in STORED_TURN:
        put(f"exif/orientation-{orientation}.jpg", turned_jpeg(image, orientation), readable)
    put("no-face.png", encoded(Image.fromarray(drawing().pixels), "PNG"), Expected("rejected", "no face"))
    put("two-faces.png", encoded(Image.fromarray(np.hstack([photo.pixels, photo.pixels])), "PNG"), both)
    put("twice.jpg", jpeg, readable)
    put("twice.png", png, readable)
    put("a/same.png", png, readable)
    put("b/same.png", png, readable)
    put("ünïcode näme 顔.png", png, readable)
    put("two words/two words.jpg", jpeg, readable)
    locked = put("locked.png", png, readable)
    locked.chmod(0)
    if not os.access(locked, os.R_OK):
        expected["locked.png"] = Expected("failed", "cannot be read")
    (folder / "notes.txt").write_text("a folder of photos may hold other things\n")
    (folder / ".hidden.png").write_bytes(png)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "a" / "loop").symlink_to("..", target_is_directory=True)
    (folder / "dangling.png").symlink_to("nowhere.png")
    expected["dangling.png"] = Expected("failed", "cannot be read")
    return expected


def drawing(width: int = 120, height: int = 80) -> Photo:
    """An image without a face, different in each corner: smooth, so that lossy formats keep it."""
    across, down = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    return Photo(np.stack([across + 30, down + 40, (across + down) / 2], axis=2).astype(np.uint8))


def encoded(image: Image.Image, format: str, **options: object) -> bytes:  # noqa: A002 - Pillow's word
    """An image file's bytes, written by Pillow."""
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def turned_jpeg(image: Image.Image, orientation: int, *, quality: int = 92) -> bytes:
    """A JPEG whose pixels lie as a camera stores them under an EXIF orientation 1..8."""
    turn = STORED_TURN[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = image if turn is None else image.transpose(turn)
    return encoded(stored, "JPEG", quality=quality, subsampling=0, exif=exif)


def palette_with_alpha(image: Image.Image) -> bytes:
    """A palette PNG with a transparent frame of four pixels."""
    indexed = image.quantize(255)
    palette = indexed.getpalette() or []
    framed = np.full((image.height, image.width), 255, dtype=np.uint8)
    framed[4:-4, 4:-4] = np.asarray(indexed)[4:-4, 4:-4]
    result = Image.fromarray(framed)
    result.putpalette(palette[: 255 * 3] + [0] * (256 * 3 - len(palette[: 255 * 3])))
    return encoded(result, "PNG", transparency=b"\xff" * 255 + b"\x00")


def sixteen_bit_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG with 16 bits a sample, grey (H×W) or RGB (H×W×3), that means the same as the 8-bit `pixels`."""
    height, width = pixels.shape[:2]
    samples = (pixels.astype(np.uint16) * 257).astype(">u2").reshape(height, -1)
    rows = b"".join(b"\x00" + row.tobytes() for row in samples)
    return png_file(width, height, depth=16, colour_type=0 if pixels.ndim == 2 else 2, rows=rows)


def png_file(
    width: int,
    height: int,
    *,
    depth: int,
    colour_type: int,
    rows: bytes,
    chunks: Mapping[bytes, bytes] | None = None,
) -> bytes:
    """A PNG from its parts: `rows` are the filtered scanlines, `chunks` go between header and data (PLTE, tRNS)."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    extra = b"".join(chunk(kind, body) for kind, body in (chunks or {}).items())
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + extra
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
