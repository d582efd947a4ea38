"""What every job's session does, however the job ends."""

from __future__ import annotations

import gc
import json
import tracemalloc
from pathlib import Path

import pytest

from facesynth.core.errors import OutputError
from facesynth.jobs.plan import carry_out
from facesynth.plans import SynthesizePlan
from tests.jobs.conftest import Opener
from tests.painted_stages import painted_stages


def test_a_report_of_its_own_name_is_replaced_whole(tmp_path: Path, opened: Opener) -> None:
    report = tmp_path / "reports" / "one.json"
    for _ in range(2):
        with opened(more={"report_file": report}):
            pass
        assert json.loads(report.read_bytes())["complete"] and [*report.parent.iterdir()] == [report]


def test_a_report_that_cannot_be_written_leaves_no_draft(tmp_path: Path, opened: Opener) -> None:
    report = tmp_path / "reports" / "one.json"
    report.mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot be written") as caught, opened(more={"report_file": report}):
        pass
    assert caught.value.where == str(report) and [*report.parent.iterdir()] == [report]


def test_the_memory_of_run_does_not_grow_with_what_there_is_to_paint(photos: Path, opened: Opener) -> None:
    """What is to be painted is thought of as it comes: by the first picture, 20,000 of them are not yet."""

    def held(count: int) -> int:
        plan = SynthesizePlan(own=False, others=0, seeds=tuple(range(count)))
        stages, seen = painted_stages(), []

        def stop() -> None:
            seen.append(tracemalloc.get_traced_memory()[0])
            raise KeyboardInterrupt

        stages.synthesize.before = stop  # type: ignore[attr-defined]
        gc.collect()
        tracemalloc.start()
        with pytest.raises(KeyboardInterrupt), opened(photos / "one.png", photos / "sub", out=f"{count}") as session:
            carry_out(session, stages, plan, sheet=False)
        tracemalloc.stop()
        return seen[0]

    held(1000)  # what is imported late and kept
    few, many = held(1000), held(20_000)
    assert many - few < 2_000_000, "100 bytes for each would be 6 MB: there are three faces"
