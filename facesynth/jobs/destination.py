"""Where a job's results go: files in the output folder, archives in it, or in a dry run nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Protocol, TypeAlias, TypeVar

from facesynth.core.refs import Done, Origin
from facesynth.outputs import Member, OutputTree

Output: TypeAlias = PurePosixPath | Member
"""A result that lies in its place; or where it is packed, one that goes into an archive when its item is finished."""

Taken = TypeVar("Taken", PurePosixPath, Member)


class Destination(Protocol[Taken]):
    """Takes results as they are made, and items as they are finished."""

    def place(self, result: Done[Any], file: str, relative: PurePosixPath) -> Taken:
        """Take one file of a result, to be called `relative` among the outputs. Raises CacheError, OutputError,
        OSError."""

    def write(self, data: Callable[[], bytes], relative: PurePosixPath) -> Taken:
        """Take bytes that no stage keeps, as `place` does."""

    def finish(self, origin: Origin, outputs: Iterable[Taken], tell: Callable[[Sequence[str]], None]) -> None:
        """Take an item that is finished; `tell` hears where its outputs are, once they can be found there.

        Raises CacheError or OutputError for what is wrong with this item, OSError where nothing can be written.
        """

    def complete(self) -> None:
        """Put in its place what waits for more: no more comes. Raises OSError."""

    def abandon(self) -> int:
        """Drop what waits; how many items were finished and are in no place now."""


class _AtOnce:
    """What nothing waits in."""

    def finish(self, origin: Origin, outputs: Iterable[PurePosixPath], tell: Callable[[Sequence[str]], None]) -> None:
        """Tell of it at once."""
        tell([str(output) for output in outputs])

    def complete(self) -> None:
        """Nothing is left to do."""

    def abandon(self) -> int:
        """There is nothing to drop."""
        return 0


@dataclass(frozen=True, slots=True)
class Files(_AtOnce):
    """A file each, in its place at once."""

    tree: OutputTree

    def place(self, result: Done[Any], file: str, relative: PurePosixPath) -> PurePosixPath:
        """Copy it; a damaged one is made anew first."""
        assert result.artifact is not None  # a session always has a store
        result.artifact.with_file(file, lambda path, stamp: self.tree.copy(path, stamp, relative))
        return relative

    def write(self, data: Callable[[], bytes], relative: PurePosixPath) -> PurePosixPath:
        """Write it."""
        self.tree.write(data(), relative)
        return relative


class Nowhere(_AtOnce):
    """Says of results where they would go."""

    def place(self, result: Done[Any], file: str, relative: PurePosixPath) -> PurePosixPath:
        """Leave it where it is."""
        return relative

    def write(self, data: Callable[[], bytes], relative: PurePosixPath) -> PurePosixPath:
        """Do not even make it."""
        return relative
