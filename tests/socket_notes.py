"""Python processes that note whom they ask for over the network: a run of ours and all the processes it starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# Python imports a module of this name first of all, in every process that finds it on its path.
_HOOK = """
import os, sys

def note(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        asked = args[1]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        asked = args[0]
    else:
        return
    with open(os.environ["SOCKET_NOTES"], "a") as file:
        file.write(f"{event} {asked!r} {sys.argv[:3]}" + chr(10))

with open(os.environ["SOCKET_NOTES"], "a") as file:
    file.write("begun" + chr(10))
sys.addaudithook(note)
"""
_HERE = ("127.0.0.1", "::1", "localhost")


def noting(folder: Path) -> Mapping[str, str]:
    """The environment of a process that is to be watched; its notes go into `folder`."""
    (folder / "sitecustomize.py").write_text(_HOOK)
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "SOCKET_NOTES": str(folder / "sockets.txt")}


def asked_beyond_loopback(folder: Path) -> list[str]:
    """What was asked for that does not lie on this machine. Fails where nothing was watched."""
    begun, *notes = (folder / "sockets.txt").read_text().splitlines()
    assert begun == "begun"
    return [note for note in notes if note != "begun" and not _stays_here(note)]


def _stays_here(note: str) -> bool:
    asked = note.split(" ", 1)[1]
    by_path = asked.startswith(("'/", "b'/", "'\\x00", "b'\\x00"))  # a Unix socket
    return (
        by_path
        or asked.startswith(("None ", "''"))
        or any(asked.startswith((f"'{name}'", f"('{name}',")) for name in _HERE)
    )
