"""Output names for inputs that come one after the other: what has a name keeps it, who comes later gives way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from facesynth.core.errors import OutputError
from facesynth.core.scan import SourceFile
from facesynth.outputs.names import FACE_TAIL, LEVELS, folded, is_sheet_name, mirrored_names, spelled


class NameBook:
    """The output names, without suffix, of inputs by their paths.

    Those that are there at first are named by `mirrored_names`, all at once. A later one is named as if it were alone,
    and where an earlier one has that name, or faces of either would have the other's, it tells more of itself: `a.png`
    that comes when `a.jpg` is there is `a_png`.
    """

    def __init__(self, *, tail: str = FACE_TAIL) -> None:
        self._tail, self._numbered = tail, re.compile(rf"(.+)_(?:{tail})", re.DOTALL)
        self._names: dict[str, str] = {}
        self._taken: Counter[str] = Counter()
        self._of_faces: Counter[str] = Counter()  # names whose numbered ones are taken

    def __len__(self) -> int:
        return len(self._names)

    def add(self, sources: Sequence[SourceFile]) -> None:
        """Name those that have no name yet. Raises OutputError for one that cannot be told apart from others."""
        if not self._names:
            for path, name in mirrored_names(sources, tail=self._tail).items():
                self._take(str(path), str(name))
        for source in sources:
            if str(source.path) not in self._names:
                self._take(str(source.path), self._free(source))

    def of(self, sources: Iterable[SourceFile]) -> Mapping[str, PurePosixPath]:
        """The names of inputs that have one, by their paths."""
        return {path: PurePosixPath(self._names[path]) for source in sources if (path := str(source.path))}

    def forget(self, paths: Iterable[str]) -> None:
        """Give up the names of inputs that are gone."""
        for path in paths:
            if (name := self._names.pop(path, None)) is not None:
                self._count(name, -1)

    def _free(self, source: SourceFile) -> str:
        for level in range(LEVELS + 1):
            name = str(spelled(source.relative, source, level))
            if not self._clashes(name) and (level or not is_sheet_name(name)):
                return name
        raise OutputError("has the output name of another input", where=source.path, hint="rename it")

    def _clashes(self, name: str) -> bool:
        key = folded(name)
        match = self._numbered.fullmatch(key)
        return key in self._taken or key in self._of_faces or (match is not None and match[1] in self._taken)

    def _take(self, path: str, name: str) -> None:
        self._names[path] = name
        self._count(name, 1)

    def _count(self, name: str, change: int) -> None:
        key = folded(name)
        match = self._numbered.fullmatch(key)
        for counts, counted in ((self._taken, key), (self._of_faces, match[1] if match else None)):
            if counted is not None:
                counts[counted] += change
                if not counts[counted]:
                    del counts[counted]
