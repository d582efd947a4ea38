"""Learning rates over a run, and the time that it has left."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from facesynth.training.budget import Stopwatch
from facesynth.training.pace import pace_at
from facesynth.training.runs.spn import SpnRun

RUN = SpnRun(name="r", images=1000, batch_size=10, n_dis=1, warmup_images=100, decay_images=400)


def test_it_rises_stays_and_falls_to_zero() -> None:
    paces = [pace_at(RUN, nimg, 10) for nimg in range(0, 1001, 10)]
    assert paces[0] == pytest.approx(0.1) and paces[9:61] == [1.0] * 52
    assert pace_at(RUN, 800, 10) == pytest.approx(0.5) and paces[-1] == 0.0
    assert all(a <= b for a, b in pairwise(paces[:10]))
    assert all(a > b for a, b in pairwise(paces[60:]))


def test_a_run_shorter_than_its_decay_begins_at_its_full_rate() -> None:
    run = replace(RUN, warmup_images=0, decay_images=16_000_000)
    assert pace_at(run, 0, 10) == 1.0 and pace_at(run, 500, 10) == pytest.approx(0.5)


def test_what_is_further_decides_images_or_time() -> None:
    run = replace(RUN, warmup_images=0)
    assert pace_at(run, 0, 10, 0.5) == 1.0 and pace_at(run, 0, 10, 0.8) == pytest.approx(0.5)
    assert pace_at(run, 900, 10, 0.8) == pytest.approx(0.25) and pace_at(run, 0, 10, 1.2) == 0.0


def test_a_stopwatch_counts_what_is_not_paused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now = [50.0]
    monkeypatch.setattr("facesynth.training.budget.time.monotonic", lambda: now[0])
    watch = Stopwatch(10.0)
    watch.start(4.0)
    assert (round(watch.share, 9), watch.run_out) == (0.4, False)
    now[0] += 2
    assert watch.seconds == 6.0 and watch.share == pytest.approx(0.4), "until it is looked at"
    with watch.paused():
        now[0] += 1000
        assert watch.seconds == 6.0
    now[0] += 4
    watch.look()
    assert (watch.seconds, watch.share, watch.run_out) == (10.0, 1.0, True)
    endless = Stopwatch(None)
    endless.start(1e9)
    endless.look()
    assert endless.share == 0 and not endless.run_out and endless.seconds == 1e9
