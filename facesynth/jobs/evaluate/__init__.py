"""The jobs of `facesynth evaluate`: faces or label maps compared with the true ones, and the files of an evaluation."""
