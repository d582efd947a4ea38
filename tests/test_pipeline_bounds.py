"""The runner: bounded memory, and work that overlaps."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from facesynth.core.refs import Done, Item
from facesynth.pipeline import run
from facesynth.stages.base import Codec, FileCodec
from facesynth.store import ArtifactStore
from tests.number_stages import Doubled, item, items, never, spelled


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "cache")


def test_memory_does_not_depend_on_the_number_of_items(store: ArtifactStore) -> None:
    """How far items are read ahead of the results, also where one miss holds up many hits."""
    spelled(run(Doubled(), items(range(1, 50)), store))
    pulled = 0

    def endless() -> Iterator[Item[int]]:
        nonlocal pulled
        while True:
            yield item(1000 if pulled % 5000 == 0 else 1 + pulled % 49)
            pulled += 1

    furthest = 0
    for done, _ in enumerate(run(Doubled(), endless(), store, batch_size=64)):
        furthest = max(furthest, pulled - done)
        if done == 12_000:
            break
    assert 1000 < furthest < 1400


def test_decoded_values_and_results_do_not_pile_up(store: ArtifactStore) -> None:
    class Weighty(int):
        alive: ClassVar[set[int]] = set()

        def __del__(self) -> None:
            self.alive.discard(id(self))

    most = 0

    def load(value: int) -> int:
        nonlocal most
        made = Weighty(value)
        Weighty.alive.add(id(made))
        most = max(most, len(Weighty.alive))
        return made

    given = [item(value, partial(load, value)) for value in range(100, 400)]
    stage = Doubled(lambda batch: time.sleep(0.001))
    assert len(list(run(stage, given, store, batch_size=8))) == 300
    assert most <= 3 * 8


def test_many_items_take_no_more_memory_than_few(store: ArtifactStore) -> None:
    spelled(run(Doubled(), items(range(10)), store))

    def peak(count: int) -> int:
        tracemalloc.start()
        try:
            for _ in run(Doubled(never), items(value % 10 for value in range(count)), store):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1000)  # what is allocated once
    few = peak(1000)
    assert min(peak(4000) for _ in range(3)) < few + 200_000  # the smallest: other threads allocate as well


def test_reading_computing_and_writing_overlap(store: ArtifactStore) -> None:
    """While a batch is computed, the next is decoded and the one before is written: each waits for the other here."""
    decoded, written = threading.Event(), threading.Event()
    in_time: list[bool] = []

    class Waiting(Doubled):
        @property
        def codec(self) -> Codec[int]:
            def encode(value: int) -> bytes:
                written.set()
                return str(value).encode()

            return FileCodec("number.txt", encode, lambda data, where: int(data))

    def load(value: int) -> int:
        if value == 4:
            decoded.set()
        return value

    def wait(batch: Sequence[int]) -> None:
        awaited = decoded if 0 in batch else written
        in_time.append(awaited.wait(10))

    given = [item(value, partial(load, value)) for value in range(8)]
    assert len(list(run(Waiting(wait), given, store, batch_size=4))) == 8
    assert in_time == [True, True]


def test_what_a_slow_stage_has_made_does_not_wait_for_what_it_has_yet_to_make(store: ArtifactStore) -> None:
    """One stage's results are passed through the next by the batch, not by what hits are looked up by."""
    slow = Doubled(lambda batch: time.sleep(0.06))
    quick = Doubled(factor=3)
    given = (
        result.ref for result in run(slow, items(range(100, 140)), store, batch_size=2) if isinstance(result, Done)
    )
    ahead = [
        sum(map(len, slow.batches)) - count for count, _ in enumerate(run(quick, given, store, batch_size=2), start=1)
    ]
    assert len(ahead) == 40 and max(ahead) <= 8
    assert all(len(batch) == 2 for batch in quick.batches), "full batches all the same"
