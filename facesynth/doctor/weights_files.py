"""Whether the weights that the manifest knows lie here, and are what they should be."""

from __future__ import annotations

from collections.abc import Iterator

from facesynth import weights
from facesynth.core.errors import WeightsDamaged, WeightsError, WeightsMissing
from facesynth.doctor.check import Check


def check_weights() -> Iterator[Check]:
    """Each entry of the manifest: verified by its sha256, absent though optional, missing, or damaged."""
    try:
        entries = weights.manifest()
    except WeightsError as error:
        yield Check("weights", "problem", str(error), "install facesynth again")
        return
    for entry in entries.values():
        name = f"weights {entry.name}"
        try:
            path = weights.find(entry)
        except WeightsMissing:
            yield Check(name, "absent" if entry.optional else "problem", "not on this disk", entry.how_to_get)
        except WeightsDamaged as error:
            yield Check(name, "problem", f"{error.where}: {error.what}", error.hint)
        except (ImportError, ValueError) as error:  # a package that cannot even be searched for
            yield Check(name, "problem", f"cannot be looked for in {entry.package} ({error})", entry.how_to_get)
        else:
            yield Check(name, "ok", f"sha256 verified, {path}")
