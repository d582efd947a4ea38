"""Small drawn stand-ins of FFHQ and CelebA, laid out as their authors and mirrors publish them."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from facesynth.core.faces import Landmarks, Similarity
from facesynth.core.image_files import write_photo
from facesynth.core.images import Photo
from facesynth.datasets.importing.layout import Layout
from tests.drawn_faces import plain_landmarks, textured_photo

FFHQ_FOLDERS = {
    "images": ("images1024x1024", "image"),
    "in-the-wild": ("in-the-wild-images", "in_the_wild"),
    "thumbnails": ("thumbnails128x128", "thumbnail"),
}
CELEBA_ATTRIBUTES = ("5_o_Clock_Shadow", "Bald", "Eyeglasses", "Male", "Smiling", "Young")

CROP_LANDMARKS = plain_landmarks(Similarity.of(300, 0, (511.5, 480)))
"""Of every FFHQ stand-in, in the pixels of a crop at 1024."""


def wild_landmarks(number: int) -> Landmarks:
    """Where the face lies in the photo of a number, which is 150×130."""
    return plain_landmarks(Similarity.of(20 + number % 5, 0.1 * (number % 7 - 3), (75, 60)))


def write_ffhq(
    folder: Path,
    numbers: Iterable[int],
    *,
    parts: Sequence[str] = ("images",),
    size: int = 32,
    flat: bool = False,
    with_json: bool = True,
    wild: Callable[[int], Photo] = lambda number: textured_photo(150, 130, number),
    landmarks: Callable[[int], Landmarks] = wild_landmarks,
) -> Path:
    """Write faces of the parts (names of FFHQ_FOLDERS) and the JSON that describes them."""
    rows = {}
    for number in numbers:
        row = ffhq_row(number, landmarks(number))
        for part in parts:
            name, key = FFHQ_FOLDERS[part]
            path = folder / name / ("" if flat else group(number)) / f"{number:05}.png"
            photo = wild(number) if part == "in-the-wild" else textured_photo(size, size, number)
            write_photo(photo, path)
            row[key]["file_md5"] = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        rows[str(number)] = row
    if with_json:
        write_ffhq_json(folder, rows)
    return folder


def write_ffhq_json(folder: Path, rows: Mapping[str, Any]) -> Path:
    path = folder / "ffhq-dataset-v2.json"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))
    return path


def ffhq_row(number: int, wild: Landmarks) -> dict[str, Any]:
    """A row of the JSON as its README describes it, about as long as a real one."""

    def file(folder: str, **more: Any) -> dict[str, Any]:
        digest = hashlib.md5(f"{folder}{number}".encode(), usedforsecurity=False).hexdigest()
        path = f"{folder}/{group(number)}/{number:05}.png"
        return {"file_url": "https://drive.google.com/uc?id=" + "x" * 33, "file_path": path, "file_md5": digest, **more}

    return {
        "category": "training" if number < 60_000 else "validation",
        "metadata": {
            "photo_url": "https://www.flickr.com/photos/12345678@N00/1234567890/",
            "photo_title": 'a "category": of {its own}',
            "author": "Nobody",
            "country": "",
            "license": "Public Domain Mark",
        },
        "image": file("images1024x1024", pixel_size=[1024, 1024], face_landmarks=CROP_LANDMARKS.points.tolist()),
        "thumbnail": file("thumbnails128x128", pixel_size=[128, 128]),
        "in_the_wild": file("in-the-wild-images", face_landmarks=wild.points.tolist(), face_rect=[1, 2, 3, 4]),
    }


def group(number: int) -> str:
    """The sub-folder of a number: a thousand faces each."""
    return f"{number // 1000 * 1000:05}"


def write_celeba(
    folder: Path,
    numbers: Sequence[int],
    *,
    inside: str = "img_align_celeba",
    lists: str = "",
    csv: bool = False,
    images: Sequence[int] | None = None,
) -> Path:
    """Write the faces `images` (else all) to `inside`, and the lists of all numbers to the sub-folder `lists`."""
    for number in numbers if images is None else images:
        path = folder / inside / celeba_file(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(textured_photo(18, 22, number).pixels).save(path, quality=90)
    place, suffix, gap = folder / lists, ".csv" if csv else ".txt", "," if csv else "  "
    place.mkdir(parents=True, exist_ok=True)

    def write(name: str, header: Sequence[str], values: Callable[[int], Sequence[Any]], *, counted: bool) -> None:
        lines = [gap.join([celeba_file(number), *map(str, values(number))]) for number in numbers]
        if csv:
            lines.insert(0, ",".join(["image_id", *header]))
        elif counted:
            lines[:0] = [str(len(numbers)), " ".join(header) + " "]
        (place / f"{name}{suffix}").write_text("\r\n".join(lines) + "\n")

    points = [
        f"{point}_{axis}" for point in ("lefteye", "righteye", "nose", "leftmouth", "rightmouth") for axis in "xy"
    ]
    write("list_eval_partition", ["partition"], lambda number: [number % 3], counted=False)
    write("identity_CelebA", ["identity"], lambda number: [celeba_identity(number)], counted=False)
    write("list_attr_celeba", CELEBA_ATTRIBUTES, lambda n: [1 if holds else -1 for holds in _bits(n)], counted=True)
    write("list_landmarks_align_celeba", points, celeba_landmarks, counted=True)
    return folder


def celeba_file(number: int) -> str:
    return f"{number:06}.jpg"


def celeba_identity(number: int) -> str:
    """Three faces a person, not one after the other."""
    return str(2000 + number % 4)


def celeba_attributes(number: int) -> tuple[str, ...]:
    """Those that hold for the face of a number."""
    return tuple(name for name, holds in zip(CELEBA_ATTRIBUTES, _bits(number), strict=True) if holds)


def celeba_landmarks(number: int) -> list[int]:
    """x, y of the five points."""
    return [60 + number % 10, 110, 107, 111, 88, 135, 70, 150, 105, 152]


def _bits(number: int) -> list[bool]:
    return [bool(number >> bit & 1) for bit in range(len(CELEBA_ATTRIBUTES))]


def memory_held(make: Callable[[], Layout], count: int) -> int:
    """Bytes that facesynth's own code holds when the last of a layout's `count` entries is handed out."""
    tracemalloc.start()
    try:
        for number, _ in enumerate(make().entries(), start=1):
            if number == count:
                ours = tracemalloc.Filter(inclusive=True, filename_pattern="*/facesynth/*")
                traces = tracemalloc.take_snapshot().filter_traces([ours])
                return sum(trace.size for trace in traces.traces)
    finally:
        tracemalloc.stop()
    raise AssertionError(f"there are fewer than {count} entries")
