"""Ranks that Slurm starts: the example scripts, run with stand-ins for Slurm's own commands."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch.distributed as dist

from facesynth.core.errors import TrainingError, UsageError
from facesynth.jobs.train import prepare
from facesynth.training.launch import make_fabric
from facesynth.training.place import Place
from facesynth.training.srun import meeting, place_of
from facesynth.training.start import train_spade
from tests.drawn_pairs import write_pairs
from tests.training.shared_batches import furthest
from tests.training.test_runs import ignore

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "docs" / "examples" / "slurm"

SRUN = """#!/bin/bash
# As many processes as the nodes and tasks say, told what srun tells them; ends with the largest of their codes. Since
# Slurm 22.05 a job's own --cpus-per-task is not passed on to it.
echo "--cpus-per-task=${SRUN_CPUS_PER_TASK:-1}" >> "$NOTES"
while [[ $1 == --* ]]; do echo "$1" >> "$NOTES"; shift; done
tasks=$((SLURM_NNODES * SLURM_NTASKS_PER_NODE)) running=() code=0
for ((rank = 0; rank < tasks; rank++)); do
    SLURM_PROCID=$rank SLURM_LOCALID=$((rank % SLURM_NTASKS_PER_NODE)) SLURM_NODEID=$((rank / SLURM_NTASKS_PER_NODE)) \\
    SLURM_NTASKS=$tasks SLURM_STEP_NUM_TASKS=$tasks SLURM_STEP_NUM_NODES=$SLURM_NNODES SLURM_NODELIST=127.0.0.1 \\
        "$@" & running+=($!)
done
for one in "${running[@]}"; do wait "$one"; ended=$?; ((ended > code)) && code=$ended; done
exit $code
"""
SCONTROL = """#!/bin/bash
[ "$1" = show ] && { echo "   JobState=${JOB_STATE:-RUNNING} Reason=None"; exit; }
echo "scontrol $*" >> "$NOTES"
"""
NOTING = '#!/bin/bash\necho "$(basename "$0") $*" >> "$NOTES"\nexit ${ENDS_WITH:-0}\n'


def directives(script: Path) -> dict[str, str]:
    """What the script asks of Slurm."""
    return dict(re.findall(r"^#SBATCH --([\w-]+)(?:=(.*))?$", script.read_text(), flags=re.MULTILINE))


class Cluster:
    """A folder with stand-ins for srun, scontrol and facesynth."""

    def __init__(self, folder: Path, *, facesynth: str = NOTING) -> None:
        self.folder, self.notes = folder, folder / "notes.txt"
        (folder / "bin").mkdir()
        for name, text in {"srun": SRUN, "scontrol": SCONTROL, "facesynth": facesynth}.items():
            path = folder / "bin" / name
            path.write_text(text)
            path.chmod(0o755)

    def run(self, script: str, *arguments: str, **told: str) -> tuple[int, list[str]]:
        """The code that a script ends with, and what the stand-ins have noted."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("SLURM_")},
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "NOTES": str(self.notes),
            "SLURM_JOB_ID": "4711",
            "SLURM_SUBMIT_DIR": str(self.folder),
            "SLURM_CPUS_PER_TASK": directives(SCRIPTS / script)["cpus-per-task"],
            **told,
        }
        self.notes.unlink(missing_ok=True)
        subprocess.run(["bash", "-n", SCRIPTS / script], check=True)
        ended = subprocess.run(["bash", SCRIPTS / script, *arguments], env=environment, cwd=self.folder, timeout=240)
        return ended.returncode, self.notes.read_text().splitlines() if self.notes.exists() else []


def free_ports() -> str:
    """A port of this machine that is free, and the next one too."""
    while True:
        with socket.socket() as one, socket.socket() as next_one:
            one.bind(("127.0.0.1", 0))
            try:
                next_one.bind(("127.0.0.1", one.getsockname()[1] + 1))
            except OSError:
                continue
            return str(one.getsockname()[1])


def test_two_machines_train_what_one_process_trains(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs", 8)
    cluster = Cluster(tmp_path, facesynth=f'#!/bin/bash\nexec {sys.executable} -m facesynth "$@"\n')
    still = ["generator_learning_rate=0.0", "discriminator_learning_rate=0.0", "images=8", "data.split=null"]
    settings = [*still, *(f"every.{name}" for name in ("stats=8", "validation=0", "samples=0", "checkpoint=8"))]
    options = ["--device", "cpu", *(word for one in settings for word in ("--set", one))]
    two_machines = {"SLURM_NNODES": "2", "SLURM_NTASKS_PER_NODE": "1", "MASTER_PORT": free_ports()}
    code, noted = cluster.run("train.sbatch", str(ROOT / "pipelines/tiny.yaml"), str(pairs), *options, **two_machines)
    assert code == 0 and noted == ["--cpus-per-task=8", "--kill-on-bad-exit=1"]
    run = tmp_path / "runs" / "tiny"
    rows = [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]
    assert [row["nimg"] for row in rows] == [8], "the first rank alone writes"

    prepared = prepare(ROOT / "pipelines/tiny.yaml", settings, data=pairs, runs=tmp_path / "alone")
    assert train_spade(prepared.config, tmp_path / "alone", base=pairs, device="cpu", report=ignore)  # type: ignore[arg-type]
    apart, where = furthest(run, tmp_path / "alone" / "tiny")
    assert apart < 1e-3, where


@pytest.mark.parametrize(
    ("ends_with", "state", "requeued"),
    [("130", "RUNNING", True), ("0", "RUNNING", False), ("1", "RUNNING", False), ("130", "CANCELLED", False)],
)
def test_an_interrupted_job_is_queued_again_and_no_other(
    tmp_path: Path, ends_with: str, state: str, requeued: bool
) -> None:
    asked = directives(SCRIPTS / "train.sbatch")
    assert asked["ntasks-per-node"] == asked["gpus-per-node"], "a task a GPU"
    assert asked["signal"].startswith("TERM@") and "requeue" in asked
    told = {
        "ENDS_WITH": ends_with,
        "JOB_STATE": state,
        "SLURM_NNODES": asked["nodes"],
        "SLURM_NTASKS_PER_NODE": asked["ntasks-per-node"],
    }
    code, noted = Cluster(tmp_path).run("train.sbatch", "a.yaml", "my pairs", "--seeds", "3", **told)
    trained = f"facesynth train a.yaml --data my pairs --runs {tmp_path}/runs --log-format json --seeds 3"
    assert code == int(ends_with)
    cores = f"--cpus-per-task={asked['cpus-per-task']}"
    assert noted == [cores, "--kill-on-bad-exit=1", *[trained] * 8, *["scontrol requeue 4711"] * requeued]


def test_each_job_of_an_array_segments_its_own_part(tmp_path: Path) -> None:
    asked = directives(SCRIPTS / "segment.sbatch")
    for name in ("a", "part b", "c"):
        (tmp_path / "photos" / name).mkdir(parents=True)
    (tmp_path / "photos" / "README.txt").touch()  # no part
    cluster = Cluster(tmp_path)
    told = {
        "SLURM_NNODES": asked["nodes"],
        "SLURM_NTASKS_PER_NODE": asked["ntasks"],
        "SLURM_GPUS_ON_NODE": asked["gpus-per-node"],
        "SLURM_ARRAY_JOB_ID": "12",
    }
    photos, pairs = str(tmp_path / "photos"), str(tmp_path / "pairs")
    code, noted = cluster.run("segment.sbatch", photos, pairs, **told, SLURM_ARRAY_TASK_ID="2", ENDS_WITH="130")
    segmented = f"facesynth segment {photos}/part b -o {pairs}/part b --devices 4 --log-format json"
    assert code == 130 and noted == ["--cpus-per-task=32", segmented, "scontrol requeue 12_2"]
    again = {**told, "SLURM_ARRAY_TASK_ID": "2", "ENDS_WITH": "130", "JOB_STATE": "CANCELLED"}
    assert cluster.run("segment.sbatch", photos, pairs, **again) == (130, noted[:2]), "what was cancelled stays so"
    assert cluster.run("segment.sbatch", photos, pairs, **told, SLURM_ARRAY_TASK_ID="3") == (2, [])


@pytest.mark.parametrize("ends_with", ["0", "3", "130"])
def test_a_part_s_own_cache_goes_when_all_of_it_is_done(tmp_path: Path, ends_with: str) -> None:
    (tmp_path / "photos" / "part b").mkdir(parents=True)
    (tmp_path / "cache").mkdir()
    keeping = '#!/bin/bash\nmkdir "$FACESYNTH_CACHE" && echo "$FACESYNTH_CACHE" >> "$NOTES"\nexit $ENDS_WITH\n'
    cluster = Cluster(tmp_path, facesynth=keeping)
    array = {"SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "0", "SLURM_NNODES": "1", "SLURM_NTASKS_PER_NODE": "1"}
    given = str(tmp_path / "photos"), str(tmp_path / "pairs")
    code, noted = cluster.run("segment.sbatch", *given, **array, ENDS_WITH=ends_with, FACESYNTH_CACHE="")
    own = tmp_path / "cache-part b"
    assert code == int(ends_with) and str(own) in noted
    assert own.exists() == (ends_with != "0") and (tmp_path / "cache").exists(), "others' stay"


def step(**told: str) -> Mapping[str, str]:
    return {f"SLURM_{name}": value for name, value in told.items()}


def test_only_the_tasks_of_a_step_are_ranks() -> None:
    assert place_of(step(NTASKS="8", PROCID="0", NTASKS_PER_NODE="4")) is None, "a batch script's own command"
    assert place_of(step(STEP_NUM_TASKS="1", PROCID="0")) is None
    eight = {"STEP_NUM_TASKS": "8", "STEP_NUM_NODES": "2", "PROCID": "5"}
    place = place_of(step(**eight, NTASKS_PER_NODE="4"))
    assert place is not None and (place.rank, place.ranks, place.nodes, place.here, place.srun) == (5, 8, 2, 4, True)
    with pytest.raises(UsageError, match="--ntasks-per-node"):
        place_of(step(**eight))
    for odd in ({**eight, "PROCID": "a"}, {"STEP_NUM_TASKS": "x"}, {"STEP_NUM_TASKS": "0"}):
        with pytest.raises(UsageError, match="which srun never sets; unset it"):
            place_of(step(**odd, NTASKS_PER_NODE="4"))


def test_ranks_that_wait_for_the_first_one_are_told_that_it_will_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though it lives on for a while, and with it what they are connected to: there may be much to clean up."""
    store, kept = dist.TCPStore, []  # type: ignore[attr-defined]

    def keeping(*arguments: Any, **options: Any) -> Any:
        kept.append(store(*arguments, **options))
        return kept[-1]

    monkeypatch.setattr(dist, "TCPStore", keeping)
    for name, value in step(NODELIST="127.0.0.1", JOB_ID="4711", PROCID="0", NTASKS="2", NTASKS_PER_NODE="2").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_PORT", free_ports())
    said: list[TrainingError] = []

    def wait() -> None:
        try:
            with meeting(Place(1, 2, srun=True)):
                raise AssertionError("it came")
        except TrainingError as error:
            said.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    with pytest.raises(UsageError, match="no such data"), meeting(Place(0, 2, srun=True)):
        raise UsageError("no such data")
    waiting.join(30)
    told = "rank 1 of 2: the first rank ended before training began; it says why"
    assert [str(error) for error in said] == [told] and len(kept) == 2


@pytest.mark.parametrize(("raised", "kind"), [("Connection closed by peer", TrainingError), ("a bug", RuntimeError)])
def test_a_rank_that_is_gone_while_they_train_is_told_and_no_other_error_is_taken_for_it(
    monkeypatch: pytest.MonkeyPatch, raised: str, kind: type[Exception]
) -> None:
    for name, value in step(NODELIST="127.0.0.1", JOB_ID="4711", PROCID="0", NTASKS="2", NTASKS_PER_NODE="2").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_PORT", free_ports())

    def train() -> None:
        with meeting(Place(0, 2, srun=True)) as begin:
            begin()
            raise RuntimeError(raised)

    with pytest.raises(kind, match=raised) as caught:
        train()
    assert ("rank 0 of 2: another rank is gone" in str(caught.value)) == (kind is TrainingError)


def test_a_batch_script_s_own_command_trains_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slurm tells it of the job's tasks, and Lightning Fabric by itself would take it for one of them."""
    job = {"JOB_ID": "7", "JOB_NAME": "train", "NTASKS": "4", "PROCID": "0", "LOCALID": "0", "NODEID": "0"}
    for name, value in step(**job, JOB_NUM_NODES="1", JOB_NODELIST="n1").items():
        monkeypatch.setenv(name, value)
    for parts in (1, 2):
        assert make_fabric("cpu", "float32", parts=parts).world_size == 1
