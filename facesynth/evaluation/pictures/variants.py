"""How a set of pictures came about: painted in each photo's own style, by a seed, or given."""

from __future__ import annotations

from dataclasses import dataclass

from facesynth.evaluation.pictures.results import Setting


@dataclass(frozen=True, slots=True)
class Variant:
    """A set of pictures by its setting, and by its seed where that is `by seed`."""

    setting: Setting
    seed: int | None = None

    def __str__(self) -> str:
        return self.setting if self.seed is None else f"by seed {self.seed}"


OWN = Variant("own style")
GIVEN = Variant("pictures")
