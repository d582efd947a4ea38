"""The runner: order, cache, and stages that feed each other."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from facesynth.core.errors import UsageError
from facesynth.core.refs import Done, Failed, FileRef, Item, Origin, Result, sha256_bytes
from facesynth.pipeline import find, flatten, run
from facesynth.store import ArtifactStore
from facesynth.store import find as find_entry
from tests.number_stages import Digits, Doubled, item, items, never, spelled


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
    stage = Doubled()
    assert spelled(run(stage, items([1]), store, force=True)) == ["1=2"]
    assert stage.batches == [[1]]
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
