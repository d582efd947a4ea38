"""What a published layout has to say of itself, so that `import_dataset` can take it in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Protocol, runtime_checkable

from facesynth.datasets.manifest import Description, Sample

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A face that a layout says should be there, before any of its files is opened.

    `files` are all that its row is made from, whether they exist or not: an import that goes on makes a row anew when
    one of them has another size, time or place on the disk. The first is the image, and `md5` what the dataset itself
    says of its bytes.
    """

    name: str
    files: tuple[Path, ...]
    identity: str | None = None
    attributes: tuple[str, ...] = ()
    split: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    landmarks: tuple[tuple[float, float], ...] = ()
    md5: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The row of an entry, the files that were written for it, and what is odd in it (`no mask of the nose`)."""

    sample: Sample
    written: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()


class Layout(Protocol):
    """One dataset as published, found in a folder. Making one looks for its parts and raises UsageError that names
    each part that is missing and where it was looked for."""

    @property
    def about(self) -> Description: ...

    def __len__(self) -> int:
        """How many entries there are, as far as cheap listing tells."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Yield all entries in a fixed order, in constant memory."""
        ...

    def make(self, entry: Entry, output: Path) -> Made:
        """Open and check the files of an entry, write what has to be made (below `output`), and return its row.

        Called from several threads. InputError when the face cannot be used; nothing half-written stays behind.
        """
        ...

    def notes(self) -> Sequence[str]:
        """What is worth saying of the dataset as a whole (`no identity file: there will be no identities`)."""
        ...


@runtime_checkable
class MakesFiles(Protocol):
    """What a layout also says of itself when it writes files.

    `folders` are names of folders below the output that it fills: an import refuses to write into one that is there
    already and that no import made. `settings` is what its files depend on besides the entry, such as their size: with
    others everything is made anew, and so it is with another `version`, which is raised where other files are made of
    the same entries.
    """

    version: ClassVar[int]

    @property
    def folders(self) -> tuple[str, ...]: ...

    @property
    def settings(self) -> str: ...
