"""Whether the cache can be used: what it holds, and whether a sample of that is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from facesynth.core.errors import CacheError
from facesynth.doctor.check import Check, spelled
from facesynth.store.sampling import examine


def check_cache(root: Path) -> Iterator[Check]:
    """The cache's entries and size, a sample of its entries read and compared, and what interrupted runs left there."""
    try:
        found = examine(root)
    except CacheError as error:
        yield Check("cache", "problem", f"{error.where}: {error.what}", error.hint)
        return
    except OSError as error:
        told = f"{error.filename or root} cannot be read ({error.strerror or error})"
        yield Check("cache", "problem", told, "give yourself the right to read it, or choose another: --cache DIR")
        return
    about = "" if found.exact else "about "
    told = f"{about}{found.entries} entries, {about}{spelled(found.size)}; {found.checked} of them read again"
    if found.damaged:
        first = found.damaged[0]
        told += f", {len(found.damaged)} damaged, such as {first.folder}: {first.reason}"
        yield Check(
            "cache", "warning", told, "they are made anew where they are needed; facesynth cache verify --remove"
        )
    else:
        yield Check("cache", "ok", told if found.entries else "empty")
    if found.leftovers:
        told = f"{found.leftovers} half-written entries of interrupted runs, {spelled(found.leftover_size)}"
        yield Check("cache leftovers", "warning", told, "run: facesynth cache gc")
