"""The one import of openvino. Imports no torch."""

from __future__ import annotations

import sys
from typing import Any

from facesynth.core.errors import DependencyMissing


def openvino_library() -> Any:
    """Import openvino with its telemetry blocked. Raises DependencyMissing.

    The import itself starts a process that reports it to google-analytics.com, and the end of the run waits for that
    process; where the module is blocked openvino takes a mute one of its own in its place.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    try:
        import openvino
    except ImportError as error:
        raise DependencyMissing("openvino", "engines") from error
    return openvino
