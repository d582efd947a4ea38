"""The runner: order, cache, failures, interruption, overlap and bounded memory."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import ClassVar, NoReturn

import pytest

from facesynth.core.errors import CacheError, DependencyMissing, FacesynthError, InputError, UsageError, WeightsMissing
from facesynth.core.refs import (
    Declined,
    Digest,
    Done,
    Failed,
    FileRef,
    Item,
    Origin,
    Outcome,
    Ref,
    Rejected,
    Result,
    sha256_bytes,
)
from facesynth.pipeline import find, flatten, run
from facesynth.stages.base import Codec, FileCodec
from facesynth.store import ArtifactStore
from facesynth.store import find as find_entry


class Doubled:
    """Doubles numbers; rejects 13, fails on 99 and whatever `on_batch` raises for."""

    name: ClassVar[str] = "doubled"
    version: ClassVar[int] = 1

    def __init__(self, on_batch: Callable[[Sequence[int]], None] = lambda batch: None, factor: int = 2) -> None:
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self._on_batch = on_batch
        self._factor = factor

    @property
    def config(self) -> Mapping[str, object]:
        return {"factor": self._factor}

    @property
    def weights(self) -> Mapping[str, Digest]:
        return {}

    @property
    def codec(self) -> Codec[int]:
        return FileCodec("number.txt", lambda value: str(value).encode(), lambda data, where: int(data))

    def __call__(self, batch: Sequence[int]) -> list[Outcome[int]]:
        self.batches.append([int(value) for value in batch])
        self.threads.add(threading.get_ident())
        self._on_batch(batch)
        if 99 in batch:
            raise InputError("99 cannot be doubled", where="99")
        return [Rejected("unlucky") if value == 13 else value * self._factor for value in batch]


class Digits:
    """A number's digits, as one artifact of several values."""

    name: ClassVar[str] = "digits"
    version: ClassVar[int] = 1
    config: Mapping[str, object] = {}
    weights: Mapping[str, Digest] = {}

    class Parts:
        main = "digit_00.txt"

        def write(self, value: tuple[int, ...]) -> Mapping[str, bytes]:
            files = {f"digit_{index:02d}.txt": str(digit).encode() for index, digit in enumerate(value)}
            return {**files, "about.json": b"{}"}

        def read(self, folder: Path) -> tuple[int, ...]:
            return tuple(int(path.read_text()) for path in sorted(folder.glob("digit_*.txt")))

        def parts(self, names: Iterable[str]) -> Sequence[str]:
            return sorted(name for name in names if name.startswith("digit_"))

        def read_part(self, folder: Path, index: int) -> int:
            return int((folder / f"digit_{index:02d}.txt").read_text())

    codec = Parts()

    def __call__(self, batch: Sequence[int]) -> list[tuple[int, ...]]:
        return [tuple(int(digit) for digit in str(value)) for value in batch]


def item(value: int, load: Callable[[], int] | None = None) -> Ref[int]:
    return Ref(sha256_bytes(str(value).encode()), Origin(str(value)), load or (lambda: value))


def items(values: Iterable[int]) -> Iterator[Item[int]]:
    return (item(value) for value in values)


def spelled(results: Iterable[Result[int]]) -> list[str]:
    """Each result in a word, with `*` where it was cached."""
    words = []
    for result in results:
        match result:
            case Done():
                words.append(f"{result.origin}={result.ref.load()}" + "*" * result.cached)
            case Declined():
                words.append(f"{result.origin}:{result.reason}" + "*" * result.cached)
            case Failed():
                words.append(f"{result.origin}!{result.error.what}")
    return words


def never(*_: object) -> NoReturn:
    raise AssertionError("this must not be called")


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "cache")


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 4, 7, 64])
@pytest.mark.parametrize("count", [0, 1, 7, 100])
def test_results_come_in_the_order_of_the_items(
    store: ArtifactStore, batch_size: int, workers: int, count: int
) -> None:
    values = [value for value in range(count) if value not in (13, 99)]
    stage = Doubled()
    results = list(run(stage, items(values), store, batch_size=batch_size, workers=workers))
    assert spelled(results) == [f"{value}={2 * value}" for value in values]
    assert [value for batch in stage.batches for value in batch] == values
    assert all(len(batch) == batch_size for batch in stage.batches[:-1])
    assert stage.threads <= {threading.get_ident()}


def test_a_second_run_calls_nothing_and_decodes_nothing(store: ArtifactStore) -> None:
    first = spelled(run(Doubled(), items(range(20)), store))
    cached = run(Doubled(never), [item(value, load=never) for value in range(20)], store)
    assert spelled(cached) == [f"{word}*" for word in first]
    assert "13:unlucky*" in [f"{word}*" for word in first]


def test_a_cached_run_hashes_files_and_imports_no_torch(store: ArtifactStore, tmp_path: Path) -> None:
    path = tmp_path / "5.txt"
    path.write_bytes(b"5")
    spelled(run(Doubled(), [FileRef(path, Origin("5"), lambda data, where: int(data))], store))
    again = [FileRef(path, Origin("5"), never)]
    assert spelled(run(Doubled(never), again, store)) == ["5=10*"]
    check = "import sys, facesynth.pipeline, facesynth.store; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, cwd=Path(__file__).parents[1])


def test_only_what_is_missing_is_computed(store: ArtifactStore) -> None:
    spelled(run(Doubled(), items(range(0, 10, 2)), store))
    stage = Doubled()
    words = spelled(run(stage, items(range(10)), store, batch_size=3))
    assert stage.batches == [[1, 3, 5], [7, 9]]
    assert words == [f"{value}={2 * value}" + "*" * (value % 2 == 0) for value in range(10)]


def test_another_config_is_another_result(store: ArtifactStore) -> None:
    spelled(run(Doubled(), items([1]), store))
    assert spelled(run(Doubled(factor=3), items([1]), store)) == ["1=3"]


def test_force_computes_again_and_replaces_what_differs(store: ArtifactStore) -> None:
    (first,) = run(Doubled(), items([1]), store)
    assert isinstance(first, Done) and first.folder is not None
    (first.folder / "number.txt").write_bytes(b"7")  # as a disk might
    assert spelled(run(Doubled(never), items([1]), store)) == ["1=7*"]
    assert spelled(run(Doubled(), items([1]), store, force=True)) == ["1=2"]
    assert spelled(run(Doubled(never), items([1]), store)) == ["1=2*"]


def test_a_damaged_entry_is_computed_again(store: ArtifactStore) -> None:
    (first,) = run(Doubled(), items([1]), store)
    assert isinstance(first, Done) and first.folder is not None
    (first.folder / "number.txt").write_bytes(b"")
    assert spelled(run(Doubled(), items([1]), store)) == ["1=2"]
    assert spelled(run(Doubled(never), items([1]), store)) == ["1=2*"]


def test_the_result_names_its_files(store: ArtifactStore) -> None:
    (done,) = run(Doubled(), items([21]), store)
    assert isinstance(done, Done) and done.folder is not None
    stamp = done.files["number.txt"]
    assert (stamp.size, stamp.digest) == (2, sha256_bytes(b"42"))
    assert done.ref.digest == stamp.digest
    assert (done.folder / "number.txt").read_bytes() == b"42"


def test_without_a_store_everything_is_computed_and_kept_in_memory() -> None:
    for _ in range(2):
        stage = Doubled()
        results = list(run(stage, items([1, 13, 99, 4]), None, batch_size=3))
        assert spelled(results) == ["1=2", "13:unlucky", "99!99 cannot be doubled", "4=8"]
        assert stage.batches[0] == [1, 13, 99]
        assert isinstance(results[0], Done)
        assert results[0].folder is None
        assert results[0].ref.digest == results[0].files["number.txt"].digest == sha256_bytes(b"2")


def test_one_bad_item_does_not_sink_its_batch_and_is_tried_again(store: ArtifactStore) -> None:
    stage = Doubled()
    words = spelled(run(stage, items([97, 98, 99, 100]), store, batch_size=4))
    assert words == ["97=194", "98=196", "99!99 cannot be doubled", "100=200"]
    assert stage.batches == [[97, 98, 99, 100], [97], [98], [99], [100]]
    again = Doubled()
    assert spelled(run(again, items([97, 99]), store)) == ["97=194*", "99!99 cannot be doubled"]
    assert again.batches == [[99]]


def test_out_of_memory_for_a_batch_is_not_for_an_item(store: ArtifactStore) -> None:
    def full(batch: Sequence[int]) -> None:
        if len(batch) > 1:
            raise RuntimeError("CUDA out of memory")

    assert spelled(run(Doubled(full), items(range(4)), store)) == ["0=0", "1=2", "2=4", "3=6"]


def test_an_error_of_another_library_names_the_item(store: ArtifactStore) -> None:
    def broken(batch: Sequence[int]) -> None:
        raise RuntimeError("kernel failed")

    (result,) = run(Doubled(broken), items([5]), store)
    assert isinstance(result, Failed)
    assert str(result.error) == "5: RuntimeError: kernel failed"


def test_items_that_cannot_be_read_or_decoded_fail_alone(store: ArtifactStore, tmp_path: Path) -> None:
    def undecodable() -> int:
        raise DependencyMissing("pillow-heif", "heic")  # the next item may be a JPEG

    missing = FileRef(tmp_path / "gone", Origin("gone"), lambda data, where: 0)
    given: list[Item[int]] = [item(1), missing, item(2, undecodable), item(3)]
    words = spelled(run(Doubled(), given, store, batch_size=2))
    assert words == ["1=2", "gone!cannot be read (No such file or directory)", "2!pillow-heif is not installed", "3=6"]


@pytest.mark.parametrize("error", [WeightsMissing("parser is not on this disk"), UsageError("no"), TypeError("a bug")])
def test_an_error_of_the_run_or_of_the_code_ends_it(store: ArtifactStore, error: Exception) -> None:
    def broken(batch: Sequence[int]) -> None:
        raise error

    stage = Doubled(broken)
    with pytest.raises(type(error)):
        list(run(stage, items(range(5)), store, batch_size=2))
    assert len(stage.batches) == 1


def test_failures_keep_nothing_alive(store: ArtifactStore) -> None:
    class Big:
        pass

    def failing() -> int:
        big = Big()
        raise InputError("bad") from ValueError(big)

    results = list(run(Doubled(), [item(value, failing) for value in range(5)], store))
    gc.collect()
    assert len(results) == 5
    assert not [found for found in gc.get_objects() if isinstance(found, Big)]


def test_a_store_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CacheError, match="--cache DIR"):
        list(run(Doubled(), items(range(3)), ArtifactStore(tmp_path / "file" / "cache")))


def test_an_entry_that_vanished_or_broke_says_what_to_do(store: ArtifactStore) -> None:
    (done,) = run(Doubled(), items([1]), store)
    assert isinstance(done, Done) and done.folder is not None
    (done.folder / "number.txt").write_text("x")
    with pytest.raises(CacheError, match="cache verify --remove"):
        done.ref.load()


def test_ctrl_c_publishes_what_is_computed_and_goes_on(store: ArtifactStore) -> None:
    def third_batch(batch: Sequence[int]) -> None:
        if 8 in batch:
            raise KeyboardInterrupt

    seen: list[Result[int]] = []
    with pytest.raises(KeyboardInterrupt):
        seen.extend(run(Doubled(third_batch), items(range(12)), store, batch_size=4))
    stage = Doubled()
    assert spelled(run(stage, items(range(12)), store, batch_size=4))[7:9] == ["7=14*", "8=16"]
    assert stage.batches == [[8, 9, 10, 11]]


def test_ctrl_c_in_a_later_stage_publishes_the_earlier_ones_too(store: ArtifactStore) -> None:
    def at_once(batch: Sequence[int]) -> None:
        raise KeyboardInterrupt

    def nested(last: Doubled) -> Iterator[Result[int]]:
        digits = run(Digits(), items(range(10, 40)), store, batch_size=4)
        return run(last, flatten(digits, Digits.codec), store, batch_size=4)

    with pytest.raises(KeyboardInterrupt):
        list(nested(Doubled(at_once)))
    assert all(find(Digits(), item(value), store) is not None for value in range(10, 40))


def test_closing_a_run_early_publishes_what_is_computed(store: ArtifactStore) -> None:
    stage = Doubled()
    with closing(run(stage, items(range(12)), store, batch_size=4)) as results:
        next(results)
    computed = [value for batch in stage.batches for value in batch]
    assert 0 < len(computed) <= 12
    assert all(find(Doubled(), item(value), store) is not None for value in computed)


def test_the_callback_sees_each_result_before_the_caller(store: ArtifactStore) -> None:
    seen: list[Result[int]] = []
    for count, result in enumerate(run(Doubled(), items([1, 13, 99, 2]), store, on_result=seen.append), start=1):
        assert len(seen) == count
        assert seen[-1] is result


def test_find_tells_what_a_run_would_without_computing(store: ArtifactStore, tmp_path: Path) -> None:
    spelled(run(Doubled(), items([1, 13]), store))
    stage = Doubled(never)
    found = [find(stage, item(value), store) for value in (1, 13, 2)]
    assert found[2] is None
    assert spelled(result for result in found if result is not None) == ["1=2*", "13:unlucky*"]
    missing = FileRef(tmp_path / "gone", Origin("gone"), lambda data, where: 0)
    assert isinstance(find(stage, missing, store), Failed)


@pytest.mark.parametrize("kept", [True, False])
def test_flatten_gives_each_part_its_own_digest_and_number(store: ArtifactStore, kept: bool) -> None:
    results = run(Digits(), items([7, 42]), store if kept else None)
    parts = list(flatten(results, Digits.codec))
    assert [(part.origin, part.load()) for part in parts] == [
        (Origin("7"), 7),
        (Origin("42", 0), 4),
        (Origin("42", 1), 2),
    ]
    assert [part.digest for part in parts] == [sha256_bytes(digit) for digit in (b"7", b"4", b"2")]


def test_stages_feed_each_other_and_failures_are_passed_over(store: ArtifactStore) -> None:
    failed: list[Result[tuple[int, ...]]] = []
    given: list[Item[int]] = [item(12), item(34), FileRef(Path("/nowhere"), Origin("-"), lambda d, w: 0)]
    digits = run(Digits(), given, store, on_result=failed.append)
    assert spelled(run(Doubled(), flatten(digits, Digits.codec), store)) == [
        "12 (face 0)=2",
        "12 (face 1)=4",
        "34 (face 0)=6",
        "34 (face 1)=8",
    ]
    assert isinstance(failed[-1], Failed)


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


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"workers": 0}])
def test_counts_below_one_are_refused_at_once(store: ArtifactStore, wrong: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        run(Doubled(), [], store, **wrong)  # type: ignore[arg-type]


def test_the_run_is_noted_for_the_garbage_collector(store: ArtifactStore) -> None:
    (done,) = run(Doubled(), items([1]), store)
    assert isinstance(done, Done) and done.folder is not None
    (log,) = (store.root / "runs").iterdir()
    assert done.folder.name in log.read_text()
    assert find_entry(store.root, done.folder.name).stage == "doubled"


def test_a_stage_that_miscounts_is_a_bug(store: ArtifactStore) -> None:
    class Miscounting(Doubled):
        def __call__(self, batch: Sequence[int]) -> list[Outcome[int]]:
            return super().__call__(batch)[:-1]

    with pytest.raises(ValueError, match="shorter"):
        list(run(Miscounting(), items(range(3)), store))


def test_what_cannot_be_encoded_fails_alone(store: ArtifactStore) -> None:
    class Unwritable(Doubled):
        @property
        def codec(self) -> Codec[int]:
            def encode(value: int) -> bytes:
                if value == 4:
                    raise FacesynthError("4 is not printable")
                return str(value).encode()

            return FileCodec("number.txt", encode, lambda data, where: int(data))

    assert spelled(run(Unwritable(), items([1, 2, 3]), store)) == ["1=2", "2!4 is not printable", "3=6"]
