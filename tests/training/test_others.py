"""Ranks that fail: what is told of them, when, and that none is left behind."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from functools import partial

import pytest

from facesynth.core.errors import TrainingError
from facesynth.training import others
from facesynth.training.launch import make_fabric, other_ranks
from facesynth.training.others import Others
from facesynth.training.place import Place
from tests.training.failing_ranks import end, end_while_they_meet, fail


def test_a_rank_that_fails_before_they_meet_is_not_waited_for() -> None:
    said = "rank 1 failed: this one cannot; do nothing; run the same command again"
    with pytest.raises(TrainingError, match=said), other_ranks(2, fail) as place:
        make_fabric("cpu", "float32", place=place)
    assert not [child for child in multiprocessing.active_children() if child.is_alive()]


def test_a_rank_that_ends_without_a_word_is_told_by_how_it_ended() -> None:
    said = {-signal.SIGKILL: "rank 1 failed: killed by SIGKILL, as when memory runs out", 0: "it ended with code 0"}
    started = {how: Others() for how in said}
    for how, one in started.items():
        one.start(Place(1, 2), partial(end, how), 1)
    for how, one in started.items():
        with pytest.raises(TrainingError, match=said[how]):
            one.meet(threading.Event().wait)  # for ever
        assert not one.left_waiting, "nothing was begun"
        one.end()


def test_a_rank_that_ends_while_they_meet_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "_SOON", 0.1)
    started = Others()
    started.start(Place(1, 2), end_while_they_meet, 1)
    with pytest.raises(TrainingError, match="rank 1 failed: it ended with code 3"):
        started.meet(threading.Event().wait)  # for ever
    assert started.left_waiting
    started.end()


def test_a_rank_that_fails_at_the_end_is_told_and_none_is_left_behind() -> None:
    with pytest.raises(TrainingError, match="rank 1 failed: this one cannot; do nothing"), other_ranks(2, fail):
        pass
    assert not [child for child in multiprocessing.active_children() if child.is_alive()]


def test_what_keeps_ranks_from_meeting_is_raised_where_they_were_to_meet() -> None:
    def refused() -> None:
        raise ValueError("no such port")

    with pytest.raises(ValueError, match="no such port"):
        Others().meet(refused)
