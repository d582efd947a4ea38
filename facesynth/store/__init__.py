"""The content-addressed artifact cache: ordinary files in immutable folders, each published by one rename."""

from facesynth.store.artifacts import ArtifactStore, discard, written_to
from facesynth.store.collection import Collected, collect
from facesynth.store.entries import Entry
from facesynth.store.inspection import Damage, StageUse, find, list_entries, summarize, verify
from facesynth.store.pinning import pinned
from facesynth.store.recipes import Recipe

__all__ = [
    "ArtifactStore",
    "Collected",
    "Damage",
    "Entry",
    "Recipe",
    "StageUse",
    "collect",
    "discard",
    "find",
    "list_entries",
    "pinned",
    "summarize",
    "verify",
    "written_to",
]
