"""Who was scored against whom, and by which networks: what an evaluation of pictures says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from facesynth.core.refs import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A face or picture that could not be used: its name, the file that is to blame, and why."""

    name: str
    file: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A network that took part: its role (`generator`, `judge`, `features`, …), its name, the sha256 of its weights.

    `kind` is what the manifest calls it, None for a file of the user's.
    """

    role: str
    name: str
    sha256: Digest | None = None
    kind: str | None = None

    def told(self) -> str:
        """As in the protocol: `judge judge-efl0-256-v1 sha256 07d0c186eaa2`."""
        return f"{self.role} {self.name}" + (f" sha256 {self.sha256[:12]}" if self.sha256 else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was scored: a generator (`kind` "generator") by name, or a folder of pictures (`kind` "pictures").

    `size` is (width, height) of the pictures, at which everything is compared. `seeds` are those that were painted.
    `device` is what networks ran on, None where everything came from the cache.
    """

    kind: Literal["generator", "pictures"]
    name: str
    size: tuple[int, int]
    count: int
    sha256: Digest | None = None
    seeds: tuple[int, ...] = ()
    precision: str | None = None
    device: str | None = None

    def told(self) -> str:
        """As in the protocol: `generator NAME sha256 f650b24dd3a1, float32, 128×128`."""
        parts = [f"{self.kind} {self.name}" + (f" sha256 {self.sha256[:12]}" if self.sha256 else "")]
        parts += [self.precision] if self.precision else []
        return ", ".join([*parts, f"{self.size[0]}×{self.size[1]}"])


@dataclass(frozen=True, slots=True, kw_only=True)
class RealSet:
    """The real pictures: where they lie, which side of which split, how many, at what size they lay there.

    `digest` is one sha256 over all that was used, whatever its order. `missing` are names of the split that no face
    here has.
    """

    data: str
    count: int
    sizes: tuple[tuple[int, int], ...]
    digest: Digest | None = None
    split: str | None = None
    side: str = "all"
    missing: tuple[str, ...] = ()

    def told(self) -> str:
        """As in the protocol: `74 real of DATA, side validation of split FILE`."""
        place = f"{self.count} real of {self.data}"
        if self.split is None:
            return place
        return f"{place}, {'all sides' if self.side == 'all' else f'side {self.side}'} of split {self.split}"
