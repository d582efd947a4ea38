"""What results are called: names that mirror the inputs', and the contact sheet's, which no result takes."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

from PIL import Image

from facesynth.core.errors import OutputError
from facesynth.core.refs import sha256_bytes
from facesynth.core.sources import SourceFile

FACE_TAIL = r"\d{2,}"
"""What may follow `_` in the output names of one input by default: the number of a face."""

SHEET = "sheet"
"""The name of the contact sheet, or the start of its pages' names: no result takes it."""

SHEET_TEXT = {"Title": "facesynth contact sheet"}
"""What a contact sheet says of itself in its metadata, so that a folder of results can be the next command's input."""

_SHEET = re.compile(rf"{SHEET}(_\d+)?", re.IGNORECASE)
LEVELS = 3
"""How much more a name can tell, step by step, until it is one of its own; see `spelled`."""


def numbered(name: PurePosixPath, index: int | None) -> PurePosixPath:
    """The name of face `index` of a photo; None where the photo holds one face alone."""
    return name if index is None else name.with_name(f"{name.name}_{index:02d}")


def mirrored_names(sources: Sequence[SourceFile], *, tail: str = FACE_TAIL) -> Mapping[Path, PurePosixPath]:
    """The output name, without suffix, of every source: its place below the input folder that it was found in.

    Names depend on the set of sources, never on their order:
    - input folders that hold the same name are told apart by a folder of their own name (and as much of its parents'
      as it takes);
    - all of several files that share a folder and a stem get their suffix: `a.jpg`, `a.png` → `a_jpg`, `a_png`. So
      does the photo `a_00.jpg` beside `a.jpg`, whose faces are called `a_00`, `a_01` (`tail` is the pattern of that),
      and so does what would take the place of the contact sheet;
    - files that differ in no more than case or in how a letter is encoded also get eight digits of their name's sha256.
    Raises OutputError where that does not tell two of them apart.
    """
    unique = list({source.path: source for source in sorted(sources, key=lambda s: (s.path, s.relative))}.values())
    return names_apart(unique, _under_their_roots(unique), tail)


def names_apart(
    sources: Sequence[SourceFile], placed: Sequence[PurePosixPath], tail: str
) -> Mapping[Path, PurePosixPath]:
    """As `mirrored_names`, where it is settled what folder, among the outputs, each source belongs to."""
    level = [0] * len(sources)
    numbered_form = re.compile(rf"(.+)_(?:{tail})", re.DOTALL)
    while True:
        names = [spelled(*each) for each in zip(placed, sources, level, strict=True)]
        clashing = _clashes(names, numbered_form)
        clashing |= {index for index, name in enumerate(names) if not level[index] and is_sheet_name(str(name))}
        if not clashing:
            return {source.path: name for source, name in zip(sources, names, strict=True)}
        raisable = [index for index in clashing if level[index] < LEVELS]
        if not raisable:
            first, second = sorted(clashing)[:2]
            raise OutputError(
                f"would be written to the same file as {sources[second].path}",
                where=sources[first].path,
                hint="rename one of them",
            )
        for index in raisable:
            level[index] += 1


def folded(name: PurePosixPath | str) -> str:
    """Equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", str(name)).casefold()


def spelled(relative: PurePosixPath, source: SourceFile, level: int) -> PurePosixPath:
    """A name that tells the more, the more clashes there were (`level`); the place on this machine comes in last."""
    parts = [relative.stem]
    if level >= 1 and relative.suffix:
        parts.append(relative.suffix[1:])
    if level >= 2:
        told = str(relative) if level == 2 else os.path.abspath(source.path)
        parts.append(sha256_bytes(told.encode("utf-8", "surrogateescape"))[:8])
    return relative.with_name("_".join(parts))


def _clashes(names: Sequence[PurePosixPath], numbered_form: re.Pattern[str]) -> set[int]:
    """Indices of the names that another input may write to."""
    owners: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        owners[folded(name)].append(index)
    clashing: set[int] = set()
    for key, indices in owners.items():
        if len(indices) > 1:
            clashing.update(indices)
        match = numbered_form.fullmatch(key)
        if match and match[1] in owners:
            clashing.update(indices, owners[match[1]])
    return clashing


def _under_their_roots(sources: Sequence[SourceFile]) -> list[PurePosixPath]:
    """Each source's relative name, behind its root's name where another root holds the same."""
    roots = [root_of(source.path.parent, len(source.relative.parts) - 1) for source in sources]
    holders: dict[str, set[PurePosixPath]] = defaultdict(set)
    for source, root in zip(sources, roots, strict=True):
        holders[folded(source.relative.with_suffix(""))].add(root)
    prefix = prefixes({root for group in holders.values() if len(group) > 1 for root in group})
    return [prefix[root] / source.relative if root in prefix else source.relative
            for source, root in zip(sources, roots, strict=True)]  # fmt: skip


def prefixes(rivals: set[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
    """What tells these folders apart: of each the shortest tail of its path that no other one ends in."""
    prefix: dict[PurePosixPath, PurePosixPath] = {}
    depth = 1
    while rivals:
        tails: dict[str, list[PurePosixPath]] = defaultdict(list)
        for root in rivals:
            tails[folded(PurePosixPath(*root.parts[1:][-depth:]))].append(root)
        for group in tails.values():
            if len(group) == 1 or depth >= max(len(root.parts) for root in group):
                prefix.update((root, PurePosixPath(*root.parts[1:][-depth:])) for root in group)
        rivals = rivals - prefix.keys()
        depth += 1
    return prefix


@lru_cache(maxsize=1024)
def root_of(folder: Path, depth: int) -> PurePosixPath:
    """The folder, absolute, that files of `folder` were found below, so many levels up."""
    absolute = PurePosixPath(Path(os.path.abspath(folder)).as_posix())
    return absolute.parents[depth - 1] if depth else absolute


def is_sheet_name(name: str) -> bool:
    """Whether a name without suffix is the contact sheet's, or one of its pages'."""
    return _SHEET.fullmatch(name) is not None


def is_sheet(source: SourceFile) -> bool:
    """Whether a file is a contact sheet that facesynth wrote."""
    if source.path.suffix != ".png" or not _SHEET.fullmatch(source.path.stem):
        return False
    try:
        with Image.open(source.path) as image:
            return all(image.info.get(key) == value for key, value in SHEET_TEXT.items())
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False  # whatever it is, it is not one of ours
