"""Imports that were stopped, killed or done twice at once, and ledgers that were damaged."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from facesynth.core.errors import UsageError
from facesynth.datasets.importing.engine import Imported, import_dataset
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.manifest import MANIFEST_NAME
from tests.datasets.importing.conftest import names
from tests.text_layout import TextLayout, write_texts

ROOT = Path(__file__).parents[3]


def test_interrupted_it_leaves_the_old_manifest_and_goes_on(texts: Path, output: Path) -> None:
    old = import_dataset(TextLayout(texts), output).manifest.read_bytes()
    for path in texts.iterdir():
        path.write_text(path.stem)

    def interrupt(name: str, outcome: str) -> None:
        if name == "0006":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_dataset(TextLayout(texts), output, on_item=interrupt)
    assert (output / MANIFEST_NAME).read_bytes() == old
    layout = TextLayout(texts)
    done = import_dataset(layout, output)
    assert done.kept == 7 and sorted(layout.made) == [f"{index:04d}" for index in range(7, 12)]
    assert not list(output.glob(f".{MANIFEST_NAME}-*"))


def committed(output: Path) -> int:
    """How many rows a kill would leave."""
    try:
        with closing(sqlite3.connect(f"file:{output / '.dataset.sqlite'}?mode=ro", uri=True)) as ledger:
            return int(ledger.execute("SELECT COUNT(*) FROM rows").fetchone()[0])
    except sqlite3.Error:
        return 0  # not there yet


def test_killed_at_any_moment_it_goes_on_and_ends_with_the_same_manifest(output: Path, tmp_path: Path) -> None:
    texts = write_texts(tmp_path / "many", 1200)
    code = (
        "import sys; from pathlib import Path\n"
        "from facesynth.datasets.importing.engine import import_dataset\n"
        "from tests.text_layout import TextLayout\n"
        "import_dataset(TextLayout(Path(sys.argv[1]), slow=0.005), Path(sys.argv[2]))"
    )
    for _ in range(2):
        before, deadline = committed(output), time.monotonic() + 60
        process = subprocess.Popen([sys.executable, "-c", code, str(texts), str(output)], cwd=ROOT)
        while committed(output) == before and time.monotonic() < deadline:
            time.sleep(0.02)
        process.kill()
        process.wait(timeout=60)
        assert committed(output) > before
        assert not (output / MANIFEST_NAME).exists()
    (output / "upper" / ".cut.part").write_text("half")
    layout = TextLayout(texts)
    done = import_dataset(layout, output)
    assert 0 < done.kept < 1200 and len(layout.made) == 1200 - done.kept
    undisturbed = import_dataset(TextLayout(texts), tmp_path / "other" / "out")
    told = undisturbed.manifest.read_bytes().replace(str(texts).encode(), b"../many")  # it lies elsewhere
    assert done.manifest.read_bytes() == told
    assert not [path for path in output.rglob(".*") if path.name.endswith(".part") or "json-" in path.name]
    assert not list(output.glob(".dataset.jsonl-*"))


def test_another_version_of_the_layout_makes_everything_anew(texts: Path, output: Path) -> None:
    class Shouting(TextLayout):
        version = 2

        def make(self, entry: Entry, output: Path) -> Made:
            made = super().make(entry, output)
            made.written[0].write_text(made.written[0].read_text() + "!")
            return made

    import_dataset(TextLayout(texts), output)
    for kept in (0, 12):
        done = import_dataset(Shouting(texts), output)
        assert done.kept == kept and (output / "upper" / "0003.txt").read_text() == "TEXT 3!"


def test_a_second_import_says_that_one_is_at_work_and_does_no_harm(texts: Path, output: Path) -> None:
    started, proceed = threading.Event(), threading.Event()

    class Waiting(TextLayout):
        def make(self, entry: Entry, output: Path) -> Made:
            started.set()
            assert proceed.wait(30)
            return super().make(entry, output)

    done: list[Imported] = []
    thread = threading.Thread(target=lambda: done.append(import_dataset(Waiting(texts), output)))
    thread.start()
    try:
        assert started.wait(30)
        second = TextLayout(texts)
        with pytest.raises(UsageError, match="another import is at work here"):
            import_dataset(second, output)
        assert second.made == []
    finally:
        proceed.set()
        thread.join(30)
    assert done[0].count == 12 and len(names(done[0])) == 12


@pytest.mark.parametrize("damage", [b"", b"no database at all" * 100, b"SQLite format 3\x00" + bytes(4000)])
def test_a_damaged_ledger_costs_time_and_nothing_else(damage: bytes, texts: Path, output: Path) -> None:
    manifest = import_dataset(TextLayout(texts), output).manifest.read_bytes()
    (output / ".dataset.sqlite").write_bytes(damage)
    again = import_dataset(TextLayout(texts), output)
    assert again.kept == 0 and again.manifest.read_bytes() == manifest
    assert import_dataset(TextLayout(texts), output).kept == 12


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE rows SET sample = '{}', written = '[]'",
        "UPDATE rows SET sample = replace(sample, '0', '1')",
        "UPDATE rows SET written = 'no JSON'",
        "UPDATE rows SET sample = CAST(x'ff22' || sample AS TEXT)",
        "UPDATE rows SET basis = CAST(x'ff' AS TEXT), warnings = 7",
        "UPDATE rows SET run = 2",
        "UPDATE rows SET run = 9223372036854775807",
        "UPDATE settings SET value = '0' WHERE key = 'run'",
        "UPDATE settings SET value = CAST(x'ff' AS TEXT)",
        "ALTER TABLE rows RENAME COLUMN basis TO bases",
        "DROP TABLE settings",
    ],
)
def test_rows_that_are_damaged_are_made_anew(damage: str, texts: Path, output: Path) -> None:
    manifest = import_dataset(TextLayout(texts), output).manifest.read_bytes()
    with closing(sqlite3.connect(output / ".dataset.sqlite")) as ledger:
        ledger.execute(damage)
        ledger.commit()
    assert import_dataset(TextLayout(texts), output).manifest.read_bytes() == manifest
    assert import_dataset(TextLayout(texts), output).kept == 12


@pytest.mark.parametrize("seed", range(8))
def test_bytes_that_change_in_the_ledger_cost_time_and_nothing_else(seed: int, texts: Path, output: Path) -> None:
    manifest = import_dataset(TextLayout(texts), output).manifest.read_bytes()
    drawn = random.Random(seed)
    data = bytearray((output / ".dataset.sqlite").read_bytes())
    for _ in range(drawn.choice((1, 10, 300))):
        data[drawn.randrange(len(data))] = drawn.randrange(256)
    (output / ".dataset.sqlite").write_bytes(data)
    for _ in range(2):
        done = import_dataset(TextLayout(texts), output)
        assert (done.failed, done.manifest.read_bytes()) == (0, manifest)
    assert done.kept == 12
