"""Other projects' weights files: read safely, and made into our own."""

from facesynth.inference.convert.conversion import KINDS, Conversion, Kind, convert
from facesynth.inference.convert.reading import read_state

__all__ = ["KINDS", "Conversion", "Kind", "convert", "read_state"]
