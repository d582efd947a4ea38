"""Files that name inputs, one path a line, and names that stand for many by a range of numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from facesynth.core.errors import UsageError

LIST_MARK = "@"
"""What stands before the name of a list: `@photos.txt`."""

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_MOST = 10_000_000
_LONGEST = 1 << 16


def list_file(given: str | Path) -> Path | None:
    """The list that an input such as `@photos.txt` names; None for anything else.

    A file or folder that is really called so comes first, and `./@photos.txt` never names a list.
    """
    told = str(given)
    if isinstance(given, Path) or not told.startswith(LIST_MARK) or len(told) == 1 or os.path.lexists(told):
        return None
    return Path(told[1:])


def read_list(file: Path) -> Iterator[str]:
    """The paths in a list as they are written, one a line, in its order.

    Lines end in LF or CRLF; empty ones, and those that start with `#`, are passed over (a file that is called so is
    `./#name`). All else counts, spaces too. Nothing but the line at hand is kept. Raises UsageError for a list that
    cannot be read or is no text in UTF-8 (or whatever names of files are in, on this system).
    """
    try:
        with file.open("rb") as stream:
            number = 0
            while line := stream.readline(_LONGEST):
                number += 1
                line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if b"\0" in line or len(line) == _LONGEST:
                    raise UsageError(
                        f"line {number} is no path", where=file, hint="a list is text in UTF-8 with one path a line"
                    )
                path = line.removesuffix(b"\n").removesuffix(b"\r")
                if path and not path.startswith(b"#"):
                    yield os.fsdecode(path)
    except OSError as error:
        told = f"the list cannot be read ({error.strerror or error})"
        raise UsageError(told, where=file, hint=f"a file that is called {LIST_MARK}… is ./{LIST_MARK}…") from error


def numbered_paths(given: str) -> Iterator[str] | None:
    """What `shard-{0000..0009}.tar` stands for, with as many digits as its first number has; None without a range.

    Raises UsageError for a range that runs backwards or is too long.
    """
    match = _RANGE.search(given)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2])
    if last < first or last - first >= _MOST:
        told = f"the range {match[0]} runs backwards" if last < first else f"the range {match[0]} is too long"
        raise UsageError(told, where=given)
    digits = len(match[1])
    return _numbered(given[: match.start()], range(first, last + 1), digits, given[match.end() :])


def _numbered(before: str, numbers: range, digits: int, after: str) -> Iterator[str]:
    for number in numbers:
        path = f"{before}{number:0{digits}d}{after}"
        more = numbered_paths(path)
        yield from [path] if more is None else more
