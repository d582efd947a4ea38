"""The runner: what is damaged in the cache is noticed when it is read, and made anew on the spot."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import ClassVar

import pytest

from facesynth.core.errors import CacheError, DeviceError, InputError, WeightsMissing
from facesynth.core.refs import Done, Failed, Item, Origin, Outcome, PairRef, Ref, Rejected, sha256_bytes
from facesynth.pipeline import find, flatten, run
from facesynth.stages.base import Codec, FileCodec
from facesynth.store import ArtifactStore, Recipe
from tests.damage import artifact_files, damaged, flip
from tests.number_stages import Digits, Doubled, item, items, never, spelled


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "cache")


class Told(list[str]):
    """Keeps what `on_mended` is told."""

    def __call__(self, origin: Origin, message: str) -> None:
        assert message.startswith(f"{origin}: ")
        self.append(message)


def one(store: ArtifactStore, stage: Doubled, value: int, **how: Told) -> Done[int]:
    (done,) = run(stage, items([value]), store, **how)  # type: ignore[arg-type]
    assert isinstance(done, Done)
    return done


def test_a_changed_byte_is_noticed_and_the_result_made_anew(store: ArtifactStore) -> None:
    one(store, Doubled(), 21)
    (file,) = artifact_files(store.root)
    flip(file)
    stage, told = Doubled(), Told()
    done = one(store, stage, 21, on_mended=told)
    assert done.cached and stage.batches == [] and told == [], "a lookup reads no file"
    assert done.ref.load() == 42 and stage.batches == [[21]]
    assert told == ["21: doubled: the cached number.txt differs from its sha256; made anew"]
    assert done.ref.load() == 42 and stage.batches == [[21]]
    assert file.read_bytes() == b"42" and damaged(store.root) == []
    assert one(store, Doubled(never), 21).ref.load() == 42


@pytest.mark.parametrize("vanished", [True, False])
def test_what_goes_away_after_it_was_found_is_made_anew(store: ArtifactStore, vanished: bool) -> None:
    one(store, Doubled(), 21)
    done = one(store, Doubled(), 21)
    assert done.folder is not None
    if vanished:
        shutil.rmtree(done.folder)
    else:
        (done.folder / "number.txt").write_text("")
    assert done.ref.load() == 42


def test_what_the_codec_cannot_read_is_made_anew_though_its_bytes_are_right(store: ArtifactStore) -> None:
    recipe = Recipe("doubled", 1, {"factor": 2}, {}, (item(21).digest,))
    store.publish(recipe, {"number.txt": b"forty-two"}, main="number.txt")
    assert one(store, Doubled(), 21).ref.load() == 42
    assert one(store, Doubled(never), 21).ref.load() == 42


def test_every_part_of_an_artifact_is_compared_when_it_is_read(store: ArtifactStore) -> None:
    """A face of several that is damaged while its label map is cached, found by a later stage that lacks it."""

    def doubled(stage: Digits, last: Doubled, told: Told | None = None) -> list[str]:
        digits = run(stage, items([12, 345]), store, on_mended=told)
        return spelled(run(last, flatten(digits, Digits.codec), store, batch_size=2))

    expected = doubled(Digits(), Doubled(factor=2))
    for file in artifact_files(store.root, "digits"):
        flip(file)
    cached = doubled(never_called(Digits()), Doubled(never, factor=2))
    assert cached == [f"{word}*" for word in expected], "nothing needs the digits"
    told = Told()
    assert doubled(Digits(), Doubled(factor=5), told) == [
        word.split("=")[0] + f"={5 * digit}" for word, digit in zip(expected, (1, 2, 3, 4, 5), strict=True)
    ]
    assert len(told) == 2 and damaged(store.root) == []


def test_a_part_does_not_depend_on_the_other_parts_files(store: ArtifactStore) -> None:
    list(run(Digits(), items([12]), store))
    flip(next(file for file in artifact_files(store.root) if file.name == "digit_01.txt"))
    first, second = flatten(run(never_called(Digits()), items([12]), store), Digits.codec)
    assert first.load() == 1
    with pytest.raises(AssertionError, match="must not be called"):
        second.load()


def never_called(stage: Digits) -> Digits:
    class Never(Digits):
        def __call__(self, batch: Sequence[int]) -> list[tuple[int, ...]]:
            return never(batch)

    return Never()


class Summed(Doubled):
    """Adds two numbers."""

    name: ClassVar[str] = "summed"

    def __call__(self, batch: Sequence[tuple[int, int]]) -> list[Outcome[int]]:  # type: ignore[override]
        return [first + second for first, second in batch]


def test_a_chain_is_mended_from_its_end_to_its_start(store: ArtifactStore) -> None:
    def total() -> Done[int]:
        doubled = (result.ref for result in run(Doubled(), items([3]), store) if isinstance(result, Done))
        again = (result.ref for result in run(Doubled(factor=7), doubled, store) if isinstance(result, Done))
        pairs = [PairRef(ref, item(100)) for ref in again]
        (done,) = run(Summed(), pairs, store)
        assert isinstance(done, Done)
        return done

    assert total().ref.load() == 142
    files = artifact_files(store.root)
    assert len(files) == 3
    for file in files:
        flip(file)
    done = total()
    assert done.cached and done.ref.load() == 142
    assert damaged(store.root) == []


class Numbered(Doubled):
    """Gives another number each time that it is called, as if every machine computed a little differently."""

    calls: ClassVar[count[int]] = count(1000)

    def __call__(self, batch: Sequence[int]) -> list[Outcome[int]]:
        return [next(self.calls) for _ in batch]


def test_nothing_is_cached_under_bytes_that_it_was_not_made_of(store: ArtifactStore) -> None:
    """Where the input comes out with other bytes: the result of these is computed, or found."""
    first = one(store, Numbered(), 5)
    number = first.ref.load()
    flip(artifact_files(store.root)[0])
    numbers = (done.ref for done in run(Numbered(), items([5]), store) if isinstance(done, Done))
    (tripled,) = run(Doubled(factor=3), numbers, store)
    assert isinstance(tripled, Done)
    now = one(store, Numbered(never), 5).ref
    assert now.load() != number and tripled.ref.load() == 3 * now.load()
    stage = Doubled(never, factor=3)
    assert find(stage, item(number), store) is None
    assert find(stage, item(now.load()), store) is not None
    # A pair knows that its halves have changed, and a result whose input has changed moves to where that is looked up.
    assert first.ref.load() == now.load() and first.ref.identify().digest == now.digest
    assert PairRef(first.ref, item(1)).identify().digest == PairRef(now, item(1)).identify().digest
    spelled(run(Doubled(factor=3), [item(next(Numbered.calls) + 1)], store))  # what the input will come out as
    for file in artifact_files(store.root):
        if file.read_text() in (str(now.load()), str(3 * now.load())):
            flip(file)
    assert tripled.ref.load() == 3 * one(store, Numbered(never), 5).ref.load()
    assert damaged(store.root) == []


def test_an_input_that_came_out_otherwise_may_be_a_hit(store: ArtifactStore) -> None:
    done = one(store, Numbered(), 5)
    following = done.ref.load() + 1
    spelled(run(Doubled(factor=3), items([following]), store))
    flip(next(file for file in artifact_files(store.root) if file.read_text() == str(following - 1)))
    numbers = (result.ref for result in run(Numbered(), items([5]), store) if isinstance(result, Done))
    assert spelled(run(Doubled(never, factor=3), numbers, store)) == [f"5={3 * following}*"]


@pytest.mark.parametrize("error", [InputError("the photo is gone"), RuntimeError("kernel failed"), OSError("no")])
def test_what_cannot_be_made_anew_fails_alone_and_says_why(store: ArtifactStore, error: Exception) -> None:
    def broken(batch: Sequence[int]) -> None:
        if 4 in batch:
            raise error

    list(run(Doubled(), items([3, 4]), store))
    for file in artifact_files(store.root):
        flip(file)
    numbers = (done.ref for done in run(Doubled(broken), items([3, 4]), store) if isinstance(done, Done))
    good, bad = run(Doubled(factor=3), numbers, store)
    assert isinstance(good, Done) and good.ref.load() == 18
    assert isinstance(bad, Failed) and isinstance(bad.error, CacheError)
    assert "differs from its sha256, and it could not be made anew: " in str(bad.error) and str(error) in str(bad.error)
    assert damaged(store.root) == [] and find(Doubled(), item(4), store) is None, "it is thrown away"


@pytest.mark.parametrize("error", [WeightsMissing("not on this disk"), DeviceError("no such device")])
@pytest.mark.parametrize("while_found", [False, True])
def test_what_no_item_can_be_made_anew_without_ends_the_run(
    store: ArtifactStore, error: Exception, while_found: bool
) -> None:
    """A later stage loads what is damaged, or (`while_found`) already looks it up, as it does to mix two styles."""

    def broken(batch: Sequence[int]) -> None:
        raise error

    @dataclass(frozen=True)
    class LoadedFirst:
        ref: Ref[int]

        @property
        def origin(self) -> Origin:
            return self.ref.origin

        def identify(self) -> Ref[int]:
            return item(self.ref.load())

    list(run(Doubled(), items([3, 4]), store))
    for file in artifact_files(store.root):
        flip(file)
    numbers = (done.ref for done in run(Doubled(broken), items([3, 4]), store) if isinstance(done, Done))
    last = Doubled(factor=3)
    given: Iterator[Item[int]] = (LoadedFirst(ref) if while_found else ref for ref in numbers)
    with pytest.raises(type(error), match=str(error)):
        list(run(last, given, store))
    assert last.batches == []
    assert one(store, Doubled(), 4).ref.load() == 8, "it is left for a run that can"


def test_an_input_that_has_gone_is_the_reason_given(store: ArtifactStore) -> None:
    one(store, Doubled(), 5)
    flip(artifact_files(store.root)[0])

    def gone() -> int:
        raise InputError("cannot be read (No such file)", where="5.txt")

    (done,) = run(Doubled(never), [item(5, gone)], store)
    assert isinstance(done, Done)
    with pytest.raises(CacheError, match=r"could not be made anew: 5\.txt: cannot be read \(No such file\)"):
        done.ref.load()


def test_a_stage_that_now_rejects_the_item_is_believed(store: ArtifactStore) -> None:
    class Choosy(Doubled):
        def __call__(self, batch: Sequence[int]) -> list[Outcome[int]]:
            return [Rejected("too big") for _ in batch]

    one(store, Doubled(), 5)
    flip(artifact_files(store.root)[0])
    with pytest.raises(CacheError, match="differs from its sha256, and doubled now says: too big"):
        one(store, Choosy(), 5).ref.load()
    assert spelled(run(Doubled(never), items([5]), store)) == ["5:too big*"]


def test_a_disk_that_damages_everything_is_named(store: ArtifactStore) -> None:
    class Spoiling(ArtifactStore):
        def flush(self) -> None:
            super().flush()
            flip(artifact_files(self.root)[0])

    with pytest.raises(CacheError, match=r"differs from its sha256; tried again, it is no better; check the disk"):
        one(Spoiling(store.root), Doubled(), 5).ref.load()


def test_looking_computes_nothing_and_changes_nothing(store: ArtifactStore) -> None:
    one(store, Doubled(), 5)
    (file,) = artifact_files(store.root)
    flip(file)
    before = file.read_bytes()
    done = find(Doubled(never), item(5, never), store)
    assert isinstance(done, Done)
    with pytest.raises(CacheError, match=r"number\.txt differs from its sha256; a run makes it anew"):
        done.ref.load()
    assert file.read_bytes() == before


def test_threads_mend_one_artifact_once_while_the_stage_computes_others(store: ArtifactStore) -> None:
    """Two runs give references to the same artifacts, many threads load them, and the stage is busy meanwhile."""
    busy = threading.Lock()
    made: list[int] = []

    def alone(batch: Sequence[int]) -> None:
        assert busy.acquire(blocking=False), "two threads call the stage"
        made.extend(batch)
        time.sleep(0.002)
        busy.release()

    values = [value for value in range(1, 40) if value != 13]
    spelled(run(Doubled(), items(values), store))
    stage = Doubled(alone)
    found = [[done for done in run(stage, items(values), store) if isinstance(done, Done)] for _ in range(2)]
    for file in artifact_files(store.root):
        flip(file)
    with ThreadPoolExecutor(8) as threads:
        loaded = [threads.submit(done.ref.load) for pair in zip(*found, strict=True) for done in (*pair, *pair)]
        fresh = spelled(run(stage, items(range(200, 260)), store, batch_size=4))
    assert [future.result() for future in loaded] == [2 * value for value in values for _ in range(4)]
    assert fresh == [f"{value}={2 * value}" for value in range(200, 260)]
    assert sorted(made) == [*values, *range(200, 260)]
    assert damaged(store.root) == []


def test_nested_runs_mend_in_their_threads_while_both_compute(store: ArtifactStore) -> None:
    busy = threading.Lock()

    class Alone(Digits):
        def __call__(self, batch: Sequence[int]) -> list[tuple[int, ...]]:
            assert busy.acquire(blocking=False), "two threads call the stage"
            time.sleep(0.002)
            busy.release()
            return super().__call__(batch)

    def doubled(stage: Digits, last: Doubled) -> list[str]:
        digits = run(stage, items(range(10, 90)), store, batch_size=4, workers=3)
        return spelled(run(last, flatten(digits, Digits.codec), store, batch_size=4, workers=3))

    list(run(Digits(), items(range(10, 90, 2)), store))
    for file in artifact_files(store.root):
        flip(file)
    words = doubled(Alone(), Doubled())
    assert words == [f"{n} (face {i})={2 * int(digit)}" for n in range(10, 90) for i, digit in enumerate(str(n))]
    assert damaged(store.root) == []


def test_mended_results_keep_no_value_alive(store: ArtifactStore) -> None:
    class Weighty(int):
        alive: ClassVar[int] = 0

        def __init__(self, value: int) -> None:
            Weighty.alive += 1

        def __del__(self) -> None:
            Weighty.alive -= 1

    class Heavy(Doubled):
        @property
        def codec(self) -> Codec[int]:
            return FileCodec("number.txt", lambda value: str(value).encode(), lambda data, where: Weighty(int(data)))

    values = [value for value in range(50) if value != 13]
    given: list[Item[int]] = [item(value, partial(Weighty, value)) for value in values]
    list(run(Heavy(), given, store))
    for file in artifact_files(store.root):
        flip(file)
    results = [done for done in run(Heavy(), given, store) if isinstance(done, Done)]
    assert [int(done.ref.load()) for done in results] == [2 * value for value in values]
    gc.collect()
    assert len(results) == 49 and Weighty.alive == 0


_KILLED = """
import os, signal, sys
from pathlib import Path
from facesynth.pipeline import run
from facesynth.store import ArtifactStore
from tests.number_stages import Doubled, items

class Killed(ArtifactStore):
    def flush(self):  # the artifact has just been published anew
        super().flush()
        if sys.argv[2] == "after" and done: os.kill(os.getpid(), signal.SIGKILL)

def before(batch):
    if sys.argv[2] == "before": os.kill(os.getpid(), signal.SIGKILL)

done = None
(done,) = run(Doubled(before), items([21]), Killed(Path(sys.argv[1])))
done.ref.load()
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_while_mending_nothing_half_written_is_left(store: ArtifactStore, when: str) -> None:
    one(store, Doubled(), 21)
    (file,) = artifact_files(store.root)
    flip(file)
    command = [sys.executable, "-c", _KILLED, str(store.root), when]
    assert subprocess.run(command, cwd=Path(__file__).parents[1], check=False).returncode == -signal.SIGKILL
    assert damaged(store.root) == ([] if when == "after" else ["doubled"])
    stage = Doubled(never) if when == "after" else Doubled()
    assert one(store, stage, 21).ref.load() == 42
    assert file.read_bytes() == b"42" and damaged(store.root) == []
    assert sha256_bytes(b"42") == one(store, Doubled(never), 21).ref.digest
