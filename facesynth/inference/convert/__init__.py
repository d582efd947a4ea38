"""Other projects' weights files: read safely, and made into our own."""

from facesynth.inference.convert.conversion import Conversion, Converted, convert
from facesynth.inference.convert.kinds import KINDS, Kind
from facesynth.inference.convert.reading import read_state

__all__ = ["KINDS", "Conversion", "Converted", "Kind", "convert", "read_state"]
