"""Stages of numbers that other processes can make again: they are dataclasses, and all they do is in their fields."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from facesynth.core.errors import InputError, WeightsMissing
from facesynth.core.refs import Digest, Origin, Outcome, Ref, Rejected, sha256_bytes
from facesynth.stages.base import FileCodec


def _encode(value: int) -> bytes:
    return str(value).encode()


def _decode(data: bytes, where: str) -> int:
    return int(data)


@dataclass(slots=True)
class Tripled:
    """Triples numbers; rejects 13, fails on 99, ends the run at 98, has a bug at 97, and dies over 96.

    Each batch is noted in `notes`, as a file that is called by the process and holds the numbers; it takes `seconds`.
    The batch that holds `once` kills its worker the first time it is seen. None is done before `together` processes
    have begun one.
    """

    name: ClassVar[str] = "tripled"
    version: ClassVar[int] = 1
    codec: ClassVar[FileCodec[int]] = FileCodec("number.txt", _encode, _decode)

    notes: Path
    seconds: float = 0.0
    once: int | None = None
    factor: int = 3
    together: int = 1

    @property
    def config(self) -> Mapping[str, object]:
        return {"factor": self.factor}

    @property
    def weights(self) -> Mapping[str, Digest]:
        return {}

    def __call__(self, batch: Sequence[int]) -> list[Outcome[int]]:
        note = self.notes / f"{os.getpid()}-{time.monotonic_ns()}"
        draft = note.with_suffix(".part")
        draft.write_text(" ".join(map(str, batch)))
        draft.rename(note)
        time.sleep(self.seconds)
        until = time.monotonic() + 60
        while len(self.batches()) < self.together and time.monotonic() < until:
            time.sleep(0.02)
        if 96 in batch or (self.once in batch and first_time(self.notes / "once")):
            os.kill(os.getpid(), signal.SIGKILL)
        if 97 in batch:
            raise TypeError("a bug")
        if 98 in batch:
            raise WeightsMissing("there are no weights for 98")
        if 99 in batch:
            raise InputError("99 cannot be tripled", where="99")
        return [Rejected("unlucky") if value == 13 else value * self.factor for value in batch]

    def batches(self) -> dict[int, list[list[int]]]:
        """The batches that each process has begun, by its id, in order."""
        found: dict[int, list[list[int]]] = {}
        notes = [path for path in self.notes.glob("*-*") if not path.suffix]
        for note in sorted(notes, key=lambda path: int(path.name.partition("-")[2])):
            numbers = [int(one) for one in note.read_text().split()]
            found.setdefault(int(note.name.partition("-")[0]), []).append(numbers)
        return found


def first_time(mark: Path) -> bool:
    """Whether nobody has asked this of that file before, in any process."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def number(value: int) -> Ref[int]:
    """A number as an item that can be sent."""
    return Ref(sha256_bytes(str(value).encode()), Origin(str(value)), partial(int, value))
