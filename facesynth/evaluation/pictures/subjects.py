"""Who was scored against whom, in which settings, by which networks: what an evaluation of pictures says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from facesynth.core.refs import Digest
from facesynth.evaluation.subjects import Source, Subject, identified

Setting: TypeAlias = Literal["own style", "by seed", "pictures"]
"""How pictures came about: in the style of the photo whose label map it is, in styles drawn from seeds, or unknown."""

SETTINGS: tuple[Setting, ...] = ("own style", "by seed", "pictures")


@dataclass(frozen=True, slots=True)
class Variant:
    """A set of pictures by its setting, and by its seed where that is `by seed`."""

    setting: Setting
    seed: int | None = None

    def __str__(self) -> str:
        return self.setting if self.seed is None else f"by seed {self.seed}"


OWN = Variant("own style")
GIVEN = Variant("pictures")


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkUsed:
    """A network that took part: its role (`generator`, `judge`, `features`, …), its name, the sha256 of its weights.

    `kind` is what the manifest calls it, None for a file of the user's.
    """

    role: str
    name: str
    sha256: Digest | None = None
    kind: str | None = None

    def told(self) -> str:
        """As in the protocol: `judge judge-efl0-256-v1 sha256 07d0c186eaa2`."""
        return identified(self.role, self.name, self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class PicturesSubject(Subject):
    """What was scored: a generator (`kind` "generator") by name, or a folder of pictures (`kind` "pictures").

    `size` is (width, height) of the pictures, at which everything is compared. `seeds` are those that were painted.
    `device` is what networks ran on, None where everything came from the cache. `of_seeds`: its pictures are painted
    of a seed each, and of no label map.
    """

    kind: Literal["generator", "pictures"]
    size: tuple[int, int]
    count: int
    seeds: tuple[int, ...] = ()
    device: str | None = None
    of_seeds: bool = False

    @property
    def has_styles(self) -> bool:
        """Whether its pictures can be in the style of the photo whose label map they are painted from."""
        return self.kind == "generator" and not self.of_seeds

    def told(self) -> str:
        """As in the protocol: `generator NAME sha256 f650b24dd3a1, float32, 128×128`."""
        precision = [self.precision] if self.precision else []
        return ", ".join([self.identified(), *precision, f"{self.size[0]}×{self.size[1]}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RealSet(Source):
    """The real pictures: where they lie, which side of which split, how many, at what size they lay there.

    `digest` is one sha256 over all that was used, whatever its order. `missing` are names of the split that no face
    here has.
    """

    count: int
    sizes: tuple[tuple[int, int], ...]
    digest: Digest | None = None

    def told(self) -> str:
        """As in the protocol: `74 real of DATA, side validation of split FILE`."""
        return f"{self.count} real of {Source.told(self)}"
