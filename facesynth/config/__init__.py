"""Pipeline files: YAML in, frozen records out, and errors that name the file, the key and what to write instead."""

from facesynth.config.checking import Pipeline
from facesynth.config.pipelines import arms_of, find_pipeline, load_pipeline, parse_pipeline, require_free

__all__ = ["Pipeline", "arms_of", "find_pipeline", "load_pipeline", "parse_pipeline", "require_free"]
