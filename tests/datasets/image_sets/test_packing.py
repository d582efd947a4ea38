"""The packed form of image sets."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import CacheError, ImageError, InputError
from facesynth.core.image_files import read_photo
from facesynth.datasets.image_sets import (
    Fit,
    ImageSet,
    PackedImages,
    chosen,
    identify_images,
    open_image_set,
    packed_images,
)
from facesynth.datasets.image_sets.packing import STAGE
from facesynth.store import ArtifactStore, list_entries
from tests.datasets.image_sets.drawn import (
    drawn_pixels,
    record,
    write_attributes,
    write_classes,
    write_image,
    write_images,
    write_ten,
)


def _digest(images: ImageSet, store: ArtifactStore, size: int = 32, fit: Fit = "exact") -> tuple[str, bool]:
    """The packed set's digest, and whether it was packed now."""
    told: list[int] = []
    with packed_images(images, size, store, fit=fit, on_packed=lambda done, total: told.append(done)) as packed:
        return packed.digest, bool(told)


def test_images_and_targets_lie_in_order(tmp_path: Path) -> None:
    write_classes(tmp_path / "data", ["ant", "bee", "cow"], 15)
    images = open_image_set(tmp_path / "data")
    told: list[tuple[int, int]] = []
    store = ArtifactStore(tmp_path / "cache")
    with packed_images(images, 32, store, workers=3, on_packed=lambda *done: told.append(done)) as packed:
        assert len(packed) == 45 and packed.classes == ("ant", "bee", "cow")
        assert packed.images.shape == (45, 32, 32, 3) and packed.images.dtype == np.uint8
        assert all(np.array_equal(packed.images[index], images.read(index).pixels) for index in range(45))
        assert packed.targets is not None and packed.targets.dtype == np.int64
        assert packed.targets.tolist() == [0] * 15 + [1] * 15 + [2] * 15
        assert not packed.images.flags.writeable
    assert told[-1] == (45, 45) and told == sorted(told)


def test_records_are_packed_as_they_are_read(tmp_path: Path) -> None:
    images = open_image_set(write_ten(tmp_path / "data", each=500))  # more than a block, across files
    with packed_images(images, 32, ArtifactStore(tmp_path / "cache")) as packed:
        assert len(packed) == 2500 and packed.targets is not None
        for index in (0, 499, 500, 999, 1000, 2499):
            assert np.array_equal(packed.images[index], drawn_pixels(index))
        assert np.array_equal(packed.targets, np.arange(2500) % 10)


def test_attributes_are_packed_as_zeros_and_ones(tmp_path: Path) -> None:
    write_images(tmp_path / "data", ["1.png", "2.png"])
    write_attributes(tmp_path / "data", [("1.jpg", (1, -1, 1)), ("2.jpg", (-1, -1, -1))])
    with packed_images(open_image_set(tmp_path / "data"), 32, ArtifactStore(tmp_path / "cache")) as packed:
        assert packed.targets is not None and packed.targets.dtype == np.uint8
        assert packed.targets.tolist() == [[1, 0, 1], [0, 0, 0]]


def test_without_classes_there_are_no_targets(tmp_path: Path) -> None:
    write_images(tmp_path / "data", ["1.png", "2.png"])
    with packed_images(open_image_set(tmp_path / "data"), 32, ArtifactStore(tmp_path / "cache")) as packed:
        assert packed.targets is None and packed.classes == ()


def test_a_set_is_found_again_by_what_it_holds_wherever_it_lies(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "cache")
    first = open_image_set(write_classes(tmp_path / "one", ["cat", "dog"]))
    digest, packed_now = _digest(first, store)
    assert packed_now and digest == identify_images(first)
    again = open_image_set(shutil.copytree(tmp_path / "one", tmp_path / "two"))
    assert _digest(again, store) == (digest, False)


def test_names_bytes_classes_sizes_and_fits_pack_anew(tmp_path: Path) -> None:
    store, folder = ArtifactStore(tmp_path / "cache"), write_classes(tmp_path / "data", ["cat", "dog"])
    digest, _ = _digest(open_image_set(folder), store)
    assert _digest(open_image_set(folder), store, 16, "crop") == (digest, True)
    assert _digest(open_image_set(folder), store, 32, "crop") == (digest, True)
    seen = {digest}
    (folder / "cat" / "0.png").rename(folder / "cat" / "0new.png")
    seen.add(_digest(open_image_set(folder), store)[0])
    Image.fromarray(drawn_pixels(77)).save(folder / "cat" / "1.png")
    seen.add(_digest(open_image_set(folder), store)[0])
    seen.add(_digest(open_image_set(folder, "folder"), store)[0])
    (folder / "dog").rename(folder / "emu")
    seen.add(_digest(open_image_set(folder), store)[0])
    assert len(seen) == 5


def test_a_class_that_changes_in_a_record_is_another_set(tmp_path: Path) -> None:
    folder = write_ten(tmp_path)
    before = identify_images(open_image_set(folder))
    data = bytearray((folder / "data_batch_2.bin").read_bytes())
    data[0] = 9
    (folder / "data_batch_2.bin").write_bytes(data)
    assert identify_images(open_image_set(folder)) != before


@pytest.mark.parametrize("name", ["images.npy", "targets.npy"])
def test_a_damaged_packed_form_is_replaced(tmp_path: Path, name: str) -> None:
    store, images = ArtifactStore(tmp_path / "cache"), open_image_set(write_ten(tmp_path / "data"))
    _digest(images, store)
    [entry] = list_entries(store.root, STAGE)
    file = entry.folder / name
    before = file.read_bytes()
    file.write_bytes(before[:-1] + b"\x7f")
    assert _digest(images, store)[1]
    assert file.read_bytes() == before


def test_mixed_sizes_name_the_first_odd_one(tmp_path: Path) -> None:
    write_images(tmp_path / "data", [f"{number:03}.png" for number in range(40)])
    for number in (23, 31):
        write_image(tmp_path / "data" / f"{number:03}.png", number, 48, 36)
    images, store = open_image_set(tmp_path / "data"), ArtifactStore(tmp_path / "cache")
    said = r"023\.png: the image is 48×36, training is at 32×32; --set data\.fit=crop"
    with pytest.raises(InputError, match=said), packed_images(images, 32, store):
        pass
    assert not list(list_entries(store.root, STAGE)) and not list((store.root / ".tmp").glob("*"))


@pytest.mark.parametrize(("width", "height"), [(48, 32), (32, 41), (33, 32), (96, 64)])
def test_crop_takes_the_centre_square(tmp_path: Path, width: int, height: int) -> None:
    path = write_image(tmp_path / "data" / "0.png", 5, width, height)
    with packed_images(open_image_set(path.parent), 32, ArtifactStore(tmp_path / "cache"), fit="crop") as packed:
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        square = Image.fromarray(drawn_pixels(5, width, height)).crop((left, top, left + side, top + side))
        assert np.array_equal(packed.images[0], np.asarray(square.resize((32, 32), Image.Resampling.LANCZOS)))


def test_records_of_another_size_are_resized_or_refused(tmp_path: Path) -> None:
    images, store = open_image_set(write_ten(tmp_path / "data")), ArtifactStore(tmp_path / "cache")
    with packed_images(images, 16, store, fit="crop") as packed:
        assert np.array_equal(packed.images[7], images.read(7).resized(16, 16).pixels)
    said = r"data_batch_1\.bin \(image 0\): the image is 32×32, training is at 64×64"
    with pytest.raises(InputError, match=said), packed_images(images, 64, store):
        pass


def test_a_damaged_image_is_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "data", ["a.png", "b.png"])
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:200])
    with (
        pytest.raises(ImageError, match=r"b\.png: the file is (truncated|damaged)"),
        packed_images(open_image_set(folder), 32, ArtifactStore(tmp_path / "cache")),
    ):
        pass


def test_images_that_change_meanwhile_are_not_kept(tmp_path: Path) -> None:
    folder, store = write_ten(tmp_path / "data"), ArtifactStore(tmp_path / "cache")
    images = open_image_set(folder)
    digest = identify_images(images)
    path = folder / "data_batch_5.bin"
    path.write_bytes(path.read_bytes()[:-3073] + record((9,), drawn_pixels(1234)))
    with pytest.raises(InputError, match="changed while"), packed_images(images, 32, store, digest=digest):
        pass
    assert not list(list_entries(store.root, STAGE))


def test_a_disk_that_is_too_small_is_told_before_it_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = open_image_set(write_ten(tmp_path / "data", each=100))
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    said = r"500 images packed at 32×32 need 2 MB, and 1 MB are free; free some space"
    with pytest.raises(CacheError, match=said), packed_images(images, 32, ArtifactStore(tmp_path / "cache")):
        pass


def test_some_of_a_set_are_a_set(tmp_path: Path) -> None:
    whole = open_image_set(write_ten(tmp_path / "data", each=4))
    some = chosen(whole, [17, 3, 9])
    assert len(some) == 3 and some.classes == whole.classes
    assert [some.name(index) for index in range(3)] == [whole.name(index) for index in (17, 3, 9)]
    assert [some.target(index) for index in range(3)] == [7, 3, 9]
    with packed_images(some, 32, ArtifactStore(tmp_path / "cache")) as packed:
        _same(packed, [17, 3, 9])
    assert identify_images(some) != identify_images(chosen(whole, [3, 9, 17]))
    with pytest.raises(IndexError, match="0 to 19"):
        chosen(whole, [20])


def _same(packed: PackedImages, seeds: list[int]) -> None:
    assert packed.targets is not None and packed.targets.tolist() == [seed % 10 for seed in seeds]
    for image, seed in zip(packed.images, seeds, strict=True):
        assert np.array_equal(image, drawn_pixels(seed))


def test_files_are_read_as_everywhere(tmp_path: Path) -> None:
    """Grey, palette and turned images are what a person sees."""
    folder = tmp_path / "data"
    folder.mkdir()
    Image.fromarray(drawn_pixels(1)).convert("L").save(folder / "grey.png")
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(drawn_pixels(2)).save(folder / "turned.jpg", exif=exif, quality=95)
    images = open_image_set(folder)
    with packed_images(images, 32, ArtifactStore(tmp_path / "cache")) as packed:
        for index, name in enumerate(("grey.png", "turned.jpg")):
            assert np.array_equal(packed.images[index], read_photo(folder / name).pixels)
