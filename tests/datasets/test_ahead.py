"""Ordered work ahead: the order, the bound, and that a slow item does not hold up the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from facesynth.datasets.ahead import ordered_ahead


def test_results_come_in_the_items_order_and_few_items_are_taken_ahead() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(50):
            taken += 1
            yield item

    found = []
    for done, pair in enumerate(ordered_ahead(items(), lambda item: item * item, workers=3, ahead=2, name="test")):
        assert taken - done <= 6
        found.append(pair)
    assert found == [(item, item * item) for item in range(50)]


def test_others_go_on_while_the_slowest_is_under_way() -> None:
    seventh = threading.Event()

    def work(item: int) -> bool:
        if item == 7:
            seventh.set()
        return item > 0 or seventh.wait(20)

    assert all(done for _, done in ordered_ahead(range(20), work, workers=2, ahead=4, name="test"))


def test_an_error_is_raised_at_its_turn_and_ends_the_threads() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        return item

    found: list[tuple[int, int]] = []
    with pytest.raises(ValueError, match="three"):
        found.extend(ordered_ahead(range(100), work, workers=2, ahead=8, name="ended"))
    assert found == [(0, 0), (1, 1), (2, 2)]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("facesynth-ended")]
