"""What runs inside a Ray actor: a bench, once it is sure to stand at the same store as the process that orders."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

from facesynth import __version__
from facesynth.core.errors import CacheError, UsageError
from facesynth.pipeline.fleet.bench import Bench
from facesynth.pipeline.fleet.orders import Answers, Ended, Order, Ready, Unready, sendable

TOKEN = "token"
"""The file in `ActorPart.proof` that holds `ActorPart.token`."""


@dataclass(frozen=True, slots=True)
class ActorPart:
    """What an actor is told of itself and of who orders.

    `proof` is a folder within the store `root` that holds `token`: who can read that, and is seen to write there, works
    on the same file system. All paths are absolute.
    """

    index: int
    count: int
    device: str
    threads: int
    root: Path
    proof: Path
    token: str
    folder: Path
    version: str = __version__

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"worker {self.index + 1} of {self.count}"

    @property
    def seen(self) -> Path:
        """What the actor writes."""
        return self.proof / f"seen-{self.index}"


class ActorBench:
    """A worker on some machine of a cluster. Its methods are called by several threads."""

    def __init__(self, part: ActorPart) -> None:
        self._part = part
        self._bench = Bench(part.root, lambda: part.device, part.threads)

    def ready(self) -> Ready | Unready:
        """Whether it stands where it should."""
        try:
            _check(self._part)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits has to hear of it
            return Unready(sendable(error))
        return Ready()

    def compute(self, order: Order) -> Answers | Ended:
        """What a bench answers."""
        return self._bench(order)

    def rest(self) -> None:
        """Return when it may be killed: it publishes nothing then."""
        self._bench.rest()

    def pid(self) -> int:
        """The process's id on its machine."""
        return os.getpid()


def _check(part: ActorPart) -> None:
    """Raise UsageError or CacheError where this machine is not set up like the one that orders."""
    host = platform.node()
    if part.version != __version__:
        what = f"{host} has facesynth {__version__}, this machine has {part.version}"
        raise UsageError(what, hint="install the same version on all machines of the cluster")
    try:
        os.chdir(part.folder)  # paths of inputs start from there
    except OSError as error:
        what = f"{host} of the Ray cluster does not have this folder ({error.strerror})"
        hint = "run the command in a folder that all machines share, at one path"
        raise UsageError(what, where=part.folder, hint=hint) from error
    try:
        same = (part.proof / TOKEN).read_text(encoding="utf-8") == part.token
        part.seen.write_text(part.token, encoding="utf-8")
    except OSError:
        same = False
    if not same:
        what = f"{host} of the Ray cluster does not see this cache, or may not write to it"
        raise CacheError(what, where=part.root, hint="let --cache be a folder that all machines share, at one path")
