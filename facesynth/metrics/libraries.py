"""The libraries that compute the field's numbers: torch-fidelity and torchmetrics, both of the extra `metrics`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from facesynth.core.errors import DependencyMissing


@contextmanager
def needing(library: str) -> Iterator[None]:
    """Import inside of this: what fails to import raises DependencyMissing, which says how to install the extra."""
    try:
        yield
    except ImportError as error:
        raise DependencyMissing(library, "metrics") from error
