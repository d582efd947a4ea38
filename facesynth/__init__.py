"""facesynth: photos in, label maps and painted faces out.

The names below are loaded when they are first used, so that `import facesynth` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesynth.core.errors import FacesynthError
    from facesynth.core.faces import Face
    from facesynth.core.image_files import SYNTHETIC_TEXT, read_photo, write_photo
    from facesynth.core.images import Photo
    from facesynth.core.label_files import read_label_map, write_label_map
    from facesynth.core.labels import Label, LabelMap
    from facesynth.core.styles import Style
    from facesynth.inference.aligner import Aligner
    from facesynth.inference.encoder import Encoder
    from facesynth.inference.parser import Parser
    from facesynth.inference.synthesizer import Synthesizer

__version__ = "0.1.0"

__all__ = [
    "SYNTHETIC_TEXT",
    "Aligner",
    "Encoder",
    "Face",
    "FacesynthError",
    "Label",
    "LabelMap",
    "Parser",
    "Photo",
    "Style",
    "Synthesizer",
    "read_label_map",
    "read_photo",
    "write_label_map",
    "write_photo",
]

_HOMES = {
    "SYNTHETIC_TEXT": "core.image_files",
    "FacesynthError": "core.errors",
    "Face": "core.faces",
    "Photo": "core.images",
    "Label": "core.labels",
    "LabelMap": "core.labels",
    "Style": "core.styles",
    "read_photo": "core.image_files",
    "write_photo": "core.image_files",
    "read_label_map": "core.label_files",
    "write_label_map": "core.label_files",
    "Aligner": "inference.aligner",
    "Encoder": "inference.encoder",
    "Parser": "inference.parser",
    "Synthesizer": "inference.synthesizer",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'facesynth' has no attribute {name!r}")
    return getattr(importlib.import_module(f"facesynth.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
