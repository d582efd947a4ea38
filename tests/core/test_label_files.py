from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from facesynth.core import label_files
from facesynth.core.errors import ImageError, LabelMapError, UsageError
from facesynth.core.image_files import encode_png
from facesynth.core.label_files import (
    SCHEMA_KEY,
    decode_label_map,
    encode_label_map,
    holds_label_map,
    looks_like_label_map,
    read_label_map,
    write_label_map,
)
from facesynth.core.labels import NUM_LABELS, PALETTE, SCHEMAS, STANDARD, LabelMap
from tests.bad_folder import drawing, encoded, palette_with_alpha, png_file

Ids = NDArray[np.uint8]
ids_arrays = arrays.arrays(
    np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, NUM_LABELS - 1)
)
schema_names = st.sampled_from(sorted(SCHEMAS))

ALL = np.arange(NUM_LABELS, dtype=np.uint8).reshape(1, NUM_LABELS)  # one pixel of each label, in order
FOREIGN = sorted(set(SCHEMAS) - {STANDARD})


def palette_image(ids: Ids, colours: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(ids)
    image.putpalette(colours.tobytes())
    return image


def png(image: Image.Image, **options: object) -> bytes:
    return encoded(image, "PNG", **options)


def ids_of(data: bytes, schema: str | None = None) -> list[list[int]]:
    return [[int(label) for label in row] for row in decode_label_map(data, "x", schema=schema).ids]


@given(ids_arrays, schema_names)
def test_what_is_written_is_read_whatever_the_schema(ids: Ids, schema: str) -> None:
    data = encode_label_map(LabelMap(ids), schema=schema)
    assert np.array_equal(decode_label_map(data, "x").ids, ids)
    assert np.array_equal(decode_label_map(data, "x", schema=schema).ids, ids)
    assert encode_label_map(LabelMap(ids.copy()), schema=schema) == data
    assert looks_like_label_map(data)


@given(ids_arrays, schema_names)
def test_a_written_map_looks_the_same_in_any_viewer(ids: Ids, schema: str) -> None:
    image = Image.open(io.BytesIO(encode_label_map(LabelMap(ids), schema=schema)))
    assert image.mode == "P"
    assert np.array_equal(np.asarray(image), LabelMap(ids).to_ids(schema))
    assert np.array_equal(np.asarray(image.convert("RGB")), PALETTE[ids])


@given(ids_arrays, schema_names)
def test_every_kind_of_file_gives_the_same_map(ids: Ids, schema: str) -> None:
    foreign = LabelMap(ids).to_ids(schema)
    grey_ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    indices = [
        png(Image.fromarray(foreign)),
        png(Image.fromarray(foreign.astype(np.uint16))),
        png(palette_image(foreign, grey_ramp)),
        png(palette_image(foreign, PALETTE[SCHEMAS[schema].to_standard])),
        png(palette_image(foreign, PALETTE)),
        png(palette_image(foreign, grey_ramp), transparency=0),
    ]
    colours = Image.fromarray(PALETTE[ids])
    rgba = colours.copy()
    rgba.putalpha(255)
    for data in (*indices, png(colours), png(rgba)):
        assert np.array_equal(decode_label_map(data, "x", schema=schema).ids, ids)


def test_ids_alone_are_in_celebamask_order_and_not_guessed() -> None:
    assert ids_of(png(Image.fromarray(ALL))) == ALL.tolist()
    for schema in FOREIGN:
        assert ids_of(png(Image.fromarray(ALL)), schema=schema) == [SCHEMAS[schema].to_standard.tolist()]


def test_the_schema_in_the_file_wins_over_the_default_and_is_not_contradicted() -> None:
    data = encode_label_map(LabelMap(ALL), schema="facer")
    assert Image.open(io.BytesIO(data)).info[SCHEMA_KEY] == "facer"
    assert ids_of(data) == ALL.tolist()
    for other in sorted(set(SCHEMAS) - {"facer"}):
        with pytest.raises(LabelMapError, match=f"in the order 'facer', not '{other}'"):
            decode_label_map(data, "x", schema=other)


def test_unknown_schemas_are_refused_in_the_call_and_in_the_file() -> None:
    with pytest.raises(UsageError, match="lapa"):
        decode_label_map(png(Image.fromarray(ALL)), "x", schema="lapa")
    with pytest.raises(UsageError, match="lapa"):
        encode_label_map(LabelMap(ALL), schema="lapa")
    named = PngInfo()
    named.add_text(SCHEMA_KEY, "lapa")
    with pytest.raises(LabelMapError, match="'lapa'"):
        decode_label_map(png(Image.fromarray(ALL), pnginfo=named), "x")


@given(st.permutations(range(NUM_LABELS)))
def test_a_palette_in_another_order_is_never_silently_re_ordered(order: list[int]) -> None:
    """What a program that re-sorts palettes leaves behind: right colours, other indices."""
    data = png(palette_image(ALL, PALETTE[order]))
    if order == sorted(order):
        assert ids_of(data) == ALL.tolist()
        return
    x = next(index for index, label in enumerate(order) if index != label)
    with pytest.raises(LabelMapError, match=rf"pixel \(x={x}, y=0\) has index {x} but the colour of label {order[x]}"):
        decode_label_map(data, "x")


def test_few_labels_are_stored_in_few_bits_and_read_right() -> None:
    for count in (2, 4, 16):
        ids = np.arange(count, dtype=np.uint8)[None]
        data = encode_label_map(LabelMap(ids))
        assert ids_of(data) == ids.tolist()
        assert ids_of(png(palette_image(ids, PALETTE[:count]))) == ids.tolist()


@pytest.mark.parametrize("value", [19, 100, 255])
@pytest.mark.parametrize("mode", ["P", "L", "I;16"])
def test_a_wrong_id_is_named_by_file_pixel_and_value(mode: str, value: int) -> None:
    ids = np.zeros((4, 5), np.uint8)
    ids[2, 3] = ids[3, 0] = value
    full = np.zeros((256, 3), np.uint8)
    image = {
        "P": palette_image(ids, full),
        "L": Image.fromarray(ids),
        "I;16": Image.fromarray(ids.astype(np.uint16)),
    }[mode]
    with pytest.raises(LabelMapError, match=rf"^a/b\.png: pixel \(x=3, y=2\) holds {value}, labels are 0 to 18"):
        decode_label_map(png(image), "a/b.png")


@pytest.mark.parametrize("colour", [(204, 0, 1), (1, 1, 1), (255, 255, 255), (0, 0, 205)])
def test_an_unknown_colour_is_named_by_file_pixel_and_value(colour: tuple[int, int, int]) -> None:
    pixels = np.zeros((4, 5, 3), np.uint8)
    pixels[1, 2] = colour
    for mode in ("RGB", "RGBA"):
        with pytest.raises(LabelMapError) as caught:
            decode_label_map(png(Image.fromarray(pixels).convert(mode)), "a/b.png")
        assert str(caught.value).startswith(f"a/b.png: pixel (x=2, y=1) has the colour {colour}, which is no label's")


def test_a_transparent_pixel_has_no_colour() -> None:
    pixels = np.full((2, 3, 4), 255, np.uint8)
    pixels[..., :3] = PALETTE[1]
    pixels[1, 2, 3] = 254
    with pytest.raises(LabelMapError, match=r"pixel \(x=2, y=1\) is transparent \(alpha 254\)"):
        decode_label_map(png(Image.fromarray(pixels)), "x")


def test_an_index_beyond_the_palette_is_refused() -> None:
    rows = b"\x00\x00\x05"
    data = png_file(2, 1, depth=8, colour_type=3, rows=rows, chunks={b"PLTE": PALETTE[:3].tobytes()})
    with pytest.raises(LabelMapError, match=r"pixel \(x=1, y=0\)"):
        decode_label_map(data, "x")


def test_another_size_is_refused() -> None:
    data = encode_label_map(LabelMap(np.zeros((4, 5), np.uint8)))
    assert decode_label_map(data, "x", size=(5, 4)).width == 5
    with pytest.raises(LabelMapError, match=r"^a\.png: the label map is 5×4, expected 4×5"):
        decode_label_map(data, "a.png", size=(4, 5))


def grey_png(depth: int, row: bytes) -> bytes:
    return png_file(8 // depth, 1, depth=depth, colour_type=0, rows=b"\x00" + row)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded(Image.fromarray(PALETTE[ALL]), "JPEG"), "JPEG cannot hold a label map"),
        (encoded(Image.fromarray(ALL), "BMP"), "not a PNG"),
        (encoded(Image.fromarray(ALL), "GIF"), "not a PNG"),
        (png(Image.new("LA", (2, 2), (1, 255))), "this is LA"),
        (grey_png(1, b"\x80"), "grey of 1 bits"),
        (grey_png(4, b"\x01"), "grey of 4 bits"),
        (png_file(1, 1, depth=16, colour_type=2, rows=bytes(7)), "16 bits a channel"),
    ],
)
def test_files_that_hold_no_exact_ids_are_refused(data: bytes, reason: str) -> None:
    with pytest.raises(LabelMapError, match=reason) as caught:
        decode_label_map(data, "a.png")
    assert caught.value.where == "a.png"
    assert not looks_like_label_map(data)


@pytest.mark.parametrize("data", [b"", b"text", encode_label_map(LabelMap(ALL))[:60]])
def test_a_damaged_file_is_an_image_error(data: bytes) -> None:
    with pytest.raises(ImageError):
        decode_label_map(data, "x")
    assert not looks_like_label_map(data)


def test_label_maps_are_told_from_photos() -> None:
    photo = drawing()
    image = Image.fromarray(photo.pixels)
    for data in (
        encode_png(photo),
        encoded(image, "JPEG"),
        encoded(image.convert("L"), "PNG"),
        encoded(image.quantize(64), "PNG"),
        encoded(image.quantize(8), "GIF"),
        palette_with_alpha(image),
        encoded(Image.fromarray(PALETTE[ALL]), "PNG"),  # colours in RGB: a photo until the user says otherwise
    ):
        assert not looks_like_label_map(data)
    with_255 = ALL.copy()
    with_255[0, 3] = 255
    full = np.zeros((256, 3), np.uint8)
    full[:NUM_LABELS] = PALETTE
    # A wrong value in what is plainly a label map has to be refused by name, not taken for a photo.
    assert looks_like_label_map(png(palette_image(with_255, full)))
    assert looks_like_label_map(png(Image.fromarray(ALL)))


def test_files_are_read_and_written_by_name(tmp_path: Path) -> None:
    path = tmp_path / "new" / "map.png"
    write_label_map(LabelMap(ALL), path, schema="zllrunning", text={"Parser": "p"})
    assert read_label_map(path, size=(NUM_LABELS, 1)).ids.tolist() == ALL.tolist()
    assert Image.open(path).info == {"Parser": "p", SCHEMA_KEY: "zllrunning"}
    with pytest.raises(ImageError, match=r"missing\.png: cannot be read"):
        read_label_map(tmp_path / "missing.png")


def test_of_most_photos_only_the_header_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = Image.fromarray(drawing().pixels)
    photos = {"a.png": png(image), "b.png": png(image.convert("RGBA")), "c.jpg": encoded(image, "JPEG"), "d.png": b""}
    for name, data in photos.items():
        (tmp_path / name).write_bytes(data)
    write_label_map(LabelMap(ALL), tmp_path / "map.png")
    assert holds_label_map(tmp_path / "map.png")
    with pytest.raises(ImageError, match="cannot be read"):
        holds_label_map(tmp_path / "missing.png")

    def never(*arguments: object) -> None:
        raise AssertionError("read or decoded as a whole")

    monkeypatch.setattr(label_files, "read_file", never)
    monkeypatch.setattr(label_files, "load_image", never)
    for name, data in photos.items():
        assert not holds_label_map(tmp_path / name) and not looks_like_label_map(data)
