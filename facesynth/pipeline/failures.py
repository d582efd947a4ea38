"""Which errors are one item's, and which end a run."""

from __future__ import annotations

from facesynth.core.errors import (
    ConfigError,
    DependencyMissing,
    DeviceError,
    FacesynthError,
    UsageError,
    WeightsError,
)
from facesynth.core.refs import Failed, Origin

OF_THE_RUN = (UsageError, ConfigError, WeightsError, DeviceError, DependencyMissing)
"""Errors that the next item would meet as well: they end the run instead of failing every item."""

OF_THE_ITEM = (FacesynthError, RuntimeError, OSError, MemoryError)
"""Errors of reading or computing one item; others are bugs, and are raised. RuntimeError is torch's and dlib's."""


def failed(origin: Origin, error: Exception) -> Failed:
    """The failure without its traceback, which would keep the whole batch in memory for as long as the report lives."""
    if not isinstance(error, FacesynthError):
        error = FacesynthError(f"{type(error).__name__}: {error}", where=origin.path)
    error.__cause__ = error.__context__ = None
    return Failed(origin, error.with_traceback(None))
