"""Killed at any moment: nothing half-written is ever read, and what was finished is not done again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

from facesynth.core.refs import sha256_bytes
from facesynth.store import ArtifactStore, Damage, Recipe, verify

_KEYS = 120
_SECONDS = 2.5

_WRITER = """
import sys
from pathlib import Path
from tests_recipe import content, recipe
from facesynth.store import ArtifactStore

store, start = ArtifactStore(Path(sys.argv[1])), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for step in range({keys}):
    index = (start + step) % {keys}
    if store.lookup("segment", recipe(index).key()) is None:
        store.publish(recipe(index), content(index), main="labels.png")
"""

_RECIPE = """
from facesynth.core.refs import sha256_bytes
from facesynth.store import Recipe

def recipe(index):
    return Recipe("segment", 1, {}, {}, (sha256_bytes(str(index).encode()),))

def content(index):
    data = str(index).encode() * 20_000
    return {"face.png": data, "labels.png": data[::-1]}
"""


def _recipe(index: int) -> Recipe:
    return Recipe("segment", 1, {}, {}, (sha256_bytes(str(index).encode()),))


def _intact(root: Path) -> set[int]:
    """The indices that a lookup finds; each of their bytes must be right."""
    store = ArtifactStore(root)
    found = set()
    for index in range(_KEYS):
        entry = store.lookup("segment", _recipe(index).key())
        if entry is not None:
            data = str(index).encode() * 20_000
            assert entry.file("face.png").read_bytes() == data
            assert entry.file("labels.png").read_bytes() == data[::-1]
            found.add(index)
    return found


def test_writers_killed_at_random_never_leave_a_half_written_entry(tmp_path: Path) -> None:
    (tmp_path / "tests_recipe.py").write_text(_RECIPE)
    caches = (tmp_path / f"cache{number}" for number in count())
    root = next(caches)
    rng = random.Random(0)
    here = str(Path(__file__).parents[2])
    setup = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {here!r}]\n"

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", setup + _WRITER.format(keys=_KEYS), str(root), str(rng.randrange(_KEYS))]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        return process

    before: set[int] = set()
    interrupted = 0
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline or (interrupted == 0 and time.monotonic() < deadline + 60):
        writers = [start(), start()]
        for writer in writers:  # at once, or the first is done before the second has begun
            assert writer.stdin is not None
            writer.stdin.write(b"go\n")
            writer.stdin.flush()
        time.sleep(rng.uniform(0, 0.03))
        for writer in writers:
            writer.kill()
            writer.communicate()
        after = _intact(root)
        assert before <= after  # what was finished stays
        interrupted += len(list((root / ".tmp").iterdir()))
        before = after
        if len(after) == _KEYS:
            root, before = next(caches), set()
    assert interrupted > 0  # or the kills never met a publication

    last = start()
    assert last.communicate(timeout=60) and last.returncode == 0
    assert _intact(root) == set(range(_KEYS))
    assert not [entry for entry in verify(root) if isinstance(entry, Damage)]
