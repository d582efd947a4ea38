"""The ranks of a training run, each with a Fabric: the first has started the others here, or srun all of them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

from facesynth.core.errors import TrainingError, UsageError
from facesynth.inference.device import resolve_device
from facesynth.training.others import AGAIN, Others
from facesynth.training.place import ALONE, Place
from facesynth.training.runs.settings import Precision
from facesynth.training.strategies import InParts, OnRanks

PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}


@contextmanager
def other_ranks(ranks: int, work: Callable[[Place], object], own: Place = ALONE) -> Iterator[Place]:
    """Run `work` (which has to be picklable) for all ranks but the first in processes of their own; lend the first's.

    Where srun has started them all, and this one as its `own`, there is nothing to start.

    Where one of them fails this block does too: TrainingError with what it said. At the end they are waited for, after
    an error they are killed.
    """
    if ranks == 1 or own.srun:
        yield own
        return
    port, threads, others = _free_port(), torch.get_num_threads(), Others()
    try:
        for rank in range(1, ranks):
            others.start(Place(rank, ranks, port), work, _share(threads, ranks))
        torch.set_num_threads(_share(threads, ranks))
        try:
            yield Place(0, ranks, port, others=others)
        except RuntimeError as error:  # what torch says of a rank that is gone
            if failure := others.failure():
                raise TrainingError(failure, hint=AGAIN) from error
            raise
        others.wait()
        if failure := others.failure():
            raise TrainingError(failure, hint="what this rank has done is saved")
    finally:
        torch.set_num_threads(threads)
        if dist.is_initialized() and not others.left_waiting:
            dist.destroy_process_group()
        others.end()


def make_fabric(device: str, precision: Precision, *, parts: int = 1, place: Place = ALONE) -> Fabric:
    """Return a Fabric at one precision for the device of this rank; every optimizer steps with the last of `parts`.

    It waits until all ranks are there. UsageError for a single GPU by its number and several ranks, DeviceError for
    more ranks than there are GPUs, TrainingError where one that was started here is gone before.
    """
    if place.ranks == 1:
        resolved = resolve_device(device)
        if parts > 1:
            where = torch.device("cuda", resolved.index or 0) if resolved.type == "cuda" else resolved
            strategy: Any = InParts(parts, device=where)
            how: dict[str, Any] = {"strategy": strategy}
        else:
            devices = [resolved.index] if resolved.index is not None else 1
            how = {"devices": devices}
        # Alone whatever the environment tells: in a batch job Fabric would take this process for one of srun's.
        how |= {"precision": PRECISIONS[precision], "plugins": [LightningEnvironment()]}
        fabric = Fabric(accelerator=resolved.type, **how)
    else:
        kind = check_place(device, place)
        environment = SLURMEnvironment(auto_requeue=False) if place.srun else _Environment(place)
        strategy = OnRanks(parts, cluster_environment=environment)
        fabric = Fabric(
            accelerator=kind,
            devices=place.here,
            num_nodes=place.nodes,
            strategy=strategy,
            precision=PRECISIONS[precision],  # type: ignore[arg-type]
        )
    if place.others is not None:
        place.others.meet(fabric.launch)  # in another thread: its GPU is the one that every thread begins with
    else:
        fabric.launch()
    return fabric


def check_devices(device: str, ranks: int) -> str:
    """Return the kind of device that so many ranks train on; for what it raises see `make_fabric`."""
    if ranks > 1 and (":" in device or device == "mps"):
        raise UsageError(f"--devices {ranks} and --device {device} do not go together", hint="use --device cuda or cpu")
    resolved = resolve_device(device)
    if ranks > 1 and resolved.type == "mps":  # which auto has chosen
        return check_devices("cpu", ranks)
    if resolved.type == "cuda":
        resolve_device(f"cuda:{ranks - 1}")
    return resolved.type


def check_place(device: str, place: Place) -> str:
    """Return the kind of device that a rank trains on, as `check_devices` says it of its machine."""
    if place.ranks > 1 and place.here == 1 and ":" in device:
        raise UsageError(f"--device {device} is one of a machine's GPUs", hint="use --device cuda or cpu")
    return check_devices(device, place.here)


class _Environment(ClusterEnvironment):
    """Tells Fabric about processes that were started here."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._place = place

    creates_processes_externally = True
    main_address = "127.0.0.1"

    @property
    def main_port(self) -> int:
        return self._place.port

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self._place.ranks

    def set_world_size(self, size: int) -> None:
        pass

    def global_rank(self) -> int:
        return self._place.rank

    def set_global_rank(self, rank: int) -> None:
        pass

    def local_rank(self) -> int:
        return self._place.rank

    def node_rank(self) -> int:
        return 0


def _share(threads: int, ranks: int) -> int:
    return max(1, threads // ranks)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
