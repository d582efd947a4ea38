"""Weights files of the published networks' shape with numbers from a seed: none of theirs is on the test machines."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest
import torch
import torch_fidelity.feature_extractor_inceptionv3 as inceptionv3
import torchvision

from facesynth import weights
from facesynth.weights import WeightsFile


def seeded_inception(path: Path, seed: int = 0) -> Path:
    """Write torch-fidelity's InceptionV3, 95 MB."""
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        torch.manual_seed(seed)
        # It has no way to be made without weights.
        patch.setattr(inceptionv3, "load_state_dict_from_url", lambda *_, **__: {})
        patch.setattr(inceptionv3.FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        network = inceptionv3.FeatureExtractorInceptionV3("inception-v3", ["2048"])
    torch.save(network.state_dict(), path)
    return path


def seeded_layers(path: Path, network: str, seed: int = 0) -> Path:
    """Write the convolutions of torchvision's `alexnet` (10 MB) or `vgg16` (59 MB)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = getattr(torchvision.models, network)(weights=None)
    torch.save({name: value for name, value in made.state_dict().items() if name.startswith("features.")}, path)
    return path


def publish(patch: pytest.MonkeyPatch, name: str, file: Path, folder: Path) -> None:
    """Make a file pass for the weights that the manifest knows by a name, as if they had been fetched to `folder`."""
    known = dict(weights.manifest())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    # No package's own: that one has other bytes.
    fetched = dataclasses.replace(known[name], package=None, path=None, pip=None, url="https://nowhere.invalid/x")
    entry = dataclasses.replace(fetched, sha256=digest, size=file.stat().st_size)
    _replace(patch, known | {name: entry})
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, folder / entry.file)
    patch.setenv("FACESYNTH_WEIGHTS", str(folder))


def _replace(patch: pytest.MonkeyPatch, entries: dict[str, WeightsFile]) -> None:
    for place in ("facesynth.weights.entries.manifest", "facesynth.weights.manifest"):
        patch.setattr(place, lambda: entries)
