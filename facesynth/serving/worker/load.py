"""What a worker process loads by default; imported by the server too, which must not import torch."""

from __future__ import annotations

from facesynth.serving.settings import Settings
from facesynth.serving.worker.process import Computing


def load_computing(settings: Settings, device: str) -> Computing:
    """The predictors that the settings name, on a device."""
    from facesynth.serving.worker.predictors import Predictors

    return Predictors(settings, device)
