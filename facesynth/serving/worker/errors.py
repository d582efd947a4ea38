"""What a worker finds wrong with what a client sent."""

from __future__ import annotations

from facesynth.core.errors import InputError


class NoFaceError(InputError):
    """A photo shows no face."""


class NotSquareError(InputError):
    """What should be an aligned face is not square."""


class NoEncoderError(InputError):
    """The generator's weights hold no encoder that could read a style."""


class TooManyPixelsError(InputError):
    """A photo is larger than the server takes."""
