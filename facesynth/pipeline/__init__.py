"""The one runner: items in, results out in the same order, every result looked up before it is computed."""

from facesynth.pipeline.executor import Executor
from facesynth.pipeline.feeding import feeding
from facesynth.pipeline.in_process import IN_PROCESS
from facesynth.pipeline.parts import flatten
from facesynth.pipeline.runner import find, run

__all__ = ["IN_PROCESS", "Executor", "feeding", "find", "flatten", "run"]
