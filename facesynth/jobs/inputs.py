"""What a job works on: files that were found at its start, or that came to be there since."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from facesynth.core.files import read_file
from facesynth.core.scan import scan
from facesynth.core.sources import SourceFile, Sources
from facesynth.outputs import SHEET, is_sheet


class Inputs(Protocol):
    """The files that a job works on."""

    on_listed: Callable[[int], None] | None
    """Is told how many more there are, when it turns out."""

    def __iter__(self) -> Iterator[SourceFile]:
        """Go through them, any number of times."""

    def __len__(self) -> int:
        """How many are known of by now."""

    def read(self, path: str) -> bytes:
        """The bytes of the one of that path, wherever they lie. Raises ImageError."""


@dataclass(slots=True)
class Arrived:
    """Files that have come to be somewhere."""

    files: Sequence[SourceFile]
    on_listed: Callable[[int], None] | None = None

    def __iter__(self) -> Iterator[SourceFile]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def read(self, path: str) -> bytes:
        """The bytes of a file. Raises ImageError."""
        return read_file(Path(path))


def found_inputs(inputs: Sequence[str | Path], suffixes: frozenset[str], extension: str | None) -> Sources:
    """The files that `inputs` stand for, as `scan` finds them, without contact sheets unless there is nothing else.

    Raises UsageError where that is nothing at all.
    """
    found = scan(inputs, suffixes=suffixes, extension=extension)
    sources = found.without(SHEET, is_sheet)
    return sources if len(sources) or sources.archives else found
