"""Weights files: what the manifest knows, where each lies, whether it is whole, and how to get it. No torch."""

from facesynth.weights.entries import WeightsFile, data_folder, default_name, entry_of, manifest, read_manifest
from facesynth.weights.fetching import Progress, download, fetch
from facesynth.weights.places import (
    candidates,
    check,
    fetched_folder,
    find,
    locate,
    read_header,
    sha256_of,
    user_folder,
)

__all__ = [
    "Progress",
    "WeightsFile",
    "candidates",
    "check",
    "data_folder",
    "default_name",
    "download",
    "entry_of",
    "fetch",
    "fetched_folder",
    "find",
    "locate",
    "manifest",
    "read_header",
    "read_manifest",
    "sha256_of",
    "user_folder",
]
