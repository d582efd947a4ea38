"""Which parser made a dataset's label maps, as far as that is written beside them, and what follows for a judge."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from facesynth import weights
from facesynth.core.errors import InputError
from facesynth.core.files import read_file
from facesynth.core.refs import Digest
from facesynth.evaluation.pictures.subjects import NetworkUsed

_REPORT = "report.json"


def label_makers(data: Path) -> frozenset[Digest]:
    """The sha256 of the parsers that `segment` says in its report.json, beside the data, to have made its labels by."""
    folder = data if data.is_dir() else data.parent
    try:
        told = json.loads(read_file(folder / _REPORT))
        found = told["weights"]
        return frozenset(digest for role, digest in found.items() if role.startswith("segment/"))
    except (InputError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return frozenset()


def network(role: str, name: str, sha256: Digest) -> NetworkUsed:
    """A network by its name or file; its kind is the manifest's, by name or by bytes."""
    known = weights.manifest()
    entry = known.get(name) or next((one for one in known.values() if one.sha256 == sha256), None)
    return NetworkUsed(role=role, name=name, sha256=sha256, kind=None if entry is None else entry.kind)


def judge_warnings(judge: NetworkUsed, makers: frozenset[Digest]) -> Iterator[str]:
    """Why this judge's word is to be doubted."""
    if judge.sha256 in makers:
        yield f"{judge.name} made these label maps itself: what it finds again is what it saw before"
    if judge.kind != "judge":
        kind = "a weights file that the manifest does not know" if judge.kind is None else f"a {judge.kind}"
        yield f"{judge.name} is {kind}, not a judge: a generator may have been trained with it"
