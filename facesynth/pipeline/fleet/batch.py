"""A batch on its way through workers, and what becomes of it where they die over it."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from facesynth.core.errors import FacesynthError
from facesynth.core.refs import Failed, Origin
from facesynth.pipeline.fleet.orders import Answer, Order

DEATHS = 2
"""So many workers may die over a batch before its items are tried one by one, and over an item before it fails."""


@dataclass(slots=True, eq=False)
class Piece:
    """An item as it is sent, and where its answer is waited for."""

    origin: Origin
    packed: bytes
    answer: Future[Answer] = field(default_factory=Future)


@dataclass(slots=True, eq=False)
class Batch:
    """Items of one stage that are computed together; `stage` is what they are sent with, `name` what it is called.

    A batch that a worker had when it died is a `suspect`: it is tried again with nothing beside it, so that it is known
    who dies over what.
    """

    name: str
    stage: bytes
    pieces: list[Piece]
    replace: bool = False
    suspect: bool = False
    deaths: int = 0

    def __str__(self) -> str:
        first = self.pieces[0].origin
        more = f" and {len(self.pieces) - 1} more" if len(self.pieces) > 1 else ""
        return f"{self.name} of {first}{more}"

    def done(self) -> bool:
        """Whether all of it is answered."""
        return all(piece.answer.done() for piece in self.pieces)

    def order(self, number: int) -> Order:
        """What a worker is sent."""
        return Order(number, self.stage, tuple(piece.packed for piece in self.pieces), self.replace)

    def settle(self, each: list[Answer]) -> None:
        """Give every item its answer."""
        for piece, answer in zip(self.pieces, each, strict=True):
            piece.answer.set_result(answer)

    def end(self, error: Exception) -> None:
        """Have whoever waits for an item raise what ends the run."""
        for piece in self.pieces:
            if not piece.answer.done():
                piece.answer.set_exception(error)

    def after_death(self, why: str) -> list[Batch]:
        """What is to be tried again after a worker died with this batch at hand: all of it, or each item of it.

        Nothing is left of an item that workers died over again and again: it has failed.
        """
        self.suspect, self.deaths = True, self.deaths + 1
        if self.deaths < DEATHS:
            return [self]
        if len(self.pieces) > 1:
            return [Batch(self.name, self.stage, [piece], self.replace, suspect=True) for piece in self.pieces]
        origin = self.pieces[0].origin
        what = f"{self.deaths} workers have died while they computed {self.name} of it, the last one {why}"
        hint = "look at this file, and at how much memory there is"
        self.settle([Failed(origin, FacesynthError(what, where=origin.path, hint=hint))])
        return []
