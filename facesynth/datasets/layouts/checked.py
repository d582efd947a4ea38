"""Files of a dataset, opened to see that they are whole."""

from __future__ import annotations

from pathlib import Path

from facesynth.core.errors import InputError, LabelMapError
from facesynth.core.files import read_file
from facesynth.core.image_files import load_image
from facesynth.core.label_files import decode_label_map
from facesynth.core.refs import Digest, sha256_bytes
from facesynth.datasets.fitting import fits, training_refuses
from facesynth.datasets.left_right import sides_swapped


def is_there(path: Path) -> bool:
    """Whether a file or folder is there. InputError where that cannot be seen (a folder above it may not be read)."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", where=path) from error
    return True


def check_image(path: Path) -> tuple[Digest, tuple[int, int]]:
    """Decode an image and return the sha256 of its bytes and its (width, height), upright.

    InputError where it is missing, ImageError where it is damaged.
    """
    if not is_there(path):
        raise InputError("no image", where=path)
    data = read_file(path)
    return sha256_bytes(data), load_image(data, str(path)).size


def check_label_map(data: bytes, where: str, size: tuple[int, int], *, schema: str | None = None) -> list[str]:
    """Decode a label map's file and return what is odd in it; `size` is its image's (width, height).

    LabelMapError where it is damaged, has a wrong value, or does not fit the image.
    """
    labels = decode_label_map(data, where, schema=schema)
    (width, height), (across, down) = size, (labels.width, labels.height)
    if not fits(size, (across, down)):
        raise LabelMapError(f"the label map is {across}×{down}, its image {width}×{height}", where=where)
    odd = ["not square: training refuses it"] if training_refuses(size, (across, down)) else []
    if sides_swapped(labels):
        odd.append("left and right are swapped in the label map")
    if not labels.ids.any():
        odd.append("the label map is all background")
    return odd
