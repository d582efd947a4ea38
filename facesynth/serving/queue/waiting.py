"""The jobs that wait: every client's in the order they came, the clients in turn."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

from facesynth.serving.queue.jobs import Job


class Waiting:
    """Jobs by client. A client that was served goes behind the others, so that who asks much waits for itself alone.

    A client's paintings and its other jobs are two rows: neither has to wait for what the other waits for.
    """

    def __init__(self) -> None:
        self._clients: OrderedDict[str, dict[bool, deque[Job]]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(self.of, self._clients))

    def of(self, client: str) -> int:
        """How many of a client wait."""
        return sum(map(len, self._clients.get(client, {}).values()))

    @property
    def paintings(self) -> int:
        """How many of them are paintings."""
        return sum(len(rows[True]) for rows in self._clients.values())

    def add(self, job: Job, *, first: bool = False) -> None:
        """Put a job behind the client's others; with `first` before all others of everybody."""
        rows = self._clients.setdefault(job.client, {True: deque(), False: deque()})
        if first:
            rows[job.paints].appendleft(job)
            self._clients.move_to_end(job.client, last=False)
        else:
            rows[job.paints].append(job)

    def remove(self, job: Job) -> bool:
        """Take a job out; False where it does not wait here."""
        if (rows := self._clients.get(job.client)) is None or job not in rows[job.paints]:
            return False
        rows[job.paints].remove(job)
        self._forget_if_done(job.client)
        return True

    def of_session(self, client: str, session: str) -> list[Job]:
        """The paintings of a client's session that wait."""
        rows = self._clients.get(client)
        return [job for job in rows[True] if job.session == session] if rows else []

    def take(self, most: int, fits: Callable[[Job], bool] = lambda _: True) -> list[Job]:
        """The next jobs to be computed together: one, or up to `most` paintings; none where nothing waits that `fits`.

        The client whose turn it is gives the oldest of its jobs that fits, one whose jobs do not fit keeps its turn.
        What else joins comes from all clients in turn. A lone job that does not fit is waited for: nothing behind it is
        taken.
        """
        taken: list[Job] = []
        while len(taken) < most and (job := self._next(fits, joins=bool(taken))) is not None:
            self._clients[job.client][job.paints].popleft()
            self._clients.move_to_end(job.client)
            self._forget_if_done(job.client)
            taken.append(job)
            if not job.joins:
                break
        return taken

    def _next(self, fits: Callable[[Job], bool], *, joins: bool) -> Job | None:
        for rows in self._clients.values():
            for job in sorted((row[0] for row in rows.values() if row), key=lambda job: (not job.lone, job.arrived)):
                if fits(job) and (job.joins or not joins):
                    return job
                if job.lone:
                    return None
        return None

    def take_all(self) -> list[Job]:
        """Everything that waits; nothing does afterwards."""
        taken = [job for rows in self._clients.values() for row in rows.values() for job in row]
        self._clients.clear()
        return taken

    def _forget_if_done(self, client: str) -> None:
        if not self.of(client):
            del self._clients[client]
