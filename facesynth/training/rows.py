"""Which rows of a step's batch are gone through here: by this rank, in this part.

A step's batch is the same whatever the number of ranks and parts, and so are its random numbers: they are drawn for all
of it, and each takes the rows that are its own.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows `first` to `first + count - 1` of a batch of `whole`."""

    first: int
    count: int
    whole: int

    def of(self, planes: T) -> T:
        """These rows of a tensor, or of each tensor in a list, a tuple or a dataclass; what else there is stays."""
        if self.count == self.whole:
            return planes
        return self._taken(planes)

    def _taken(self, planes: T) -> T:
        found: object = planes
        if isinstance(planes, Tensor):
            found = planes[self.first : self.first + self.count]
        elif isinstance(planes, list | tuple):
            taken = [self._taken(each) for each in planes]
            found = planes._make(taken) if hasattr(planes, "_make") else type(planes)(taken)
        elif dataclasses.is_dataclass(planes) and not isinstance(planes, type):
            fields = {field.name: self._taken(getattr(planes, field.name)) for field in dataclasses.fields(planes)}
            found = dataclasses.replace(planes, **fields)
        return found  # type: ignore[return-value]

    def among_zeros(self, planes: Tensor) -> Tensor:
        """These rows in their places of a whole batch, the others 0; gradients flow back."""
        if self.count == self.whole:
            return planes
        rest = self.whole - self.first - self.count
        zeros = (planes.new_zeros(rows, *planes.shape[1:]) for rows in (self.first, rest))
        return torch.cat([next(zeros), planes, next(zeros)])


def rows_of(whole: int, rank: int, ranks: int, parts: int) -> list[Rows]:
    """The rows of a rank, part by part. ValueError where a batch of `whole` is not so many times a number of rows."""
    count, rest = divmod(whole, ranks * parts)
    if rest or not count:
        raise ValueError(f"a batch of {whole} cannot be shared out to {ranks} devices in {parts} equal parts each")
    return [Rows((rank * parts + part) * count, count, whole) for part in range(parts)]
