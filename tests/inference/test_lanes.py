"""Lanes: items side by side, each on its share of the threads."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
import torch

from facesynth.inference.lanes import Cores, Lanes


def test_results_come_in_order_from_several_threads_in_inference_mode() -> None:
    lanes, everybody = Lanes(3), threading.Barrier(3, timeout=20)

    def work(item: int) -> tuple[int, str, bool]:
        everybody.wait()  # three of them are here at once, or it breaks
        return item, threading.current_thread().name, torch.is_inference_mode_enabled()

    found = lanes.map(work, range(9))
    assert [item for item, _, _ in found] == list(range(9))
    assert len({name for _, name, _ in found}) == 3
    assert all(inferred for _, _, inferred in found)
    assert not torch.is_inference_mode_enabled()


def test_each_lane_has_its_share_of_the_threads_and_the_caller_keeps_all() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(4)
        lanes = Lanes(2)
        assert lanes.cores == Cores(threads=4, lanes=2) and lanes.cores.each == 2
        assert torch.get_num_threads() == 4
        torch.set_num_threads(3)  # by somebody, later
        assert lanes.map(lambda _: torch.get_num_threads(), range(6)) == [2] * 6
        assert torch.get_num_threads() == 3
        elsewhere: list[int] = []
        thread = threading.Thread(target=lambda: elsewhere.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert elsewhere == [3]
        assert Lanes(1).map(lambda _: torch.get_num_threads(), [0]) == [3]  # nobody to share with
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("threads", "lanes", "each"),
    [(1, 1, 1), (2, 2, 1), (6, 6, 1), (8, 8, 1), (9, 4, 2), (12, 6, 2), (15, 7, 2), (16, 8, 2), (20, 6, 3), (64, 8, 8)],
)
def test_hardly_a_core_is_left_idle(threads: int, lanes: int, each: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    cores = Lanes().cores
    assert (cores.threads, cores.lanes, cores.each) == (threads, lanes, each)


def test_without_openmp_there_is_one_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.__config__, "parallel_info", lambda: "ATen parallel backend: native thread pool")
    before = torch.get_num_threads()
    assert Lanes(4).map(lambda _: torch.get_num_threads(), [0]) == [before]


def test_where_a_thread_cannot_start_nobody_waits_for_it() -> None:
    """In a process of its own: what went wrong there was that it never ended."""
    program = """
import threading, torch
from facesynth.inference.lanes import Lanes
start, begun = threading.Thread.start, []
def failing(thread):
    begun.append(thread)
    if len(begun) == 2:
        raise RuntimeError("can't start new thread")
    start(thread)
before = torch.get_num_threads()
threading.Thread.start = failing
try:
    Lanes(3)
except RuntimeError as error:
    print(error, torch.get_num_threads() == before)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout == "can't start new thread True\n"


def test_the_first_error_is_raised_and_the_rest_is_not_begun() -> None:
    begun: list[int] = []
    open_now = threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item == 1:
            open_now.set()
            raise ValueError("item 1")
        open_now.wait(20)
        time.sleep(0.01)
        return item

    lanes = Lanes(2)
    with pytest.raises(ValueError, match="item 1"):
        lanes.map(work, range(200))
    assert len(begun) < 200
    assert lanes.map(lambda item: item + 1, [1, 2, 3]) == [2, 3, 4]  # it goes on


def test_two_callers_share_the_lanes() -> None:
    lanes, found = Lanes(2), {}

    def call(start: int) -> None:
        found[start] = lanes.map(lambda item: item * item, range(start, start + 50))

    threads = [threading.Thread(target=call, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {start: [item * item for item in range(start, start + 50)] for start in (0, 100, 200)}
