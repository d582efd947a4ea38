"""Processes for the other ranks of a training run: started beside this one, which is the first, and ended with it."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

from facesynth.core.errors import FacesynthError, TrainingError, UsageError
from facesynth.core.stop_signals import STOP_SIGNALS
from facesynth.inference.device import resolve_device
from facesynth.training.runs.settings import Precision
from facesynth.training.strategies import InParts, OnRanks

PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}


@dataclass(frozen=True, slots=True)
class Place:
    """Which rank a process is, of how many, on how many machines.

    They meet at a port of this machine, or where Slurm says, if it was `srun` that started them.
    """

    rank: int = 0
    ranks: int = 1
    port: int = 0
    nodes: int = 1
    srun: bool = False

    @property
    def here(self) -> int:
        """How many of them are on this machine."""
        return self.ranks // self.nodes


ALONE = Place()


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
    spawn, port = multiprocessing.get_context("spawn"), _free_port()
    children: list[tuple[Any, Connection]] = []
    threads = torch.get_num_threads()
    try:
        for rank in range(1, ranks):
            ours, theirs = spawn.Pipe(duplex=False)
            place = Place(rank, ranks, port)
            child = spawn.Process(target=_work_as, args=(place, work, theirs, _share(threads, ranks)), daemon=True)
            child.start()
            theirs.close()
            children.append((child, ours))
        torch.set_num_threads(_share(threads, ranks))
        try:
            yield Place(0, ranks, port)
        except RuntimeError as error:  # what torch says of a rank that is gone
            if said := _said(children):
                raise TrainingError(said, hint="run the same command again: it goes on from what is saved") from error
            raise
        for child, _ in children:
            child.join()
        if said := _said(children):
            raise TrainingError(said, hint="what this rank has done is saved")
    finally:
        torch.set_num_threads(threads)
        if dist.is_initialized():
            dist.destroy_process_group()
        for child, pipe in children:
            child.kill()
            child.join()
            pipe.close()


def make_fabric(device: str, precision: Precision, *, parts: int = 1, place: Place = ALONE) -> Fabric:
    """Return a Fabric at one precision for the device of this rank; every optimizer steps with the last of `parts`.

    UsageError for a single GPU by its number and several ranks, DeviceError for more ranks than there are GPUs.
    """
    if place.ranks == 1:
        resolved = resolve_device(device)
        if parts > 1:
            where = torch.device("cuda", resolved.index or 0) if resolved.type == "cuda" else resolved
            strategy: Any = InParts(parts, device=where)
            fabric = Fabric(accelerator=resolved.type, strategy=strategy, precision=PRECISIONS[precision])  # type: ignore[arg-type]
        else:
            devices = [resolved.index] if resolved.index is not None else 1
            fabric = Fabric(accelerator=resolved.type, devices=devices, precision=PRECISIONS[precision])  # type: ignore[arg-type]
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


def _work_as(place: Place, work: Callable[[Place], object], pipe: Connection, threads: int) -> None:
    """What a process of another rank does."""
    for number in STOP_SIGNALS:  # the first rank hears them, and says when to stop
        signal.signal(number, signal.SIG_IGN)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the first rank's greeting is enough
    threading.Thread(target=_end_with_parent, daemon=True).start()
    torch.set_num_threads(threads)
    try:
        work(place)
    except FacesynthError as error:
        pipe.send(str(error))
        raise SystemExit(1) from None
    except BaseException as error:  # whatever it was, the first rank is to tell it
        pipe.send(f"{type(error).__name__}: {error}")
        raise
    if dist.is_initialized():
        dist.destroy_process_group()


def _end_with_parent() -> None:
    """A first rank that was killed says nothing, and a GPU would be held for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _said(children: list[tuple[Any, Connection]]) -> str | None:
    """What the first rank that failed has said; None where none has failed. Waits a little for one that is failing."""
    for rank, (child, pipe) in enumerate(children, start=1):
        child.join(5)
        if child.exitcode:
            told = pipe.recv() if pipe.poll() else f"it ended with code {child.exitcode}"
            return f"rank {rank} failed: {told}"
    return None


def _share(threads: int, ranks: int) -> int:
    return max(1, threads // ranks)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
