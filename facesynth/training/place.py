"""Which of the ranks of a training run a process is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facesynth.training.others import First, Others


@dataclass(frozen=True, slots=True)
class Place:
    """Which rank a process is, of how many, on how many machines.

    They meet at a port of this machine, or where Slurm says, if it was `srun` that started them; `others` are whom a
    process has started itself, or who has started it.
    """

    rank: int = 0
    ranks: int = 1
    port: int = 0
    nodes: int = 1
    srun: bool = False
    others: Others | First | None = field(default=None, compare=False, repr=False)

    @property
    def here(self) -> int:
        """How many of them are on this machine."""
        return self.ranks // self.nodes


ALONE = Place()
