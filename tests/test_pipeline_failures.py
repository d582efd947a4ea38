"""The runner: what fails alone, what ends a run, and what an interruption leaves behind."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from facesynth.core.errors import CacheError, FacesynthError, ImageError, InputError, UsageError, WeightsMissing
from facesynth.core.refs import Failed, FileRef, Item, Origin, Outcome, Result
from facesynth.pipeline import find, flatten, run
from facesynth.stages.base import Codec, FileCodec
from facesynth.store import ArtifactStore
from tests.number_stages import Digits, Doubled, item, items, spelled


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "cache")


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
        raise ImageError("a HEIC image, and pillow-heif is not installed")  # the next item may be a JPEG

    missing = FileRef(tmp_path / "gone", Origin("gone"), lambda data, where: 0)
    given: list[Item[int]] = [item(1), missing, item(2, undecodable), item(3)]
    words = spelled(run(Doubled(), given, store, batch_size=2))
    reasons = ["gone!cannot be read (No such file or directory)", "2!a HEIC image, and pillow-heif is not installed"]
    assert words == ["1=2", *reasons, "3=6"]


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
    assert not [found for found in gc.get_objects() if type(found) is Big]


def test_a_store_that_cannot_be_written_ends_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CacheError, match="--cache DIR"):
        list(run(Doubled(), items(range(3)), ArtifactStore(tmp_path / "file" / "cache")))


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


def test_the_second_ctrl_c_waits_for_what_each_thread_is_at_and_no_more(
    store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, at_work, go_on = ThreadPoolExecutor.shutdown, threading.Event(), threading.Event()

    def encode(value: int) -> bytes:
        if value > 0:
            at_work.set()
            assert go_on.wait(30)
        return str(value).encode()

    class Slow(Doubled):
        codec = FileCodec("number.txt", encode, lambda data, where: int(data))

    def shutdown(pool: ThreadPoolExecutor, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if wait:
            assert at_work.wait(30)
            raise KeyboardInterrupt
        real(pool, wait=False, cancel_futures=cancel_futures)
        go_on.set()
        real(pool)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", shutdown)
    results = run(Slow(), items(range(8)), store, batch_size=8, workers=1)
    next(results)
    with pytest.raises(KeyboardInterrupt):
        results.close()
    assert [find(Doubled(), item(value), store) is not None for value in range(8)] == [True] * 2 + [False] * 6


def test_closing_a_run_early_publishes_what_is_computed(store: ArtifactStore) -> None:
    stage = Doubled()
    with closing(run(stage, items(range(12)), store, batch_size=4)) as results:
        next(results)
    computed = [value for batch in stage.batches for value in batch]
    assert 0 < len(computed) <= 12
    assert all(find(Doubled(), item(value), store) is not None for value in computed)


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
