"""Stages that work on numbers, for testing what runs stages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NoReturn

from facesynth.core.errors import InputError
from facesynth.core.refs import (
    Declined,
    Digest,
    Done,
    Failed,
    Item,
    Origin,
    Outcome,
    Ref,
    Rejected,
    Result,
    sha256_bytes,
)
from facesynth.stages.base import Codec, FileCodec


class Doubled:
    """Doubles numbers; rejects 13, fails on 99 and whatever `on_batch` raises for."""

    name: ClassVar[str] = "doubled"
    version: ClassVar[int] = 1

    def __init__(self, on_batch: Callable[[Sequence[int]], None] = lambda batch: None, factor: int = 2) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self._on_batch = on_batch
        self._factor = factor

    @property
    def config(self) -> Mapping[str, object]:
        return {"factor": self._factor}

    @property
    def weights(self) -> Mapping[str, Digest]:
        return {}

    @property
    def codec(self) -> Codec[int]:
        return FileCodec("number.txt", lambda value: str(value).encode(), lambda data, where: int(data))

    def __call__(self, batch: Sequence[int]) -> list[Outcome[int]]:
        self.batches.append([int(value) for value in batch])
        self.threads.add(threading.get_ident())
        self._on_batch(batch)
        if 99 in batch:
            raise InputError("99 cannot be doubled", where="99")
        return [Rejected("unlucky") if value == 13 else value * self._factor for value in batch]


class Digits:
    """A number's digits, as one artifact of several values."""

    name: ClassVar[str] = "digits"
    version: ClassVar[int] = 1
    config: Mapping[str, object] = {}
    weights: Mapping[str, Digest] = {}

    class Parts:
        main = "digit_00.txt"

        def write(self, value: tuple[int, ...]) -> Mapping[str, bytes]:
            files = {f"digit_{index:02d}.txt": str(digit).encode() for index, digit in enumerate(value)}
            return {**files, "about.json": b"{}"}

        def read(self, folder: Path) -> tuple[int, ...]:
            return tuple(int(path.read_text()) for path in sorted(folder.glob("digit_*.txt")))

        def parts(self, names: Iterable[str]) -> Sequence[str]:
            return sorted(name for name in names if name.startswith("digit_"))

        def read_part(self, folder: Path, index: int) -> int:
            return int((folder / f"digit_{index:02d}.txt").read_text())

    codec = Parts()

    def __call__(self, batch: Sequence[int]) -> list[tuple[int, ...]]:
        return [tuple(int(digit) for digit in str(value)) for value in batch]


def item(value: int, load: Callable[[], int] | None = None) -> Ref[int]:
    return Ref(sha256_bytes(str(value).encode()), Origin(str(value)), load or (lambda: value))


def items(values: Iterable[int]) -> Iterator[Item[int]]:
    return (item(value) for value in values)


def spelled(results: Iterable[Result[int]]) -> list[str]:
    """Each result in a word, with `*` where it was cached."""
    words = []
    for result in results:
        match result:
            case Done():
                words.append(f"{result.origin}={result.ref.load()}" + "*" * result.cached)
            case Declined():
                words.append(f"{result.origin}:{result.reason}" + "*" * result.cached)
            case Failed():
                words.append(f"{result.origin}!{result.error.what}")
    return words


def never(*_: object) -> NoReturn:
    raise AssertionError("this must not be called")
