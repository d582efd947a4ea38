"""A whole command over several processes, with a real network: the same files, also where one of them is killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import torch

from facesynth.cli.executors import refuse_executor
from facesynth.cli.main import main
from facesynth.core.faces import Face
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Outcome
from facesynth.inference import networks
from facesynth.jobs.execution import Execution
from facesynth.jobs.segment import SegmentOutputs, segment
from facesynth.jobs.session import Session
from facesynth.models.specs import ParserSpec
from facesynth.pipeline import IN_PROCESS, Executor
from facesynth.pipeline.fleet.processes import processes
from facesynth.stages.segment import SegmentStage
from facesynth.store import ArtifactStore
from tests.drawn_pairs import write_pairs
from tests.jobs.conftest import Listener
from tests.pipeline.fleet.number_stages import first_time


@dataclass(slots=True)
class Dying(SegmentStage):
    """Parses as ever, and the first process that has parsed a batch is killed before it can say so."""

    mark: Path | None = None

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[LabelMap]]:
        parsed = SegmentStage.__call__(self, batch)
        if self.mark is not None and first_time(self.mark):
            os.kill(os.getpid(), signal.SIGKILL)
        return parsed


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_pairs(tmp_path_factory.mktemp("faces"), 12) / "images"
    (folder / "broken.png").write_text("no image")
    return folder


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> str:
    torch.manual_seed(0)
    spec = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)
    path = tmp_path_factory.mktemp("weights") / "parser.safetensors"
    networks.save(path, {"parser": (spec, networks.build(spec))}, about={"name": "tiny"})
    return str(path)


def segmented(
    faces: Path, stage: SegmentStage, folder: Path, executor: Executor, listener: Listener
) -> dict[str, bytes]:
    """The files that are written, but the report."""
    store = ArtifactStore(folder / "cache")
    how = Execution(store=store, progress=listener, executor=executor, batch_size=2)
    with Session("segment", [faces], folder / "out", how) as session:
        segment(session, stage, align=None, outputs=SegmentOutputs(parts=True))
    files = {str(path.relative_to(folder / "out")): path for path in sorted((folder / "out").rglob("*.png"))}
    return {name: path.read_bytes() for name, path in files.items()}


def test_two_processes_write_what_one_writes_though_one_is_killed(faces: Path, parser: str, tmp_path: Path) -> None:
    one, two, listener = tmp_path / "one", tmp_path / "two", Listener()
    expected = segmented(faces, SegmentStage(parser, device="cpu"), one, IN_PROCESS, Listener())
    dying = Dying(parser, device="cpu", mark=tmp_path / "killed")
    with processes(2, two / "cache", device="cpu", threads=2, note=listener.note) as fleet:
        assert segmented(faces, dying, two, fleet, listener) == expected
    assert len(expected) == 12 * 20
    ours, theirs = (json.loads((folder / "out" / "report.json").read_text()) for folder in (one, two))
    assert [row["status"] for row in theirs["items"]] == ["done"] * 12 + ["failed"]
    assert theirs["items"] == ours["items"] and theirs["weights"] == ours["weights"]
    assert theirs["settings"]["workers"] == 2 and len(theirs["settings"]["lost"]) == 1
    assert "SIGKILL" in theirs["settings"]["lost"][0]["why"]
    assert "died" in listener.notes[0] and not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("local", 2, None, "cuda:1"), "--device cuda:1 is one device"),
        (("ray", None, None, "cuda:1"), "--device cuda:1 is one device"),
        (("local", None, "auto", "auto"), "--ray-address is for --executor ray"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    options: tuple[str, int | None, str | None, str], said: str
) -> None:
    with pytest.raises(click.UsageError, match=said):
        refuse_executor(*options)
    refuse_executor("local", 1, None, "cuda:1")


def test_a_dry_run_starts_no_process(
    faces: Path, parser: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--aligned", "--parser", parser, "--devices", "2", "--dry-run", "--cache", str(tmp_path / "cache")]
    with pytest.raises(SystemExit) as end:
        main(["segment", str(faces), "-o", str(tmp_path / "out"), *options])
    assert end.value.code == 0 and "for each of the processes" in capsys.readouterr().out
    assert not multiprocessing.active_children() and not (tmp_path / "out").exists()
