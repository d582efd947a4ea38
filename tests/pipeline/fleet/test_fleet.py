"""Who is given what, and what becomes of it, with workers that compute nothing."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from queue import SimpleQueue

import pytest

from facesynth.core.errors import DeviceError
from facesynth.core.refs import Failed, Origin
from facesynth.pipeline.fleet.batch import Batch, Piece
from facesynth.pipeline.fleet.fleet import CONVICTED, LOST, PATIENCE, Fleet
from facesynth.pipeline.fleet.hand import Silence
from facesynth.pipeline.fleet.orders import Answers, Kept, Order
from facesynth.pipeline.fleet.worker import Listener


class Told:
    """A worker that notes what it is told; `has` are the orders that it has at hand, by what their items hold."""

    def __init__(self, name: str, *, starts: int = 1_000) -> None:
        """It can be started so often."""
        self.name, self.starts, self.left = name, 0, starts
        self.orders: dict[str, Order] = {}

    @property
    def has(self) -> list[str]:
        return list(self.orders)

    def start(self, listener: Listener) -> None:
        if self.starts == self.left:
            raise OSError("no process is to be had")
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


def die(fleet: Fleet, worker: Told) -> None:
    """It is ready, and dies over what it is given."""
    fleet.ready(worker)
    fleet.ended(worker, "killed")


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


def test_deaths_are_counted_from_the_last_batch_that_was_finished() -> None:
    one = Told("one")
    with fleet_of(one) as fleet:
        for item in "ab":
            fleet.submit(batch(item))
            for _ in range(PATIENCE - 1):
                fleet.ended(one, "it ended with code 1")
            fleet.ready(one)
            one.answer(fleet, item)
        assert one.starts == 1 + 2 * (PATIENCE - 1)


def test_a_worker_is_not_given_up_for_items_that_kill_whoever_computes_them() -> None:
    one, guilty, innocent = Told("one"), [batch(item) for item in "abcd"], batch("z")
    with fleet_of(one) as fleet:
        for each in guilty:
            fleet.submit(each)
            die(fleet, one)
            die(fleet, one)
            assert isinstance(each.pieces[0].answer.result(0), Failed)
        fleet.submit(innocent)
        fleet.ready(one)
        one.answer(fleet, "z")
        assert innocent.pieces[0].answer.result(0) == Kept()


def test_where_every_item_kills_the_run_ends() -> None:
    one, waiting = Told("one"), batch("z")
    with fleet_of(one) as fleet:
        for _ in range(CONVICTED - 1):
            fleet.submit(batch("a"))
            die(fleet, one)
            die(fleet, one)
        fleet.submit(batch("a"))
        die(fleet, one)
        fleet.ready(one)
        fleet.submit(waiting)
        fleet.ended(one, "killed")
        said = f"workers have died over each of {CONVICTED} items in a row, the last one killed"
        with pytest.raises(DeviceError, match=said):
            waiting.pieces[0].answer.result(0)
        with pytest.raises(DeviceError, match=said):
            fleet.submit(batch("b"))


def test_a_suspect_is_computed_with_nothing_beside_it() -> None:
    one = Told("one")
    with fleet_of(one) as fleet:
        fleet.submit(batch("b"))
        die(fleet, one)
        fleet.ready(one)
        fleet.submit(batch("c"))
        assert one.has == ["b"], "what came later is no suspect, and waits"
        one.answer(fleet, "b")
        assert one.has == ["c"]


def test_what_is_tried_again_comes_first_and_in_its_order() -> None:
    one = Told("one")
    with fleet_of(one) as fleet:
        fleet.submit(batch("a"))
        fleet.ready(one)
        fleet.submit(batch("b"))
        fleet.submit(batch("c"))
        assert one.has == ["a", "b"]
        fleet.ended(one, "killed")
        fleet.ready(one)
        assert one.has == ["a"]
        one.answer(fleet, "a")
        assert one.has == ["b"]


def test_an_error_of_a_worker_ends_what_others_are_at_and_what_waits() -> None:
    one, two = Told("one"), Told("two")
    given = [batch(item) for item in "abcd"]
    with fleet_of(one, two) as fleet:
        fleet.submit(given[0])
        fleet.ready(one)
        for each in given[1:]:
            fleet.submit(each)
        assert one.has == ["a", "b"]
        fleet.unready(two, DeviceError("it has no memory"))
        for each in given:
            with pytest.raises(DeviceError, match="it has no memory"):
                each.pieces[0].answer.result(0)


def test_a_worker_that_cannot_be_started_ends_the_run_the_first_time_and_later() -> None:
    with (
        fleet_of(Told("one", starts=0)) as fleet,
        pytest.raises(DeviceError, match="one cannot be started"),
    ):
        fleet.submit(batch("a"))
    one, at_work = Told("one", starts=1), batch("a")
    with fleet_of(one) as fleet:
        fleet.submit(at_work)
        die(fleet, one)
        with pytest.raises(DeviceError, match="one cannot be started"):
            at_work.pieces[0].answer.result(0)


def test_a_report_names_some_of_those_that_died_and_counts_all() -> None:
    one = Told("one")
    with fleet_of(one) as fleet:
        for count in range(LOST + 5):
            fleet.submit(batch("a"))
            die(fleet, one)
            fleet.ready(one)
            one.answer(fleet, "a")
            if count == 1:
                assert fleet.told() == {
                    "executor": "told",
                    "workers": 1,
                    "lost": [{"worker": "one", "why": "killed"}] * 2,
                }
        assert len(fleet.told()["lost"]) == LOST and fleet.told()["lost_in_all"] == LOST + 5


def test_a_worker_that_says_nothing_is_told_with_what_it_is_at() -> None:
    one, told = Told("one"), SimpleQueue[str]()
    fleet = Fleet(lambda: nullcontext([one]), Path("cache"), kind="told", note=told.put, quiet=0.02)
    with fleet:
        fleet.submit(batch("abc"))
        assert told.get(timeout=60).startswith("one is not ready yet, ")
        fleet.ready(one)
        while (line := told.get(timeout=60)).startswith("one is not ready yet"):
            pass
        assert line.startswith("one has answered nothing for ") and line.endswith("it is at tripled of a and 2 more")
        assert told.get(timeout=60).endswith("it is at tripled of a and 2 more"), "once more, later"
        one.answer(fleet, "abc")
    assert not fleet.told()["lost"]


def test_a_silence_is_worth_a_line_at_doubling_times_until_it_is_broken() -> None:
    silence = Silence(600, since=1000)
    told = {second: line for second in range(1000, 7000) if (line := silence.told(second)) is not None}
    assert told == {1600: "10 minutes", 2200: "20 minutes", 3400: "40 minutes", 5800: "80 minutes"}
    silence.broken(7000)
    assert silence.told(7599) is None and silence.told(7600) == "10 minutes"
    assert Silence(30, since=0).told(31) == "31 seconds"
