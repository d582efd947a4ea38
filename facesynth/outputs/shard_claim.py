"""Whose numbered archives lie in an output folder: their numbers mean the inputs of one command, and of no other."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from facesynth.core.errors import UsageError
from facesynth.core.path_lists import LIST_MARK
from facesynth.outputs.tree import OutputTree

_PLACE = PurePosixPath(".shards.json")


class ShardClaim:
    """A note beside the archives of the command, the inputs and the number of them that share an archive."""

    def __init__(self, tree: OutputTree, command: str, inputs: Iterable[str | Path], size: int) -> None:
        self._tree = tree
        told = {"command": command, "inputs": [_spelled(str(each)) for each in inputs], "shard_size": size}
        self._data = (json.dumps(told, indent=1) + "\n").encode("utf-8", "surrogateescape")

    def check(self, prefix: str) -> None:
        """Raises UsageError where archives that are numbered after `prefix` lie there, and not by this very claim.

        They would be replaced, or be left over among this one's.
        """
        others = sorted(self._tree.folder.glob(f"{prefix}-[0-9][0-9][0-9][0-9][0-9]*.tar"))
        if others and not self._holds():
            raise UsageError(
                f"lies there from another command, or with another --shard-size ({len(others)} such archives)",
                where=others[0],
                hint="give each command an output folder of its own, or remove them first",
            )

    def make(self) -> None:
        """Write the note, before the first archive is. Raises OutputError, OSError."""
        self._tree.write(self._data, _PLACE)

    def _holds(self) -> bool:
        try:
            return self._tree.path(_PLACE).read_bytes() == self._data
        except OSError:
            return False


def _spelled(given: str) -> str:
    """An input as it is called from anywhere."""
    if given.startswith(LIST_MARK):
        return LIST_MARK + os.path.abspath(given.removeprefix(LIST_MARK))
    return os.path.abspath(given)
