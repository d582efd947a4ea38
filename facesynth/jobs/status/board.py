"""TensorBoard on training runs, for this machine alone."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from facesynth.core.errors import DependencyMissing, FacesynthError, UsageError


def board(folder: Path, port: int) -> str:
    """Serve TensorBoard on a folder of runs, or one run, in a thread of this process; the page's address.

    Raises UsageError where there is nothing to show, DependencyMissing without the extra `train`, FacesynthError where
    the port is taken.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise DependencyMissing("tensorboard", "train")
    if not any(folder.rglob("events.out.tfevents.*")):
        raise UsageError("holds no statistics for TensorBoard", where=folder, hint="name a run that has begun to train")
    from tensorboard import program

    served = program.TensorBoard()
    options = {"logdir": str(folder), "host": "127.0.0.1", "port": str(port), "load_fast": "false"}  # no other process
    served.configure(argv=["", *(part for name, value in options.items() for part in (f"--{name}", value))])
    try:
        return str(served.launch())
    except program.TensorBoardServerException as error:
        raise FacesynthError(f"TensorBoard cannot be started ({error})", hint="choose another --port") from error
