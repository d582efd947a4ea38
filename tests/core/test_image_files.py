from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile

from facesynth.core.errors import ImageError, OutputError
from facesynth.core.image_files import (
    MAX_PIXELS,
    SYNTHETIC_TEXT,
    announced_size,
    decode_photo,
    encode_png,
    read_photo,
    write_photo,
)
from facesynth.core.images import Photo
from facesynth.core.scan import scan
from tests.bad_folder import STORED_TURN, drawing, encoded, make_bad_folder, png_file, sixteen_bit_png, turned_jpeg

DRAWING = drawing()
IMAGE = Image.fromarray(DRAWING.pixels)


def pixel(image: Image.Image, format: str, **options: object) -> list[int]:  # noqa: A002 - Pillow's word
    return [int(value) for value in decode_photo(encoded(image, format, **options), "x").pixels[0, 0]]


def same(photo: Photo, other: Photo, tolerance: int = 0) -> bool:
    if photo.size != other.size:
        return False
    return bool(np.abs(photo.pixels.astype(int) - other.pixels.astype(int)).max() <= tolerance)


@pytest.mark.parametrize(
    ("mode", "colour", "shown"),
    [
        ("1", 1, [255, 255, 255]),
        ("L", 77, [77, 77, 77]),
        ("LA", (77, 255), [77, 77, 77]),
        ("LA", (77, 0), [255, 255, 255]),
        ("LA", (0, 128), [127, 127, 127]),
        ("I;16", 65535, [255, 255, 255]),
        ("I;16", 257 * 3, [3, 3, 3]),
        ("I;16", 257 * 3 + 128, [3, 3, 3]),
        ("I;16", 257 * 3 + 129, [4, 4, 4]),
        ("RGB", (1, 2, 3), [1, 2, 3]),
        ("RGBA", (1, 2, 3, 255), [1, 2, 3]),
        ("RGBA", (1, 2, 3, 0), [255, 255, 255]),
    ],
)
def test_png_of_every_mode(mode: str, colour: int | tuple[int, ...], shown: list[int]) -> None:
    assert pixel(Image.new(mode, (4, 4), colour), "PNG") == shown


@pytest.mark.parametrize(
    ("mode", "colour", "shown"),
    [
        ("CMYK", (0, 255, 255, 0), [255, 0, 0]),
        ("CMYK", (0, 0, 0, 255), [0, 0, 0]),
        ("I;16", 257 * 40, [40, 40, 40]),
        ("I;16B", 257 * 40, [40, 40, 40]),
    ],
)
def test_tiff_of_rarer_modes(mode: str, colour: int | tuple[int, ...], shown: list[int]) -> None:
    assert pixel(Image.new(mode, (4, 4), colour), "TIFF") == shown


def test_tiff_of_luma_and_chroma() -> None:
    # Pillow before 13 cannot read the uncompressed ones that it writes.
    assert pixel(Image.new("YCbCr", (4, 4), (100, 128, 128)), "TIFF", compression="tiff_lzw") == [100, 100, 100]


def test_lab_is_converted() -> None:
    assert np.abs(np.array(pixel(Image.new("LAB", (4, 4), (255, 128, 128)), "TIFF")) - 255).max() <= 2


@pytest.mark.parametrize(("mode", "value"), [("I", 70_000), ("F", 0.5)])
def test_samples_without_an_agreed_range_are_refused(mode: str, value: float) -> None:
    with pytest.raises(ImageError, match="32-bit samples"):
        decode_photo(encoded(Image.new(mode, (4, 4), value), "TIFF"), "deep.tif")


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "BMP", "JPEG2000"])
def test_lossless_formats_give_the_very_pixels(format: str) -> None:  # noqa: A002
    assert same(decode_photo(encoded(IMAGE, format, **({"lossless": True} if format == "WEBP" else {})), "x"), DRAWING)


@pytest.mark.parametrize("format", ["JPEG", "GIF", "MPO"])
def test_lossy_formats_come_close(format: str) -> None:  # noqa: A002
    assert same(decode_photo(encoded(IMAGE, format), "x"), DRAWING, tolerance=16)


def test_cmyk_jpeg_has_its_colours() -> None:
    assert same(decode_photo(encoded(IMAGE.convert("CMYK"), "JPEG", quality=95), "x"), DRAWING, tolerance=6)


def test_sixteen_bits_mean_what_eight_mean() -> None:
    assert same(decode_photo(sixteen_bit_png(DRAWING.pixels), "x"), DRAWING)
    grey = DRAWING.pixels[..., 0]
    assert np.array_equal(decode_photo(sixteen_bit_png(grey), "x").pixels[..., 0], grey)


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (10, 200, 30)])
def test_what_is_transparent_shows_the_background(background: tuple[int, int, int]) -> None:
    palette = Image.new("P", (2, 1))
    palette.putpalette([200, 100, 50, 9, 9, 9])
    palette.putpixel((1, 0), 1)
    files = [
        encoded(Image.new("RGBA", (2, 1), (200, 100, 50, 0)), "PNG"),
        encoded(Image.new("LA", (2, 1), (200, 0)), "PNG"),
        encoded(palette, "PNG", transparency=0),
        encoded(palette, "PNG", transparency=b"\x00\xff"),
        encoded(Image.new("RGB", (2, 1), (5, 6, 7)), "PNG", transparency=(5, 6, 7)),
        encoded(Image.new("L", (2, 1), 5), "PNG", transparency=5),
        encoded(palette, "GIF", transparency=0),
    ]
    for data in files:
        assert tuple(decode_photo(data, "x", background=background).pixels[0, 0]) == background
    half = decode_photo(encoded(Image.new("RGBA", (1, 1), (200, 100, 50, 128)), "PNG"), "x", background=background)
    expected = [round((128 * c + 127 * b) / 255) for c, b in zip((200, 100, 50), background, strict=True)]
    assert np.abs(half.pixels[0, 0].astype(int) - expected).max() <= 1


def test_an_opaque_palette_keeps_its_colours() -> None:
    palette = Image.new("P", (2, 1), 1)
    palette.putpalette([200, 100, 50, 9, 8, 7])
    assert pixel(palette, "PNG") == [9, 8, 7]
    assert pixel(palette, "PNG", transparency=0) == [9, 8, 7]


def test_the_first_frame_of_an_animation_counts() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for format in ("GIF", "PNG", "WEBP"):  # noqa: A001
        options = {"lossless": True} if format == "WEBP" else {}
        assert pixel(frames[0], format, save_all=True, append_images=frames[1:], **options) == [255, 0, 0]


@pytest.mark.parametrize("orientation", STORED_TURN)
def test_exif_gives_the_same_upright_pixels(orientation: int) -> None:
    assert same(decode_photo(turned_jpeg(IMAGE, orientation, quality=100), "x"), DRAWING, tolerance=4)
    turn = STORED_TURN[orientation]
    stored = IMAGE if turn is None else IMAGE.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for format in ("PNG", "TIFF", "WEBP"):  # noqa: A001
        options = {"lossless": True} if format == "WEBP" else {}
        assert same(decode_photo(encoded(stored, format, exif=exif, **options), "x"), DRAWING), format


def test_exif_turns_grey_of_16_bits_too() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    ramp = Image.fromarray(np.array([[0, 257 * 9]], dtype=np.uint16))
    assert decode_photo(encoded(ramp, "PNG", exif=exif), "x").pixels[:, 0, 0].tolist() == [0, 9]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damaged_exif_does_not_cost_the_photo() -> None:
    for exif in (b"Exif\x00\x00garbage", b"Exif\x00\x00II*\x00\xff\xff\xff\xff"):
        assert same(decode_photo(encoded(IMAGE, "JPEG", quality=95, exif=exif), "x"), DRAWING, tolerance=16)


def test_an_embedded_profile_becomes_srgb() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = swap_red_and_green(srgb)
    red = Image.new("RGB", (4, 4), (220, 30, 30))
    assert pixel(red, "PNG", icc_profile=srgb) == [220, 30, 30]
    green = pixel(red, "PNG", icc_profile=swapped)
    assert np.abs(np.array(green) - [30, 220, 30]).max() <= 2
    half = decode_photo(encoded(Image.new("RGBA", (1, 1), (220, 30, 30, 255)), "PNG", icc_profile=swapped), "x")
    assert half.pixels[0, 0].tolist() == green
    # One that cannot be read, and one for another kind of image, are as good as none.
    assert pixel(red, "PNG", icc_profile=b"not a profile") == [220, 30, 30]
    assert pixel(red, "PNG", icc_profile=lab) == [220, 30, 30]
    assert pixel(Image.new("L", (4, 4), 90), "PNG", icc_profile=swapped) == [90, 90, 90]


def swap_red_and_green(profile: bytes) -> bytes:
    """An RGB profile in which red and green have changed places, under another name than sRGB."""
    renamed = profile.replace("sRGB".encode("utf-16-be"), "odd!".encode("utf-16-be")).replace(
        b"sRGB built", b"odd! built"
    )
    return renamed.replace(b"rXYZ", b"tmp!").replace(b"gXYZ", b"rXYZ").replace(b"tmp!", b"gXYZ")


def huge_header(width: int, height: int) -> bytes:
    return png_file(width, height, depth=8, colour_type=2, rows=b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
        (huge_header(40_000, 40_000), "40000×40000 is more than 200 million pixels"),
        (huge_header(MAX_PIXELS // 1000 + 1, 1000), "more than 200 million"),
        (encoded(IMAGE, "PNG")[:-200], "truncated"),
        (encoded(IMAGE, "JPEG")[:-200], "truncated"),
        (encoded(IMAGE, "GIF")[:-200], "truncated"),
        (encoded(IMAGE, "BMP")[:-200], "truncated"),
        (encoded(IMAGE, "WEBP")[:-20], "damaged"),
        (b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic", r"run: pip install \"facesynth\[heic\]\""),
    ],
)
def test_each_fault_is_named(data: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=reason) as caught:
        decode_photo(data, "folder/photo.png")
    assert caught.value.where == "folder/photo.png"


def test_heic_is_read_by_pillow_heif(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setitem(
        sys.modules, "pillow_heif", types.SimpleNamespace(register_heif_opener=lambda: asked.append("HEIF"))
    )

    def opened(fp: io.BytesIO, formats: list[str]) -> Image.Image:
        assert formats == ["HEIF"]
        return IMAGE

    monkeypatch.setattr(Image, "open", opened)
    assert same(decode_photo(b"\x00\x00\x00\x1cftypheic", "x.heic"), DRAWING)
    assert asked == ["HEIF"]


@pytest.mark.parametrize("size", [(DRAWING.width, DRAWING.height), (40_000, 40_000), (2_000_000_000, 2)])
def test_a_header_tells_its_size_before_anything_is_decoded(size: tuple[int, int]) -> None:
    drawn = size == DRAWING.size
    assert announced_size(encoded(IMAGE, "WEBP") if drawn else huge_header(*size)) == size


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", encoded(IMAGE, "TIFF")[:20]])
def test_what_has_no_header_tells_no_size(data: bytes) -> None:
    assert announced_size(data) is None


def test_heic_tells_its_size_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", types.SimpleNamespace(register_heif_opener=lambda: None))
    large = types.SimpleNamespace(size=(9000, 9000))
    monkeypatch.setattr(Image, "open", lambda fp, formats: large if formats == ["HEIF"] else None)
    assert announced_size(b"\x00\x00\x00\x1cftypheic") == (9000, 9000)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=150)
@given(
    st.sampled_from([encoded(IMAGE, "PNG"), encoded(IMAGE, "JPEG"), encoded(IMAGE, "GIF"), encoded(IMAGE, "TIFF")]),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 6000),
)
def test_damage_gives_a_photo_or_an_image_error(data: bytes, changes: list[tuple[int, int]], length: int) -> None:
    damaged = bytearray(data)
    for place, value in changes:
        damaged[place % len(damaged)] = value
    with contextlib.suppress(ImageError):
        decode_photo(bytes(damaged[: length + 1]), "x")
    announced_size(bytes(damaged[: length + 1]))


def test_pillows_own_guard_is_left_as_it_was() -> None:
    before = Image.MAX_IMAGE_PIXELS
    data = encoded(IMAGE, "PNG")
    threads = [threading.Thread(target=lambda: [decode_photo(data, "x") for _ in range(20)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert before is not None
    assert before == Image.MAX_IMAGE_PIXELS


def test_reading_names_the_file(tmp_path: Path) -> None:
    missing = tmp_path / "missing.png"
    with pytest.raises(ImageError, match="cannot be read") as caught:
        read_photo(missing)
    assert caught.value.where == str(missing)
    with pytest.raises(ImageError, match="folder"):
        read_photo(tmp_path)
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with pytest.raises(ImageError, match="not an ordinary file"):
        read_photo(pipe)


def test_a_png_may_hold_a_large_colour_profile() -> None:
    stream = io.BytesIO()
    profile = np.random.default_rng(0).bytes(3 << 20)  # of FFHQ's files some hold more than Pillow takes by itself
    Image.fromarray(DRAWING.pixels).save(stream, "png", icc_profile=profile)
    assert same(decode_photo(stream.getvalue(), "x"), DRAWING)


def test_every_file_of_the_bad_folder(tmp_path: Path) -> None:
    expected = make_bad_folder(tmp_path, None)
    sources = scan([tmp_path])
    assert sorted(str(source.relative) for source in sources) == sorted(expected)
    for source in sources:
        outcome = expected[str(source.relative)]
        if outcome.outcome == "failed":
            with pytest.raises(ImageError, match=outcome.reason) as caught:
                read_photo(source.path)
            assert caught.value.where == str(source.path)
        else:
            assert read_photo(source.path).height == DRAWING.height


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
def test_png_round_trip_is_exact_and_its_bytes_repeat(width: int, height: int, seed: int) -> None:
    photo = Photo(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))
    data = encode_png(photo, {"b": "2", "a": "1"})
    assert same(decode_photo(data, "x"), photo)
    assert encode_png(Photo(photo.pixels.copy()), {"a": "1", "b": "2"}) == data


def test_text_says_that_a_face_is_painted() -> None:
    text = {**SYNTHETIC_TEXT, "Seed": "7", "Name": "顔"}
    image = Image.open(io.BytesIO(encode_png(DRAWING, text)))
    assert {key: image.info[key] for key in text} == text
    assert image.info["Software"] == "facesynth"


def test_writing_is_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "photo.png"
    write_photo(DRAWING, path)
    assert same(read_photo(path), DRAWING)
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("facesynth.core.files.os.replace", fail)
    with pytest.raises(OutputError, match="No space left") as caught:
        write_photo(DRAWING.flip(), path)
    assert caught.value.where == str(path)
    assert path.read_bytes() == before
    assert [child.name for child in path.parent.iterdir()] == ["photo.png"]


@pytest.mark.parametrize(
    ("name", "make"),
    [("photo.jpg", lambda path: None), ("file/photo.png", lambda path: path.parent.write_text("in the way"))],
)
def test_what_cannot_be_written_is_named(tmp_path: Path, name: str, make: Callable[[Path], None]) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(OutputError) as caught:
        write_photo(DRAWING, path)
    assert caught.value.where == str(path)


def test_what_a_decoder_says_nothing_of_is_told_by_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(ImageError, match=r"the file is damaged \(MemoryError\)"):
        decode_photo(encoded(IMAGE, "PNG"), "x")
