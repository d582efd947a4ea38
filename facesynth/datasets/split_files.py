"""Making split files: of a dataset's manifest or of a folder of pairs, by seed, by person, or as the dataset has it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from facesynth.core.errors import ConfigError, OutputError, UsageError
from facesynth.core.files import replacing
from facesynth.datasets.manifest import MANIFEST_NAME, SIDES, Manifest, Sample, manifest_at
from facesynth.datasets.pairs import find_pairs
from facesynth.datasets.splitting import SPLIT_FORMAT, Split, check_fractions, divide, drawn

FRACTIONS = (0.8, 0.1, 0.1)
By = Literal["name", "identity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """How to divide: into shares by seed, by name or by identity, all faces or a sample of them.

    With `division` the sides are those that the dataset itself names (`official`, `published`), and fractions and `by`
    do not count. Raises UsageError.
    """

    fractions: tuple[float, ...] = FRACTIONS
    seed: int = 0
    by: By = "name"
    sample: int | None = None
    division: str | None = None

    def __post_init__(self) -> None:
        check_fractions(self.fractions)
        if self.sample is not None and self.sample < 1:
            raise UsageError(f"a sample of {self.sample} faces", hint="draw at least one")


@dataclass(frozen=True, slots=True)
class MadeSplit:
    """A split, what it was made from and how, and what is worth saying of it."""

    split: Split
    dataset: str
    plan: SplitPlan
    notes: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """Write the split file in one step. OutputError where it cannot be written, or another file would be lost."""
        try:
            if path.exists():
                Split.read(path)
        except ConfigError as error:
            raise OutputError("another file is there", where=path, hint="give a name that is free") from error
        with replacing(path) as draft:
            draft.write_text(self.text(), encoding="utf-8")

    def text(self) -> str:
        """What the split file holds."""
        return json.dumps(self._content(), indent=1) + "\n"

    def _content(self) -> dict[str, Any]:
        plan, content = self.plan, dict[str, Any](format=SPLIT_FORMAT, dataset=self.dataset)
        if plan.division is None:
            content |= {"seed": plan.seed, "by": plan.by, "fractions": list(plan.fractions)}
        else:
            content |= {"seed": None if plan.sample is None else plan.seed, "by": None, "fractions": None}
            content["from"] = plan.division
        if plan.sample is not None:
            content["sample"] = plan.sample
        return content | {side: sorted(self.split.names(side)) for side in SIDES}


def make_split(target: Path, plan: SplitPlan) -> MadeSplit:
    """Divide the faces of a manifest (or of the folder it lies in) or of a folder with `images/` and `labels/`.

    Raises UsageError for a target that is neither, and for a plan that does not fit it.
    """
    source = _open(target)
    return _as_named(source, plan) if plan.division is not None else _by_seed(source, plan)


@dataclass(frozen=True, slots=True)
class _Source:
    """A dataset whose faces have names, and perhaps identities and sides."""

    path: Path
    dataset: str
    manifest: Manifest | None

    def faces(self, told: Callable[[Sample], str | None]) -> dict[str, str | None]:
        """The faces by name, each with what is told of it."""
        if self.manifest is None:
            return dict.fromkeys(pair.name for pair in find_pairs(self.path))
        known: dict[str, str | None] = {}
        for sample in self.manifest:
            value = told(sample)
            known[sample.name] = None if value is None else sys.intern(value)
        if not known:
            raise UsageError("no faces in it", where=self.path)
        return known

    def divisions(self) -> list[str]:
        return sorted({name for sample in self.manifest or () for name in sample.split})


def _open(target: Path) -> _Source:
    if (listed := manifest_at(target)) is not None:
        manifest = Manifest.open(listed)
        return _Source(listed, manifest.about.name, manifest)
    if not target.exists():
        raise UsageError("no such file or folder", where=target)
    if not ((target / "images").is_dir() and (target / "labels").is_dir()):
        raise UsageError(
            f"no {MANIFEST_NAME} in it, nor images/ and labels/",
            where=target,
            hint="run: facesynth dataset import --help",
        )
    return _Source(target, target.resolve().name, None)


def _by_seed(source: _Source, plan: SplitPlan) -> MadeSplit:
    by_identity = plan.by == "identity"
    identities = source.faces(lambda sample: sample.identity if by_identity else None)
    alone = sum(identity is None for identity in identities.values())
    if by_identity and alone == len(identities):
        raise UsageError("none of its faces has an identity", where=source.path, hint="leave out --by identity")

    def unit(name: str) -> str:
        identity = identities[name]
        # No person has the key of a face without one.
        return name if not by_identity else f"face {name}" if identity is None else f"person {identity}"

    split = divide(((name, unit(name)) for name in _chosen(source, identities, plan)), plan.fractions, plan.seed)
    notes = list(_emptied(split, plan))
    if by_identity and alone:
        notes.insert(0, f"{alone} of {len(identities)} faces have no identity: each counts as a person of its own")
    return MadeSplit(split, source.dataset, plan, tuple(notes))


def _as_named(source: _Source, plan: SplitPlan) -> MadeSplit:
    division = plan.division or ""
    sides = source.faces(lambda sample: sample.split.get(division))
    left_out = sum(side is None for side in sides.values())
    if left_out == len(sides):
        known = source.divisions()
        raise UsageError(
            f"it has no split named {division}",
            where=source.path,
            hint=f"it has: {', '.join(known)}" if known else "it has none of its own: leave out --from",
        )
    if unknown := {side for side in sides.values() if side is not None and side not in SIDES}:
        raise ConfigError(f"{division} has a side {min(unknown)!r}", where=source.path)
    names = _chosen(source, [name for name, side in sides.items() if side is not None], plan)
    by_side: dict[str, list[str]] = {side: [] for side in SIDES}
    for name in names:
        by_side[sides[name] or ""].append(name)
    notes = [f"{left_out} of {len(sides)} faces are on no side of {division}: left out"] if left_out else []
    split = Split(**{side: frozenset(chosen) for side, chosen in by_side.items()})
    return MadeSplit(split, source.dataset, plan, tuple(notes))


def _chosen(source: _Source, names: Collection[str], plan: SplitPlan) -> Collection[str]:
    """The names, or the plan's sample of them."""
    if plan.sample is None:
        return names
    if len(names) < plan.sample:
        raise UsageError(f"{plan.sample} faces cannot be drawn from {len(names)}", where=source.path)
    return drawn(names, plan.sample, plan.seed)


def _emptied(split: Split, plan: SplitPlan) -> Iterator[str]:
    for side, share in zip(SIDES, plan.fractions, strict=False):
        if share and not split.names(side):
            yield f"no face is left for {side}: there are too few"
