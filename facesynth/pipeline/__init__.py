"""The one runner: items in, results out in the same order, every result looked up before it is computed."""

from facesynth.pipeline.feeding import feeding
from facesynth.pipeline.parts import flatten
from facesynth.pipeline.runner import find, run

__all__ = ["feeding", "find", "flatten", "run"]
