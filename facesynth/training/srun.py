"""Ranks that Slurm has started: `srun facesynth train …`, on one machine or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import torch.distributed as dist
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

from facesynth.core.errors import TrainingError, UsageError
from facesynth.training.others import AGAIN
from facesynth.training.place import Place
from facesynth.training.strategies import PATIENCE

_STARTING = timedelta(minutes=30)
"""How long the other ranks wait for the first one to be there at all: a queue may start it last."""


def place_of(environment: Mapping[str, str]) -> Place | None:
    """Which of several ranks srun has started this process as; None where it did not, or it is the only one.

    A batch script's own commands are none, though Slurm tells them of the job: srun alone tells of a step. Raises
    UsageError where the tasks are not as many on each machine.
    """
    ranks = _count(environment, "SLURM_STEP_NUM_TASKS")
    if ranks == 1:
        return None
    nodes = _count(environment, "SLURM_STEP_NUM_NODES")
    if "SLURM_NTASKS_PER_NODE" not in environment or ranks % nodes:
        what = f"srun has started {ranks} tasks on {nodes} machines, and did not say how many on each"
        raise UsageError(what, hint="give --ntasks-per-node in place of --ntasks")
    return Place(_count(environment, "SLURM_PROCID", least=0), ranks, nodes=nodes, srun=True)


def _count(environment: Mapping[str, str], name: str, least: int = 1) -> int:
    """A number that srun tells. UsageError where it is none."""
    told = environment.get(name, "1")
    if not told.isdecimal() or int(told) < least:
        raise UsageError(f"{name} is {told!r}, which srun never sets", hint="unset it where this is no task of srun's")
    return int(told)


@contextmanager
def meeting(place: Place) -> Iterator[Callable[[], None]]:
    """Have the other ranks wait until the first one has opened what is trained on; who is no rank of srun's has none.

    The first rank calls what it is lent when it has; the others are lent nothing before that. Raises TrainingError
    where the first rank ends before, or another one while it trains.
    """
    if not place.srun:
        yield lambda: None
        return
    slurm = SLURMEnvironment(auto_requeue=False)
    told = f"rank {place.rank} of {place.ranks}"
    try:
        store = dist.TCPStore(  # type: ignore[attr-defined]
            slurm.main_address,
            slurm.main_port + 1,
            is_master=not place.rank,
            wait_for_workers=False,
            timeout=_STARTING,
        )
    except RuntimeError as error:
        what = f"{told} cannot meet the first one at {slurm.main_address} ({_line(error)})"
        raise TrainingError(what, hint="let srun start all of them, on machines that reach each other") from error
    if place.rank:
        store.set_timeout(PATIENCE)
        try:
            opened = store.get("opened") == b"yes"
        except RuntimeError:
            opened = False
        if not opened:
            raise TrainingError(f"{told}: the first rank ended before training began", hint="it says why")
    try:
        yield lambda: store.set("opened", "yes")
    except RuntimeError as error:
        if not isinstance(error, dist.DistError) and "connection" not in str(error).lower():
            raise
        raise TrainingError(f"{told}: another rank is gone ({_line(error)})", hint=AGAIN) from error
    finally:
        if not place.rank and not store.check(["opened"]):
            store.set("opened", "no")
        if dist.is_initialized():
            dist.destroy_process_group()


def _line(error: Exception) -> str:
    return str(error).partition("\n")[0]
