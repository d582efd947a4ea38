"""Sets without classes: the images of a folder, flat or nested."""

from __future__ import annotations

from pathlib import Path

from facesynth.datasets.image_sets.file_list import FileList, no_images
from facesynth.datasets.image_sets.files import FileImages
from facesynth.datasets.image_sets.parts import parts_of
from facesynth.datasets.image_sets.sets import Part


def open_plain_folder(folder: Path, part: Part) -> FileImages:
    """Open all images below a folder, or those below its train/ or test/. UsageError where there are none."""
    top = parts_of(folder).folder(part, folder)
    files = FileList(top)
    if not files.add_below(top):
        raise no_images(top)
    return FileImages(files)
