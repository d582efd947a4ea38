"""Images that are named by numbers of a fixed width, as a byte each: which are there, and where."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from facesynth.core.errors import UsageError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_GROUP = 1000

_Form = tuple[bool, str]
"""How an image lies: whether outside of sub-folders, and its suffix. Of two, the smaller one is preferred."""


class NumberedImages:
    """The images of a folder such as 00042.png, in it or in its sub-folders of a thousand each (00000/, 01000/ …).

    `others` counts the images whose names or places are different. Raises UsageError for a folder that cannot be
    listed; a sub-folder that cannot is one that is not there.
    """

    def __init__(self, folder: Path, digits: int, *, grouped: bool, suffix: str) -> None:
        """List `folder`; `grouped` and `suffix` say where an image is looked for that is not there."""
        self.folder = folder
        self.others = 0
        self.groups: set[str] = set()
        self._digits = digits
        self._published: _Form = (not grouped, suffix)
        self._forms: list[_Form] = []
        self._seen: Counter[_Form] = Counter()
        self._form_of = bytearray(10**digits)  # 0: not there, else 1 + the index of its form
        self._count = 0
        try:
            self._list(folder, None)
        except OSError as error:
            raise UsageError(f"cannot be listed ({error.strerror or error})", where=folder) from error

    def __len__(self) -> int:
        return self._count

    def __contains__(self, number: int) -> bool:
        return self._form_of[number] > 0

    def __iter__(self) -> Iterator[int]:
        """Yield the numbers of the images that are there, rising."""
        return (number for number, form in enumerate(self._form_of) if form)

    @property
    def grouped(self) -> bool:
        """Whether there are sub-folders of a thousand images each."""
        return bool(self.groups)

    def name(self, number: int) -> str:
        """The number as the files spell it."""
        return f"{number:0{self._digits}}"

    def group(self, number: int) -> str:
        """The sub-folder that an image belongs to where they are grouped."""
        return self.name(number // _GROUP * _GROUP)

    def path(self, number: int) -> Path:
        """Where the image lies, or should lie."""
        known = self._form_of[number]
        flat, suffix = self._forms[known - 1] if known else self._usual()
        name = self.name(number) + suffix
        return self.folder / name if flat else self.folder / self.group(number) / name

    def _list(self, folder: Path, group: str | None) -> None:
        with os.scandir(folder) as entries:
            for entry in entries:
                stem, suffix = os.path.splitext(entry.name)
                if suffix.lower() in SUFFIXES:
                    self._note(stem, suffix, group)
                elif group is None and self._is_number(entry.name) and entry.is_dir():
                    try:
                        self._list(folder / entry.name, entry.name)
                        self.groups.add(entry.name)
                    except OSError:
                        continue

    def _note(self, stem: str, suffix: str, group: str | None) -> None:
        if not self._is_number(stem) or (group is not None and group != self.group(int(stem))):
            self.others += 1
            return
        number, form = int(stem), (group is None, suffix)
        self._seen[form] += 1
        if form not in self._forms:
            self._forms.append(form)
        known = self._form_of[number]
        self._count += not known
        # Of several files with one number the choice must not depend on the order of the listing.
        if not known or form < self._forms[known - 1]:
            self._form_of[number] = self._forms.index(form) + 1

    def _usual(self) -> _Form:
        """How most images lie."""
        return min(self._seen, key=lambda form: (-self._seen[form], form), default=self._published)

    def _is_number(self, text: str) -> bool:
        return len(text) == self._digits and text.isascii() and text.isdigit()
