"""What every evaluation says of itself: what was scored, against what, and what had to be left out."""

from __future__ import annotations

from dataclasses import dataclass

from facesynth.core.refs import Digest, short


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A face or picture that could not be used: its name, the file that is to blame, and why."""

    name: str
    file: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What was scored: its kind, its name or file, and of a network the sha256 of its weights and its precision."""

    kind: str
    name: str
    sha256: Digest | None = None
    precision: str | None = None

    def identified(self) -> str:
        """`parser NAME sha256 0123456789ab`."""
        return identified(self.kind, self.name, self.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What it was compared with: the dataset, the side of a split of it, and names of that side that are not there."""

    data: str
    split: str | None = None
    side: str = "all"
    missing: tuple[str, ...] = ()

    def told(self) -> str:
        """As in the protocol: `DATA, side validation of split FILE`."""
        if self.split is None:
            return self.data
        return f"{self.data}, {'all sides' if self.side == 'all' else f'side {self.side}'} of split {self.split}"


def identified(kind: str, name: str, sha256: Digest | None) -> str:
    """A network or file in words, as in the protocol: `judge NAME sha256 07d0c186eaa2`."""
    return f"{kind} {name}" + (f" sha256 {short(sha256)}" if sha256 else "")
