"""Run logs: which entries each run used."""

from __future__ import annotations

import gc
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facesynth.core.refs import Rejected
from facesynth.store import ArtifactStore, Recipe
from facesynth.store.run_log import RunLog, run_logs, used_by


def test_hits_and_publications_are_noted_and_misses_are_not(tmp_path: Path) -> None:
    recipe, other = Recipe("align", 1, {}, {}, ("a",)), Recipe("align", 1, {}, {}, ("b",))
    store = ArtifactStore(tmp_path)
    store.publish(recipe, Rejected("no face found"))
    store.lookup("align", recipe.key())
    store.lookup("align", other.key())
    store.flush()
    (log,) = run_logs(tmp_path)
    assert list(used_by(log)) == [("align", recipe.key())] * 2


def test_a_line_cut_short_by_a_kill_is_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "x.jsonl"
    log.write_text('{"stage":"align","key":"aa"}\n[]\n{"stage":"align"}\n{"stage":"ali')
    assert list(used_by(log)) == [("align", "aa")]


def test_threads_share_one_log(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda index: log.note("align", f"{index:064d}"), range(2000)))
    log.flush()
    (path,) = run_logs(tmp_path)
    assert sorted(used_by(path)) == [("align", f"{index:064d}") for index in range(2000)]


def test_a_cache_that_cannot_be_written_goes_without(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    log = RunLog(tmp_path)
    log.note("align", "a")
    log.flush()
    assert run_logs(tmp_path) == []


def test_a_run_that_used_nothing_leaves_no_log(tmp_path: Path) -> None:
    ArtifactStore(tmp_path).flush()
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_nobody_flushes_keeps_its_notes_and_leaves_no_file_open(tmp_path: Path) -> None:
    """As where a training run looks its packed pairs up."""
    recipe = Recipe("align", 1, {}, {}, ("a",))
    store = ArtifactStore(tmp_path)
    store.publish(recipe, Rejected("no face found"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        del store
        gc.collect()
    (log,) = run_logs(tmp_path)
    assert list(used_by(log)) == [("align", recipe.key())]


def test_an_interrupt_while_a_log_is_taken_away_is_not_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: RunLog) -> None:
        raise KeyboardInterrupt

    printed: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", printed.append)
    monkeypatch.setattr(RunLog, "flush", interrupted)
    log = RunLog(tmp_path)
    del log
    gc.collect()
    assert not printed
