"""Workers that are Ray actors: one a GPU of a cluster, over a store on a file system that all its machines share.

The only module that imports Ray. Nothing is told to its makers, and no dashboard is opened.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from facesynth.core.errors import CacheError, DependencyMissing, DeviceError
from facesynth.core.stop_signals import STOP_SIGNALS
from facesynth.pipeline.fleet.bench import AHEAD
from facesynth.pipeline.fleet.fleet import Fleet, Note
from facesynth.pipeline.fleet.orders import Order, Unready
from facesynth.pipeline.fleet.ray_actor import TOKEN, ActorBench, ActorPart
from facesynth.pipeline.fleet.worker import Listener, Worker
from facesynth.store import ArtifactStore

_GRACE = 3.0
_SEEN_WITHIN = 30.0
"""Seconds until what another machine has written shows here."""
_SAY_AFTER = 30.0
"""Seconds that a worker may wait for room on the cluster before that is told."""
_ANSWERS_WITHIN = 60.0
"""Seconds in which a cluster has to answer; Ray by itself asks an address for ever, whatever lies there."""
_PROBE = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False); ray.nodes()"
_OBJECTS = 100 << 20
"""Bytes that a cluster of our own may keep in shared memory: orders and answers are small, results lie in the store."""


def on_ray(count: int | None, root: Path, *, address: str | None, device: str, threads: int, note: Note) -> Fleet:
    """A fleet of `count` actors on the cluster at `address` (None: one that is started here, and ended).

    By default there is an actor for each GPU, and where there is none, or `device` is `cpu`, one for each machine that
    has CPUs: a head node may lend none.
    `threads` of each read and write files. Raises DependencyMissing without Ray.
    """
    if importlib.util.find_spec("ray") is None:
        raise DependencyMissing("ray", "ray")
    crew = partial(_crew, count, root, address=address, device=device, threads=threads, note=note)
    return Fleet(crew, root, kind="ray", note=note)


@dataclass(frozen=True, slots=True)
class Room:
    """What each actor takes of its machine, and how many there are."""

    count: int
    cpus: int
    gpus: int

    @classmethod
    def on(cls, machines: Sequence[tuple[int, int]], count: int | None, device: str) -> Room:
        """Share out machines, told by their (CPUs, GPUs). Raises DeviceError where they do not suffice."""
        gpus = 0 if device == "cpu" else sum(own for _, own in machines)
        if device == "cuda" and not gpus:
            raise DeviceError("the Ray cluster has no GPU", hint="use --device cpu")
        if gpus:
            if (count or 0) > gpus:
                raise DeviceError(f"the Ray cluster has {gpus} GPUs, not {count}", hint=f"use --devices {gpus}")
            return cls(count or gpus, 1, 1)
        cores = [own for own, _ in machines if own]
        wanted, total = count or max(1, len(cores)), sum(cores)
        for cpus in range(total // wanted, 0, -1):
            if sum(own // cpus for own in cores) >= wanted:
                return cls(wanted, cpus, 0)
        raise DeviceError(f"the Ray cluster has {total} CPUs, not {wanted}", hint=f"use --devices {max(1, total)}")


@contextlib.contextmanager
def _crew(
    count: int | None, root: Path, *, address: str | None, device: str, threads: int, note: Note
) -> Iterator[Sequence[Worker]]:
    with _connected(address, count) as ray, ArtifactStore(root, noted=False).workplace() as proof:
        alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        machines = [(int(own.get("CPU", 0)), int(own.get("GPU", 0))) for own in alive]
        room = Room.on(machines, count, device)
        token = uuid.uuid4().hex
        (proof / TOKEN).write_text(token, encoding="utf-8")
        named = "cuda" if room.gpus else "cpu"
        at = root.absolute()  # an actor starts in another folder than this one
        part = partial(ActorPart, device=named, threads=threads, root=at, proof=proof.absolute(), token=token)
        yield [
            ActorWorker(part(index=index, count=room.count, folder=Path.cwd()), room, note)
            for index in range(room.count)
        ]


@contextlib.contextmanager
def _connected(address: str | None, count: int | None) -> Iterator[Any]:
    """Lend Ray, connected. What it does to this process's signals is undone. Raises DeviceError without a cluster."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # it would report to its makers
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what goes wrong is told by us, not between our lines
    if address is not None:
        _require_cluster(address)
    import ray

    how: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address is None:
        own = {"include_dashboard": False, "object_store_memory": _OBJECTS}
        how |= {"address": "local", "num_cpus": max(os.cpu_count() or 1, count or 1), **own}
    else:
        how["address"] = address
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    try:
        ray.init(**how)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise _no_cluster(address, str(error).partition("\n")[0]) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)
    try:
        yield ray
    finally:
        ray.shutdown()


def _no_cluster(address: str | None, said: str) -> DeviceError:
    where = f"at {address}" if address else "on this machine"
    return DeviceError(f"no Ray cluster can be used {where} ({said})", hint="look at --ray-address")


def _require_cluster(address: str) -> None:
    """Raises DeviceError where no cluster answers: another process, which can be ended, asks first."""
    try:
        asked = subprocess.run(
            [sys.executable, "-c", _PROBE, address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWERS_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _no_cluster(address, f"nothing answers in {_ANSWERS_WITHIN:.0f} s") from None
    if asked.returncode:
        raise _no_cluster(address, (asked.stderr.strip().splitlines() or ["Ray says nothing"])[-1])


@dataclass(slots=True)
class _Life:
    """One actor and what is heard of it: the outcome of each order, and in the end None."""

    actor: Any
    heard: SimpleQueue[Future[Any] | None] = field(default_factory=SimpleQueue)
    stopped: bool = False
    last: Any = None


class ActorWorker:
    """An actor, which may die and be started again, on another machine too."""

    def __init__(self, part: ActorPart, room: Room, note: Note) -> None:
        self._part, self._room, self._note = part, room, note
        self._life: _Life | None = None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self._part.name

    @property
    def actor(self) -> Any:
        """Ray's handle; None where there is none."""
        return self._life.actor if self._life else None

    def start(self, listener: Listener) -> None:
        """Ask for the actor, and start a thread that hears of it."""
        import ray

        options = {"num_cpus": self._room.cpus, "num_gpus": self._room.gpus, "max_concurrency": AHEAD + 2}
        life = self._life = _Life(ray.remote(ActorBench).options(**options).remote(self._part))
        threading.Thread(target=self._hear, args=(life, listener), name=f"facesynth-{self.name}", daemon=True).start()

    def give(self, order: Order) -> None:
        """Have it compute a batch beside what it computes already."""
        assert self._life is not None
        self._life.actor.compute.remote(order).future().add_done_callback(self._life.heard.put)

    def stop(self) -> None:
        """Have the actor end as soon as nothing is being published."""
        if self._life is not None:
            self._life.stopped = True
            self._life.heard.put(None)
            self._life.last = self._life.actor.rest.remote()

    def join(self) -> None:
        """Wait until it is gone, and kill it where that takes too long."""
        import ray

        if self._life is not None:
            ray.wait([self._life.last], timeout=_GRACE)
            ray.kill(self._life.actor)

    def _hear(self, life: _Life, listener: Listener) -> None:
        import ray

        try:
            asked = life.actor.ready.remote()
            told = False
            while not ray.wait([asked], timeout=_SAY_AFTER)[0]:
                if not any(node["Alive"] for node in ray.nodes()):  # type: ignore[no-untyped-call]
                    what = "no machine of the Ray cluster is left"
                    listener.unready(self, DeviceError(what, hint="start it again, and run the same command again"))
                    return
                if not told:
                    self._note(f"{self.name} waits for room on the Ray cluster")
                told = True
            answer = ray.get(asked)
            error = answer.error if isinstance(answer, Unready) else self._unseen()
            if error is not None:
                listener.unready(self, error)
                return
            listener.ready(self)
            while (outcome := life.heard.get()) is not None:
                listener.answered(self, outcome.result())
        except Exception as error:  # noqa: BLE001 - whatever Ray says of it, it can be heard no more
            if not life.stopped:
                said = str(error).strip().partition("\n")[0]
                listener.ended(self, f"Ray says: {type(error).__name__}: {said}")

    def _unseen(self) -> CacheError | None:
        """What is wrong where this machine does not see what the actor has written."""
        until = time.monotonic() + _SEEN_WITHIN
        while not self._part.seen.exists():
            if time.monotonic() > until:
                what = "what a machine of the Ray cluster writes to this cache cannot be seen here"
                hint = "let --cache be a folder that all machines share, at one path"
                return CacheError(what, where=self._part.root, hint=hint)
            time.sleep(0.1)
        return None
