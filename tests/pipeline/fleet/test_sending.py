"""What becomes of misses that are sent away, with a bench of this process to compute them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from facesynth.core.digest_set import DigestSet
from facesynth.pipeline import run
from facesynth.pipeline.executor import Task
from facesynth.pipeline.fleet.batch import Batch
from facesynth.pipeline.fleet.bench import Bench
from facesynth.pipeline.fleet.orders import Answers
from facesynth.pipeline.fleet.sending import Sending
from facesynth.store import ArtifactStore
from tests.number_stages import spelled
from tests.pipeline.fleet.number_stages import Tripled, number

In = TypeVar("In")
Out = TypeVar("Out")


class AtOnce:
    """An executor that computes a batch when it is sent."""

    def __init__(self, root: Path) -> None:
        self._bench = Bench(root, lambda: "cpu", 2)

    def computing(self, task: Task[In, Out]) -> Sending[In, Out]:
        return Sending(task, self._submit, self._withdraw)

    def told(self) -> Mapping[str, Any]:
        return {}

    def _submit(self, batch: Batch) -> None:
        answers = self._bench(batch.order(1))
        assert isinstance(answers, Answers)
        batch.settle([*answers.each])

    def _withdraw(self, batches: Collection[Batch]) -> None:
        assert all(batch.done() for batch in batches)


def test_what_others_have_made_in_this_run_is_not_said_to_be_cached(tmp_path: Path) -> None:
    """As where one photo lies twice among the inputs, or two stages of a command want one result."""
    (tmp_path / "notes").mkdir()
    store, executor, made = ArtifactStore(tmp_path / "cache"), AtOnce(tmp_path / "cache"), DigestSet()
    for expected in (["1=3", "2=6"], ["1=3", "2=6"]):
        stage = Tripled(tmp_path / "notes")
        assert spelled(run(stage, map(number, [1, 2]), store, executor=executor, made=made)) == expected
    assert len(stage.batches()) == 1, "it was computed once"
    assert spelled(run(stage, map(number, [1, 2]), store, executor=executor)) == ["1=3*", "2=6*"]
