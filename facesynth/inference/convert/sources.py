"""The files of a checkpoint: what each of them holds, and which of them lie beside one that was named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from facesynth.core.errors import UsageError, WeightsError
from facesynth.core.refs import Digest, sha256_bytes
from facesynth.inference.convert.kinds import KINDS, Kind
from facesynth.inference.convert.reading import decode_state, read_bytes

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a checkpoint and its tensors, without a prefix such as DataParallel's `module.`."""

    path: Path
    sha256: Digest
    state: Mapping[str, Tensor]


def read_sources(paths: Sequence[Path]) -> tuple[str, dict[str, Source]]:
    """The kind of a checkpoint, and its files by role; beside a single one that leads others, those that it leads.

    Raises UsageError for files that are not of one checkpoint, and WeightsError where one cannot be read or is unknown.
    """
    found: dict[str, Source] = {}
    kinds: list[str] = []
    for path in paths:
        name, role, source = _read(path)
        if kinds and name != kinds[0]:
            raise UsageError(f"is of the kind {name}, the first of {kinds[0]}", where=path, hint="convert one a time")
        if role in found:
            raise UsageError(f"is a {role}, as {found[role].path} is", where=path, hint="name one of them")
        kinds.append(name)
        found[role] = source
    kind = KINDS[kinds[0]]
    lead = next(iter(kind.roles))
    if lead not in found:
        role, source = next(iter(found.items()))
        other = beside(source.path, kind.roles[role].letter, kind.roles[lead].letter)
        hint = f"name its {lead} too{f', {other}' if other else ''}"
        raise UsageError(
            f"is an {role} alone" if role[0] in "aeiou" else f"is a {role} alone", where=source.path, hint=hint
        )
    if len(paths) == 1:
        found |= dict(_led(found[lead].path, kinds[0], kind, lead))
    return kinds[0], {role: found[role] for role in kind.roles if role in found}


def beside(path: Path, letter: str | None, other: str | None) -> Path | None:
    """The file beside that is named alike, `_E` at its end where this one has `_G`; None where there is none."""
    if letter is None or other is None:
        return None
    stem = re.sub(rf"(?<![A-Za-z0-9]){letter}$", other, path.stem)
    companion = path.with_name(f"{stem}{path.suffix}")
    return companion if stem != path.stem and companion.is_file() else None


def _led(path: Path, name: str, kind: Kind, lead: str) -> Iterator[tuple[str, Source]]:
    for role, each in kind.roles.items():
        companion = None if role == lead else beside(path, kind.roles[lead].letter, each.letter)
        if companion is not None:
            theirs, held, source = _read(companion)
            if (theirs, held) != (name, role):
                hint = f"name {path} together with the files that belong to it, or move this one away"
                raise WeightsError(f"is no {role} of {name}, as its name says", where=companion, hint=hint)
            yield role, source


def _read(path: Path) -> tuple[str, str, Source]:
    data = read_bytes(path)
    state = decode_state(data, path)
    name, role, prefix = _recognised(state, path)
    return (
        name,
        role,
        Source(path, sha256_bytes(data), {key.removeprefix(prefix): value for key, value in state.items()}),
    )


def _recognised(state: Mapping[str, Tensor], where: Path) -> tuple[str, str, str]:
    """The kind and role of a file, and what comes before its tensors' names (`module.` after DataParallel)."""
    for name, kind in KINDS.items():
        for role, each in kind.roles.items():
            for key in state:
                if key == each.signature or key.endswith(f".{each.signature}"):
                    return name, role, key.removesuffix(each.signature)
    known = "; ".join(f"{name}, {kind.about}" for name, kind in KINDS.items())
    what = f"its {len(state)} tensors ({listed(state)}) are of no kind that can be converted"
    raise WeightsError(what, where=where, hint=f"the known kinds: {known}")


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
