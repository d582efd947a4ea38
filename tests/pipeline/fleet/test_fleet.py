"""Who is given what, and what becomes of it, with workers that compute nothing."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from facesynth.core.errors import DeviceError
from facesynth.core.refs import Failed, Origin
from facesynth.pipeline.fleet.batch import Batch, Piece
from facesynth.pipeline.fleet.fleet import PATIENCE, Fleet, Listener
from facesynth.pipeline.fleet.orders import Answers, Kept, Order


class Told:
    """A worker that notes what it is told; `has` are the orders that it has at hand, by what their items hold."""

    def __init__(self, name: str) -> None:
        self.name, self.starts = name, 0
        self.orders: dict[str, Order] = {}

    @property
    def has(self) -> list[str]:
        return list(self.orders)

    def start(self, listener: Listener) -> None:
        self.starts += 1
        self.orders.clear()

    def give(self, order: Order) -> None:
        self.orders[b"".join(order.items).decode()] = order

    def answer(self, fleet: Fleet, items: str) -> None:
        order = self.orders.pop(items)
        fleet.answered(self, Answers(order.number, [Kept()] * len(order.items)))

    def stop(self) -> None: ...

    def join(self) -> None: ...


def batch(items: str) -> Batch:
    return Batch("tripled", b"stage", [Piece(Origin(item), item.encode()) for item in items])


def fleet_of(*workers: Told) -> Fleet:
    return Fleet(lambda: nullcontext(workers), Path("cache"), kind="told", note=lambda message: None)


def test_what_was_there_at_a_death_is_tried_again_alone_so_that_no_innocent_item_fails() -> None:
    one, two = Told("one"), Told("two")
    bad, beside, third = batch("b"), batch("c"), batch("d")
    with fleet_of(one, two) as fleet:
        fleet.submit(bad)
        fleet.submit(beside)
        fleet.ready(one)
        assert one.has == ["b", "c"]
        fleet.ended(one, "killed")
        fleet.ready(one)
        fleet.submit(third)
        assert one.has == ["b"], "a suspect, and nothing beside it"
        fleet.ready(two)
        assert two.has == ["c"]
        fleet.ended(one, "killed")
        (failure,) = (piece.answer.result(0) for piece in bad.pieces)
        assert isinstance(failure, Failed) and failure.error.where == "b"
        two.answer(fleet, "c")
        assert beside.pieces[0].answer.result(0) == Kept()
        assert two.has == ["d"]
        assert one.starts == 3


def test_those_with_nothing_at_hand_are_given_work_first() -> None:
    one, two = Told("one"), Told("two")
    with fleet_of(one, two) as fleet:
        fleet.submit(batch("a"))
        fleet.submit(batch("b"))
        for worker in (two, one):
            fleet.ready(worker)
        fleet.submit(batch("c"))
        assert (len(one.has), len(two.has)) == (1, 2), "the first one that was ready took what there was"
        two.answer(fleet, two.has[0])
        two.answer(fleet, two.has[0])
        fleet.submit(batch("d"))
        assert two.has == ["d"]


def test_a_worker_that_always_dies_is_given_up_and_the_other_does_its_work() -> None:
    one, two = Told("one"), Told("two")
    waiting = batch("a")
    with fleet_of(one, two) as fleet:
        fleet.submit(waiting)
        for _ in range(PATIENCE):
            fleet.ended(one, "it ended with code 1")
        assert one.starts == PATIENCE
        fleet.ready(two)
        two.answer(fleet, "a")
        assert waiting.done()
        for _ in range(PATIENCE):
            fleet.ended(two, "it ended with code 1")
        with pytest.raises(DeviceError, match="all 2 workers have died again and again, the last one it ended"):
            fleet.submit(batch("b"))


def test_what_nobody_has_begun_is_withdrawn() -> None:
    one, begun, waiting = Told("one"), batch("a"), batch("b")
    with fleet_of(one) as fleet:
        fleet.submit(begun)
        fleet.withdraw([begun])
        fleet.submit(waiting)
        fleet.ready(one)
        assert one.has == ["b"]
