"""The one place where label map files are read and written. Nothing here guesses: what is ambiguous is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facesynth.core.errors import ImageError, LabelMapError
from facesynth.core.files import read_file
from facesynth.core.image_files import load_image, png_bytes, write_png
from facesynth.core.labels import NUM_LABELS, PALETTE, SCHEMAS, STANDARD, LabelMap, schema_named

SCHEMA_KEY = "LabelSchema"
"""PNG text chunk that names the order of the ids in the file."""

LABEL_SUFFIXES = frozenset({".png"})
"""File names that a folder of label maps is searched for."""

_PNG = b"\x89PNG\r\n\x1a\n"
_GREY, _TRUECOLOUR, _INDEXED, _TRUECOLOUR_ALPHA = 0, 2, 3, 6  # colour types of the PNG header
_HEADER_BYTES = 26  # up to and with the colour type


def read_label_map(path: Path, *, schema: str | None = None, size: tuple[int, int] | None = None) -> LabelMap:
    """Read a label map file; `decode_label_map` says what is accepted. ImageError or LabelMapError names the file."""
    return decode_label_map(read_file(path), str(path), schema=schema, size=size)


def decode_label_map(
    data: bytes, where: str, *, schema: str | None = None, size: tuple[int, int] | None = None
) -> LabelMap:
    """Decode a label map PNG: ids (palette or grey, 8 or 16 bits), or exactly the PALETTE's colours (RGB, RGBA).

    `schema` names the order of ids; without it the file's own `LabelSchema` chunk counts, else CelebAMask-HQ's.
    Colours name classes, so they need no schema. `size` is the (width, height) that the map must have.
    Raises ImageError for a damaged file; LabelMapError, with pixel and value, for wrong values, colours, size, schema.
    """
    if schema is not None:
        schema_named(schema)
    image = _load_png(data, where)
    if size is not None and image.size != size:
        raise LabelMapError(
            f"the label map is {_by(image.size)}, expected {_by(size)}", where=where, hint="scale it by nearest"
        )
    if image.mode in ("RGB", "RGBA"):
        return LabelMap(_ids_of_colours(np.asarray(image), where))
    schema = _schema_of(image, schema, where)
    ids = np.asarray(image)
    _check_values(ids, where)
    if image.mode == "P":
        _check_palette(ids, _palette(image), schema, where)
    return LabelMap.from_ids(ids, schema)


def encode_label_map(labels: LabelMap, *, schema: str = STANDARD, text: Mapping[str, str] | None = None) -> bytes:
    """Encode as palette PNG: indices are ids of `schema`, colours are the classes'; same map and text, same bytes."""
    order = schema_named(schema).to_standard
    image = Image.fromarray(labels.to_ids(schema))
    image.putpalette(PALETTE[order].tobytes())
    return png_bytes(image, {**(text or {}), SCHEMA_KEY: schema})


def write_label_map(
    labels: LabelMap, path: Path, *, schema: str = STANDARD, text: Mapping[str, str] | None = None
) -> None:
    """Write a label map as palette PNG by one rename. OutputError when it cannot be written."""
    write_png(encode_label_map(labels, schema=schema, text=text), path)


def looks_like_label_map(data: bytes) -> bool:
    """Tell whether bytes are meant as a label map rather than a photo.

    True for a palette PNG and for a PNG with one channel when all its values are labels, and for a palette PNG in
    the PALETTE's colours or with a schema whatever its values, so that a wrong value is refused by name.
    """
    if not _may_hold_ids(data):
        return False
    try:
        image = _load_png(data, "")
    except (ImageError, LabelMapError):
        return False
    if image.mode == "P" and (SCHEMA_KEY in image.info or np.array_equal(_palette(image)[:NUM_LABELS], PALETTE)):
        return True
    return bool(np.asarray(image).max() < NUM_LABELS)


def holds_label_map(path: Path) -> bool:
    """`looks_like_label_map` of a file; of most photos only the header is read. ImageError when it cannot be read."""
    with contextlib.suppress(OSError):  # what is wrong is said when the file is read as a whole
        if path.is_file():  # opening a pipe would wait for ever
            with path.open("rb") as stream:
                if not _may_hold_ids(stream.read(_HEADER_BYTES)):
                    return False
    return looks_like_label_map(read_file(path))


def _may_hold_ids(start: bytes) -> bool:
    """Whether a file that starts so is a PNG with a palette, or with one channel of 8 or 16 bits."""
    if not start.startswith(_PNG) or len(start) < _HEADER_BYTES:
        return False
    depth, colour_type = start[24], start[25]
    return colour_type == _INDEXED or (colour_type == _GREY and depth >= 8)


def _load_png(data: bytes, where: str) -> Image.Image:
    """Decode a PNG whose samples Pillow hands over unchanged: P, L, I;16, RGB or RGBA."""
    if data.startswith(b"\xff\xd8"):
        raise LabelMapError(
            "a JPEG cannot hold a label map: its values are approximate", where=where, hint="save label maps as PNG"
        )
    image = load_image(data, where)
    if not data.startswith(_PNG):
        raise LabelMapError("not a PNG", where=where, hint="save label maps as PNG")
    depth, colour_type = data[24], data[25]
    if colour_type == _GREY and depth < 8:
        # Pillow stretches these to 0..255 (a 4-bit 1 becomes 17), and whether 1 or 17 was meant is not in the file.
        raise LabelMapError(f"grey of {depth} bits does not hold labels", where=where, hint="save it with 8 bits")
    if colour_type in (_TRUECOLOUR, _TRUECOLOUR_ALPHA) and depth != 8:
        raise LabelMapError(f"{depth} bits a channel, the palette's colours have 8", where=where)
    if image.mode not in ("P", "L", "I;16", "RGB", "RGBA"):
        raise LabelMapError(
            f"a label map has one channel of ids or colours, this is {image.mode}", where=where, hint="remove the alpha"
        )
    return image


def _schema_of(image: Image.Image, asked: str | None, where: str) -> str:
    named = image.info.get(SCHEMA_KEY)
    if named is None:
        return asked or STANDARD
    if asked is not None and asked != named:
        raise LabelMapError(
            f"the file says that its ids are in the order {named!r}, not {asked!r}",
            where=where,
            hint="leave the schema out: the file names its own",
        )
    if named not in SCHEMAS:
        raise LabelMapError(
            f"the file names the unknown label schema {named!r}", where=where, hint=f"known are {', '.join(SCHEMAS)}"
        )
    return str(named)


def _palette(image: Image.Image) -> NDArray[np.uint8]:
    return np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)


def _check_values(ids: NDArray[Any], where: str) -> None:
    wrong = ids >= NUM_LABELS
    if wrong.any():
        x, y = _first(wrong)
        raise LabelMapError(
            f"pixel (x={x}, y={y}) holds {ids[y, x]}, labels are 0 to {NUM_LABELS - 1}",
            where=where,
            hint="if 255 marks foreground or 'ignore', convert the map first",
        )


def _check_palette(ids: NDArray[Any], palette: NDArray[np.uint8], schema: str, where: str) -> None:
    """Refuse a map that says one class by its index and another by its colour.

    Programs that save or shrink indexed images may re-order the palette: then the colours are right and the indices
    are not. A palette that has other colours than ours says nothing about classes, and the indices count.
    """
    used = np.unique(ids)
    if used.max() >= len(palette):
        x, y = _first(ids >= len(palette))
        raise LabelMapError(f"pixel (x={x}, y={y}) holds {ids[y, x]}, beyond the file's palette", where=where)
    colours = palette[used]
    meant = schema_named(schema).to_standard
    if np.array_equal(colours, PALETTE[meant[used]]) or np.array_equal(colours, PALETTE[used]):
        return
    shown = _labels_of(colours)
    if (shown < NUM_LABELS).all():
        at = int(np.argmax(shown != meant[used]))
        x, y = _first(ids == used[at])
        raise LabelMapError(
            f"pixel (x={x}, y={y}) has index {used[at]} but the colour of label {shown[at]}",
            where=where,
            hint="its palette was re-ordered: save the map as RGB if the colours are right, as grey if the indices are",
        )


def _ids_of_colours(pixels: NDArray[np.uint8], where: str) -> NDArray[np.uint8]:
    if pixels.shape[2] == 4 and (pixels[..., 3] != 255).any():
        x, y = _first(pixels[..., 3] != 255)
        raise LabelMapError(f"pixel (x={x}, y={y}) is transparent (alpha {pixels[y, x, 3]})", where=where)
    ids = _labels_of(pixels[..., :3])
    unknown = ids == NUM_LABELS
    if unknown.any():
        x, y = _first(unknown)
        colour = tuple(int(channel) for channel in pixels[y, x, :3])
        raise LabelMapError(
            f"pixel (x={x}, y={y}) has the colour {colour}, which is no label's",
            where=where,
            hint="colours must be exact: paint and scale without smoothing, or save a single channel of ids",
        )
    return ids


def _labels_of(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """…×3 colours → … uint8 labels, NUM_LABELS where a colour is none of the PALETTE's."""
    order = np.argsort(_packed(PALETTE)).astype(np.uint8)
    keys, sought = _packed(PALETTE)[order], _packed(colours)
    place = np.minimum(np.searchsorted(keys, sought), NUM_LABELS - 1)
    return np.where(keys[place] == sought, order[place], np.uint8(NUM_LABELS))


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.int64]:
    wide = colours.astype(np.int64)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


def _first(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """(x, y) of the first true pixel, row by row."""
    y, x = np.unravel_index(int(mask.argmax()), mask.shape)
    return int(x), int(y)


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
