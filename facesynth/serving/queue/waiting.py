"""The jobs that wait: every client's in the order they came, the clients in turn."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

from facesynth.serving.queue.jobs import Job


class Waiting:
    """Jobs by client. A client that was served goes behind the others, so that who asks much waits for itself alone."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, deque[Job]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def of(self, client: str) -> int:
        """How many of a client wait."""
        return len(self._clients.get(client, ()))

    def add(self, job: Job, *, first: bool = False) -> None:
        """Put a job behind the client's others; with `first` before all others of everybody."""
        own = self._clients.setdefault(job.client, deque())
        if first:
            own.appendleft(job)
            self._clients.move_to_end(job.client, last=False)
        else:
            own.append(job)
        self._count += 1

    def remove(self, job: Job) -> bool:
        """Take a job out; False where it does not wait here."""
        own = self._clients.get(job.client, deque())
        if job not in own:
            return False
        own.remove(job)
        self._forget_if_done(job.client)
        self._count -= 1
        return True

    def older(self, session: str) -> list[Job]:
        """The paintings of a session that wait."""
        return [job for own in self._clients.values() for job in own if job.session == session]

    def take(self, most: int, fits: Callable[[Job], bool] = lambda _: True) -> list[Job]:
        """The next jobs to be computed together: one, or up to `most` paintings; none where nothing waits that `fits`.

        The client whose turn it is gives its oldest job, one whose job does not fit keeps its turn. What else joins
        comes from all clients in turn. A lone job that does not fit is waited for: nothing behind it is taken.
        """
        taken: list[Job] = []
        while len(taken) < most and (found := self._next(fits, joins=bool(taken))) is not None:
            job = self._clients[found].popleft()
            self._count -= 1
            self._clients.move_to_end(found)
            self._forget_if_done(found)
            taken.append(job)
            if not job.joins:
                break
        return taken

    def _next(self, fits: Callable[[Job], bool], *, joins: bool) -> str | None:
        for client, own in self._clients.items():
            if fits(own[0]) and (own[0].joins or not joins):
                return client
            if own[0].lone:
                return None
        return None

    def take_all(self) -> list[Job]:
        """Everything that waits; nothing does afterwards."""
        taken = [job for own in self._clients.values() for job in own]
        self._clients.clear()
        self._count = 0
        return taken

    def _forget_if_done(self, client: str) -> None:
        if not self._clients[client]:
            del self._clients[client]
