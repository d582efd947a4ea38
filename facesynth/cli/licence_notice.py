"""Which licences the weights of a command come under: one line at their first use, remembered in the cache folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from facesynth import weights
from facesynth.core.refs import Digest
from facesynth.store.told import remember, told


def tell_licences(digests: Iterable[Digest], note: Callable[[str], None], cache: Path, *, keep: bool = True) -> None:
    """Tell of the known weights among these whose licence was not told before; `keep` has that remembered.

    A licence that changes is told again. Weights that facesynth does not know are their owner's matter.
    """
    used = set(digests)
    known = {f"{entry.sha256} {entry.licence}": entry for entry in weights.manifest().values() if entry.sha256 in used}
    if not (new := known.keys() - told(cache)):
        return
    names: dict[str, list[str]] = {}
    for line, entry in known.items():
        if line in new:
            names.setdefault(entry.licence, []).append(entry.name)
    listed = "; ".join(f"{', '.join(of)}: {licence}" for licence, of in names.items())
    note(f"licences of the weights used, told once: {listed} (all of them: facesynth weights list)")
    if keep:
        remember(cache, new)
