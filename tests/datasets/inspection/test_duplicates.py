"""Duplicates: copies are found however they were encoded, others are not, and the search is exact where it says so."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import OutputError
from facesynth.core.images import Photo
from facesynth.core.refs import sha256_bytes
from facesynth.datasets.inspection import duplicates
from facesynth.datasets.inspection.duplicates import Duplicates, DuplicateSearch
from facesynth.datasets.inspection.looks import (
    MIRROR_BITS,
    MIRROR_SIGNS,
    SHAPE_SIZE,
    Look,
    distances,
    look_of,
    ones_counted,
)
from tests.drawn_faces import textured_photo


def digest_of(photo: Photo) -> bytes:
    return bytes.fromhex(sha256_bytes(photo.pixels.tobytes()))


def searched(photos: Iterable[Photo]) -> Duplicates:
    with DuplicateSearch() as search:
        for photo in photos:
            search.add(digest_of(photo), look_of(photo))
        return search.find()


def groups(found: Duplicates) -> list[tuple[int, ...]]:
    return [group.indices for group in found.groups]


def edited(photo: Photo, edit: Callable[[Image.Image], Image.Image]) -> Photo:
    return Photo(np.asarray(edit(Image.fromarray(photo.pixels))))


def encoded(photo: Photo, quality: int) -> Photo:
    stream = io.BytesIO()
    Image.fromarray(photo.pixels).save(stream, "JPEG", quality=quality)
    return Photo(np.asarray(Image.open(stream)))


@pytest.fixture(scope="module")
def photos() -> list[Photo]:
    return [textured_photo(96, 96, seed) for seed in range(40)]


def test_different_photos_are_no_duplicates(photos: list[Photo]) -> None:
    assert groups(searched(photos)) == []


@pytest.mark.parametrize(
    ("change", "relation"),
    [
        (lambda photo: photo, "same file"),
        (lambda photo: encoded(photo, 40), "look-alike"),
        (lambda photo: photo.resized(48, 48), "look-alike"),
        (lambda photo: photo.resized(48, 64), "look-alike"),
        (
            lambda photo: edited(photo, lambda image: image.point(lambda value: min(255, round(value * 1.2)))),
            "look-alike",
        ),
        (lambda photo: edited(photo, lambda image: image.convert("L").convert("RGB")), "look-alike"),
        (lambda photo: edited(photo, lambda image: image.crop((1, 1, 95, 95))), "look-alike"),
        (lambda photo: photo.flip(), "mirrored"),
        (lambda photo: encoded(photo.flip(), 40).resized(48, 48), "mirrored"),
    ],
)
def test_a_copy_is_found_and_named_for_what_it_is(
    photos: list[Photo], change: Callable[[Photo], Photo], relation: str
) -> None:
    found = searched([*photos, change(photos[7])])
    assert groups(found) == [(7, 40)] and found.complete
    (twin,) = found.groups[0].others
    assert twin.relation == relation and twin.likeness > duplicates.MIN_LIKENESS


def test_copies_of_copies_are_one_group(photos: list[Photo]) -> None:
    small = photos[3].resized(48, 48)
    found = searched([*photos, small, photos[3].flip(), small, photos[9].flip()])
    assert groups(found) == [(3, 40, 41, 42), (9, 43)]
    assert [twin.relation for twin in found.groups[0].others] == ["look-alike", "mirrored", "look-alike"]


def test_pages_without_contrast_are_equal_only_as_files() -> None:
    grey, light = (Photo(np.full((64, 64, 3), level, np.uint8)) for level in (128, 250))
    assert look_of(grey) is None
    assert groups(searched([grey, light, grey])) == [(0, 2)]


def test_unreadable_files_are_not_each_others_duplicates() -> None:
    with DuplicateSearch() as search:
        for _ in range(5):
            search.add(None, None)
        assert groups(search.find()) == []


def test_nothing_is_searched_in_nothing() -> None:
    assert searched([]) == Duplicates((), True)


def test_a_mirror_image_has_the_mirrored_look(photos: list[Photo]) -> None:
    for photo in photos:
        look, mirrored = look_of(photo), look_of(photo.flip())
        assert look is not None and mirrored is not None
        assert (look.bits ^ MIRROR_BITS ^ mirrored.bits).bit_count() <= 1  # a coefficient that is all but zero
        assert np.abs(look.shape * MIRROR_SIGNS - mirrored.shape).max() < 2e-3
        assert look.shape.shape == (SHAPE_SIZE,) and abs(np.linalg.norm(look.shape.astype(float)) - 1) < 1e-3


def test_a_look_does_not_depend_on_brightness_or_contrast(photos: list[Photo]) -> None:
    dimmed = Photo((photos[0].pixels * 0.5 + 40).astype(np.uint8))
    one, other = look_of(photos[0]), look_of(dimmed)
    assert one is not None and other is not None
    assert (one.bits ^ other.bits).bit_count() <= 6
    assert float(one.shape.astype(float) @ other.shape.astype(float)) > 0.999


def test_bits_are_counted_the_same_with_and_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    one, other = (random.integers(0, 1 << 64, (5, 7), np.uint64, endpoint=False) for _ in range(2))
    wanted = [
        [(int(a) ^ int(b)).bit_count() for a, b in zip(*rows, strict=True)] for rows in zip(one, other, strict=True)
    ]
    assert distances(one, other).tolist() == wanted
    assert ones_counted(one ^ other).tolist() == wanted
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert distances(one, other).tolist() == wanted


def planted(count: int, changed: int, seed: int) -> list[Look]:
    """Unlike looks, then for each a copy of which so many bits are turned over."""
    random = np.random.default_rng(seed)
    made = []
    for _ in range(count):
        shape = random.standard_normal(SHAPE_SIZE)
        made.append(
            Look(int(random.integers(0, 1 << 64, dtype=np.uint64)), (shape / np.linalg.norm(shape)).astype("f2"))
        )
    turned = [sum(1 << int(place) for place in random.choice(64, changed, replace=False)) for _ in made]
    return made + [Look(look.bits ^ turn, look.shape) for look, turn in zip(made, turned, strict=True)]


def found_among(made: list[Look]) -> Duplicates:
    with DuplicateSearch() as search:
        for index, look in enumerate(made):
            search.add(index.to_bytes(32, "little"), look)
        return search.find()


@pytest.mark.parametrize("changed", [0, 5, 9])
def test_bands_find_every_copy_within_nine_bits(changed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_ALONE", 0)
    assert groups(found_among(planted(300, changed, seed=changed))) == [(index, 300 + index) for index in range(300)]


def test_few_faces_are_compared_each_with_each() -> None:
    assert groups(found_among(planted(300, 11, seed=1))) == [(index, 300 + index) for index in range(300)]
    assert groups(found_among(planted(300, 12, seed=1))) == []


def test_near_hashes_of_unlike_shapes_are_no_duplicates() -> None:
    made = planted(20, 0, seed=2)
    other = planted(20, 0, seed=3)
    assert groups(found_among([Look(made[0].bits, look.shape) for look in [*made[:20], *other[:20]]])) == []


def test_a_search_among_too_many_alike_is_ended_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "CANDIDATES", 1)
    monkeypatch.setattr(duplicates, "_FEW", 10)
    bits = planted(1, 0, seed=4)[0].bits
    assert not found_among([Look(bits, look.shape) for look in planted(50, 0, seed=5)[:50]]).complete
    assert found_among(planted(5, 0, seed=6)).complete


def test_a_full_folder_for_temporary_files_is_told_with_advice(
    photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    for buffering in (0, 1 << 20):  # fails at the first face, or when all of them are looked at
        full = Path("/dev/full").open("wb", buffering=buffering)  # noqa: SIM115 - the search closes it
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda full=full, **options: full)
        with pytest.raises(OutputError, match=r"No space left on device\); set TMPDIR .* or give --no-duplicates"):
            searched(photos)
        assert full.closed
