"""What became of each input, as rows of the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from facesynth.core.errors import InputError
from facesynth.core.refs import Declined, Failed, Origin
from facesynth.report import Report, Row

_REMEMBERED = 4096
"""Inputs that cannot be used, of which it is known that they have a row: what is made of one comes close together."""


@dataclass(slots=True)
class Rows:
    """Adds rows to a report: an input that cannot be used gets one, whatever was to be made of it.

    `hint` may have something to add to the reason of an input that was rejected.
    """

    report: Report
    hint: Callable[[Origin], str | None] = lambda origin: None
    _anew: set[Origin] = field(init=False, default_factory=set)
    _unusable: dict[Origin, Row] = field(init=False, default_factory=dict)

    def mended(self, origin: Origin) -> None:
        """Something cached of this input was made anew: its row will not say `cached`."""
        self._anew.add(origin)

    def placed(
        self,
        origin: Origin,
        outputs: Iterable[PurePosixPath | str],
        *,
        cached: bool,
        part: str | None,
        about: Mapping[str, Any],
    ) -> None:
        """A row of an item whose outputs are in place; `part` is what was made of it, where that is not all."""
        names = tuple(str(output) for output in outputs)
        cached = cached and self._anew.isdisjoint((origin, Origin(origin.path)))
        row = Row(origin.path, "cached" if cached else "done", names, part=part or _part_name(origin), about=about)
        self.report.rows.append(row)

    def without_result(self, result: Declined | Failed, part: str | None) -> None:
        """A row of an item that was rejected or failed; `part` is what was to be made of it."""
        origin, whole = result.origin, _part_name(result.origin)
        named = whole if part is None else part if whole is None else f"{whole}, {part}"
        if isinstance(result, Declined):
            hint = self.hint(origin)
            reason = f"{result.reason}; {hint}" if hint else result.reason
            self.report.rows.append(Row(origin.path, "rejected", reason=reason, part=named))
            return
        reason = str(result.error).removeprefix(f"{origin.path}: ")
        unusable = isinstance(result.error, InputError) and result.error.where == origin.path
        row = Row(origin.path, "failed", reason=reason, part=whole if unusable else named)
        if not unusable or row != self._unusable.get(origin):
            self.report.rows.append(row)
        if unusable:
            self._unusable[origin] = row
            if len(self._unusable) > _REMEMBERED:
                del self._unusable[next(iter(self._unusable))]


def _part_name(origin: Origin) -> str | None:
    """How the report calls one of several faces of a photo."""
    return None if origin.index is None else f"face {origin.index}"
