"""A job that goes on with whatever comes to be in its folders, until the user stops it."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from facesynth.core.arrivals import Arrivals
from facesynth.core.errors import InputError, UsageError
from facesynth.core.refs import Failed, Origin
from facesynth.core.scan import SourceFile
from facesynth.jobs.session import Session
from facesynth.outputs import NameBook, is_sheet

AT_ONCE = 256
"""Files that are taken at once, at most: what comes meanwhile is seen in between."""

_OFTEN, _LEAST = 1.0, 0.02
"""Seconds between two looks, at most (where files settle in more than four of them) and at least."""
_REST = 2
"""Times as long as a look took there is none: looking through large folders on a network share takes long."""


def watch(session: Session, work: Callable[[], None], *, settle: float) -> None:
    """Have `work` done on each file that is complete (for `settle` seconds, as `Arrivals` says it), again and again.

    `session` is `arriving`, its inputs are folders; `work` does its sources. What is there at the start comes first. A
    file that holds something else later is done again. A stop signal (KeyboardInterrupt) ends the work, and is raised
    only where files were left: those are taken by the next run. A folder that cannot be listed gets a row of the report
    and is tried again. Raises UsageError for inputs that are no folders, or lie in the output folder.
    """
    _refuse_results(session)
    arrivals = Arrivals([*session.inputs], settle=settle, without=session.folder, suffixes=session.suffixes)
    names, waiting, rest = NameBook(tail=session.tail), deque[SourceFile](), 0.0
    session.execution.progress.note(f"watching {', '.join(map(str, session.inputs))}; Ctrl-C ends it")
    while True:
        try:
            began = time.monotonic()
            if began >= rest:
                _look(session, arrivals, names, waiting)
                now = time.monotonic()
                rest = now + max(min(_OFTEN, settle / 4), _REST * (now - began), _LEAST)
            elif not waiting:
                time.sleep(rest - began)
        except KeyboardInterrupt:
            if waiting:
                raise
            return
        taken = [waiting.popleft() for _ in range(min(AT_ONCE, len(waiting)))]
        sources = [source for source in taken if arrivals.is_as_told(str(source.path))]
        if sources:
            session.take(sources, names.of(sources), arrivals.is_as_told)
            work()


def _look(session: Session, arrivals: Arrivals, names: NameBook, waiting: deque[SourceFile]) -> None:
    found = arrivals.look()
    names.forget(found.gone)
    complete = [source for source in found.complete if not is_sheet(source)]
    if complete and not names:
        names.add(complete)
    for source in complete:
        with session.item(Origin(str(source.path)), advance=0):
            names.add([source])
            waiting.append(source)
    for folder, fault in found.unlisted:
        session.execution.progress.more(1)
        told = f"a folder that cannot be listed ({fault.strerror or fault})"
        error = InputError(told, where=folder, hint="check its permissions; it is tried again")
        session.settle(Failed(Origin(str(folder)), error))


def _refuse_results(session: Session) -> None:
    """Refuse to watch what lies in the output folder, where results would be taken for inputs as they are written."""
    output = Path(os.path.realpath(session.folder))
    for folder in session.inputs:
        if Path(os.path.realpath(folder)).is_relative_to(output):
            what = f"the watched folder {folder} lies in the output folder"
            raise UsageError(what, where=session.folder, hint="choose another -o")
