"""All that is looked at, in turn; what cannot be looked at is told as well."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from facesynth import weights
from facesynth.doctor.cache import check_cache
from facesynth.doctor.check import Check
from facesynth.doctor.devices import check_driver, check_torch
from facesynth.doctor.machine import check_disk, check_memory, check_shared_memory
from facesynth.doctor.packages import check_extras, check_packages, check_python
from facesynth.doctor.weights_files import check_weights


def diagnose(cache: Path, *, python: str = sys.executable) -> Iterator[Check]:
    """Look at everything in turn; packages are tried in processes of their own, which takes some seconds."""
    looks: Mapping[str, Callable[[], Iterable[Check]]] = {
        "python": check_python,
        "packages": lambda: check_packages(python),
        "torch": lambda: check_torch(python),
        "driver": check_driver,
        "memory": check_memory,
        "shared memory": check_shared_memory,
        "cache folder": lambda: check_disk("cache folder", cache, "--cache DIR"),
        "cache": lambda: check_cache(cache),
        "fetched weights": lambda: check_disk("fetched weights", weights.fetched_folder(), "set FACESYNTH_WEIGHTS"),
        "weights": check_weights,
        "extras": check_extras,
    }
    for name, look in looks.items():
        yield from _guarded(name, look)


def _guarded(name: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    """What a look finds; whatever it raises is a finding too, as doctors are called where things are broken."""
    try:
        yield from look()
    except Exception as error:  # noqa: BLE001 - see above
        told = f"could not be looked at ({type(error).__name__}: {error})"
        yield Check(name, "problem", told, "mend what this names; where it names nothing of yours, please report it")
