"""A dataset of text files, so that importing can be watched: of each a new file is made, in upper case."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from facesynth.core.errors import InputError
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.manifest import Description, Sample


class TextLayout:
    """Files of a folder by name. A text `bad` cannot be used, `odd` is warned of, and `slow` seconds go by for each."""

    version: ClassVar[int] = 1
    folders = ("upper",)

    def __init__(self, folder: Path, *, name: str = "texts", settings: str = "", slow: float = 0.0) -> None:
        self.folder, self.settings, self._name, self._slow = folder, settings, name, slow
        self.made: list[str] = []
        self.listed = 0

    @property
    def about(self) -> Description:
        return Description(name=self._name)

    def __len__(self) -> int:
        return len(list(self.folder.iterdir()))

    def entries(self) -> Iterator[Entry]:
        for path in sorted(self.folder.iterdir()):
            self.listed += 1
            yield Entry(name=path.stem, files=(path,), split={"by letter": "train" if path.stem < "m" else "test"})

    def make(self, entry: Entry, output: Path) -> Made:
        self.made.append(entry.name)
        data = entry.files[0].read_bytes()
        # The first of every few takes longest, so that threads finish in another order than they began.
        time.sleep(self._slow * (3 if len(self.made) % 4 == 0 else 1))
        if data == b"bad":
            raise InputError("cannot be used", where=entry.files[0], hint="mend it")
        upper = output / "upper" / f"{entry.name}.txt"
        draft = upper.with_name(f".{upper.name}.part")
        draft.write_bytes((data + self.settings.encode()).upper())
        draft.rename(upper)
        digest = hashlib.sha256(data).hexdigest()
        sample = Sample(
            name=entry.name, image=entry.files[0], sha256=digest, labels=upper, split=entry.split, attributes=("a", "b")
        )
        return Made(sample=sample, written=(upper,), warnings=("is odd",) if data == b"odd" else ())

    def notes(self) -> Sequence[str]:
        return ("they are texts",)


def write_texts(folder: Path, count: int) -> Path:
    """Fill `folder` with `count` short texts, named by number."""
    folder.mkdir(parents=True)
    for index in range(count):
        (folder / f"{index:04d}.txt").write_text(f"text {index}")
    return folder
