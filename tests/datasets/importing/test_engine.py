from __future__ import annotations

import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.errors import OutputError, UsageError
from facesynth.datasets.importing import basis, ledger
from facesynth.datasets.importing.engine import Imported, import_dataset
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.importing.report import REPORT_NAME
from facesynth.datasets.manifest import MANIFEST_NAME, Description, Manifest, write_manifest
from tests.fed_pipes import fed_pipe
from tests.text_layout import TextLayout, write_texts

ROOT = Path(__file__).parents[3]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    return write_texts(tmp_path / "texts", 12)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "out"


def names(done: Imported) -> list[str]:
    return [sample.name for sample in Manifest.open(done.manifest)]


def report(done: Imported) -> Any:
    return json.loads(done.report.read_text(encoding="utf-8"))


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_rows_come_in_the_order_of_entries_whatever_the_threads_do(texts: Path, output: Path) -> None:
    before = contents(texts)
    heard: list[tuple[str, str]] = []
    done = import_dataset(
        TextLayout(texts, slow=0.002), output, workers=4, on_item=lambda name, outcome: heard.append((name, outcome))
    )
    assert names(done) == [f"{index:04d}" for index in range(12)] == [name for name, _ in heard]
    assert (done.count, done.kept, done.failed, done.warned) == (12, 0, 0, 0)
    assert done.exit_code == 0
    sample = next(iter(Manifest.open(done.manifest)))
    assert sample.image == texts / "0000.txt" or sample.image.samefile(texts / "0000.txt")
    assert sample.labels is not None and sample.labels.read_text() == "TEXT 0"
    assert sample.split == {"by letter": "train"} and sample.attributes == ("a", "b")
    assert contents(texts) == before


def test_again_makes_nothing_and_writes_the_same_bytes(texts: Path, output: Path) -> None:
    (texts / "0003.txt").write_text("odd")
    first = import_dataset(TextLayout(texts), output)
    written = (first.manifest.read_bytes(), first.report.read_bytes())
    layout = TextLayout(texts)
    again = import_dataset(layout, output)
    assert (again.kept, layout.made) == (12, [])
    assert again.warned == 1  # what is odd in a row that is kept is told again
    assert (again.manifest.read_bytes(), again.report.read_bytes()) == written


def test_what_is_new_changed_gone_or_lost_is_made_anew(texts: Path, output: Path) -> None:
    import_dataset(TextLayout(texts), output)
    (texts / "0001.txt").write_text("changed")
    os.utime(texts / "0002.txt", ns=(1, 1))  # may be another file of the same size
    (texts / "0003.txt").unlink()
    (texts / "0012.txt").write_text("new")
    (output / "upper" / "0004.txt").unlink()
    (output / "upper" / "0005.txt").write_text("CUT")
    layout = TextLayout(texts)
    done = import_dataset(layout, output)
    assert sorted(layout.made) == ["0001", "0002", "0004", "0005", "0012"]
    assert names(done) == [f"{index:04d}" for index in range(13) if index != 3]
    assert (output / "upper" / "0005.txt").read_text() == "TEXT 5"
    fresh = import_dataset(TextLayout(texts), output.with_name("fresh"))
    told = [path.read_bytes().replace(b"fresh/", b"").replace(b"out/", b"") for path in (done.manifest, fresh.manifest)]
    assert told[0] == told[1]


def put_unseen(path: Path, data: bytes, *, renamed: bool = False) -> None:
    """Other bytes of the same size under the same time."""
    status = path.stat()
    assert len(data) == status.st_size
    if renamed:
        path.with_suffix(".new").write_bytes(data)
        path.with_suffix(".new").replace(path)
    else:
        path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps no time of any change")
@pytest.mark.parametrize("renamed", [False, True])
def test_other_bytes_under_the_old_size_and_time_are_seen(renamed: bool, texts: Path, output: Path) -> None:
    import_dataset(TextLayout(texts), output)
    put_unseen(texts / "0001.txt", b"TEXT_1", renamed=renamed)
    put_unseen(output / "upper" / "0005.txt", bytes(6), renamed=renamed)
    layout = TextLayout(texts)
    done = import_dataset(layout, output)
    assert sorted(layout.made) == ["0001", "0005"]
    assert (output / "upper" / "0005.txt").read_text() == "TEXT 5"
    told = {sample.name: sample.sha256 for sample in Manifest.open(done.manifest)}
    assert told["0001"] == hashlib.sha256(b"TEXT_1").hexdigest()


def test_by_force_everything_is_made_anew(texts: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (basis, ledger):
        monkeypatch.setattr(module, "stamp", lambda path: (0, 0, 0, 0))  # a system that tells nothing
    import_dataset(TextLayout(texts), output)
    put_unseen(texts / "0001.txt", b"TEXT_1")
    put_unseen(output / "upper" / "0005.txt", bytes(6))
    assert import_dataset(TextLayout(texts), output).kept == 12
    with pytest.raises(KeyboardInterrupt):
        import_dataset(TextLayout(texts), output, force=True, on_item=interrupting(after=4))
    going_on = TextLayout(texts)
    import_dataset(going_on, output)
    assert 0 < len(going_on.made) < 12, "an import by force that was stopped goes on without it"
    assert (output / "upper" / "0005.txt").read_text() == "TEXT 5"
    done = import_dataset(TextLayout(texts), output, force=True)
    assert (done.count, done.kept) == (12, 0)


def interrupting(after: int) -> Callable[[str, str], None]:
    """What hears of each face, and is interrupted by the user."""
    heard: list[str] = []

    def hear(name: str, outcome: str) -> None:
        heard.append(name)
        if len(heard) == after:
            raise KeyboardInterrupt

    return hear


def test_other_settings_make_everything_anew(texts: Path, output: Path) -> None:
    import_dataset(TextLayout(texts, settings="a"), output)
    done = import_dataset(TextLayout(texts, settings="b"), output)
    assert done.kept == 0
    assert (output / "upper" / "0000.txt").read_text() == "TEXT 0B"


def test_what_fails_is_reported_and_tried_again(texts: Path, output: Path) -> None:
    for index in (2, 5):
        (texts / f"{index:04d}.txt").write_text("bad")
    for index in (3, 7, 9, 11):
        (texts / f"{index:04d}.txt").write_text("odd")
    done = import_dataset(TextLayout(texts), output)
    assert (done.count, done.failed, done.warned, done.exit_code) == (10, 2, 4, 3)
    assert (done.failures[0].what, done.failures[0].count) == ("cannot be used; mend it", 2)
    assert (done.warnings[0].what, done.warnings[0].names) == ("is odd", ("0003", "0007", "0009"))
    told = report(done)
    assert told["failures"] == [
        {"name": f"{index:04d}", "file": str(texts / f"{index:04d}.txt"), "reason": "cannot be used; mend it"}
        for index in (2, 5)
    ]
    assert told["warnings"] == {"is odd": {"names": ["0003", "0007", "0009", "0011"], "count": 4}}
    assert (told["faces"], told["failed"], told["warned"], told["notes"]) == (10, 2, 4, ["they are texts"])
    (texts / "0002.txt").write_text("good")
    layout = TextLayout(texts)
    again = import_dataset(layout, output)
    assert sorted(layout.made) == ["0002", "0005"]
    assert (again.count, again.kept, again.failed) == (11, 10, 1)


def test_the_summary_is_bounded_and_the_report_is_not(texts: Path, output: Path) -> None:
    class Various(TextLayout):
        def make(self, entry: Entry, output: Path) -> Made:
            made = super().make(entry, output)
            return Made(sample=made.sample, written=made.written, warnings=(f"kind {entry.name}", "all"))

    for index in range(12, 40):
        (texts / f"{index:04d}.txt").write_text("text")
    done = import_dataset(Various(texts), output)
    assert done.warned == 80 and len(done.warnings) == 20
    assert (done.warnings[0].what, done.warnings[0].count, len(done.warnings[0].names)) == ("all", 40, 3)
    assert len(report(done)["warnings"]) == 41


def test_it_does_not_run_ahead_of_what_is_written(output: Path, tmp_path: Path) -> None:
    layout = TextLayout(write_texts(tmp_path / "many", 300))
    furthest = 0

    def hear(name: str, outcome: str) -> None:
        nonlocal furthest
        furthest = max(furthest, layout.listed - int(name))

    import_dataset(layout, output, workers=2, on_item=hear)
    assert furthest <= 20


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


def test_an_output_that_fails_ends_it_and_what_was_made_is_kept(texts: Path, output: Path) -> None:
    class Full(TextLayout):
        def make(self, entry: Entry, output: Path) -> Made:
            if entry.name == "0008":
                raise OutputError("no space left on device", where=output)
            return super().make(entry, output)

    with pytest.raises(OutputError, match="no space left"):
        import_dataset(Full(texts), output)
    assert not (output / MANIFEST_NAME).exists()
    assert import_dataset(TextLayout(texts), output).kept == 8


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


def test_two_faces_of_one_name_are_not_both_taken(texts: Path, output: Path) -> None:
    (texts / "0004.text").write_text("the same stem")
    for kept in (0, 12):
        done = import_dataset(TextLayout(texts), output)
        assert (done.count, done.kept, done.failed) == (12, kept, 1)
        assert (output / "upper" / "0004.txt").read_text() == "THE SAME STEM"  # of the one that is in
        assert report(done)["failures"][0]["reason"] == "another face has the same name"


def test_names_that_are_not_unicode_come_through(texts: Path, output: Path) -> None:
    name = os.fsdecode(b"0099-caf\xe9")
    try:
        (texts / f"{name}.txt").write_text("odd")
    except OSError:
        pytest.skip("this file system takes no such names")
    for kept in (0, 13):
        done = import_dataset(TextLayout(texts), output)
        assert done.kept == kept and names(done)[-1] == name
        assert report(done)["warnings"] == {"is odd": {"names": [name], "count": 1}}
        assert list(Manifest.open(done.manifest))[-1].image.read_text() == "odd"


def test_something_else_in_the_way_is_left_alone(texts: Path, output: Path) -> None:
    (output / "upper").mkdir(parents=True)
    (output / "upper" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="no import made it") as caught:
        import_dataset(TextLayout(texts), output)
    assert caught.value.where == str(output / "upper")
    (output / "upper" / "mine.txt").unlink()
    (output / MANIFEST_NAME).write_text("mine")
    with pytest.raises(UsageError, match="no manifest of facesynth"):
        import_dataset(TextLayout(texts), output)
    write_manifest(output / MANIFEST_NAME, Description(name="others"), [])
    with pytest.raises(UsageError, match="of another dataset, others, this one is texts"):
        import_dataset(TextLayout(texts), output)
    assert [sample.name for sample in Manifest.open(output / MANIFEST_NAME)] == []


def test_a_report_of_someone_else_is_left_alone(texts: Path, output: Path) -> None:
    output.mkdir()
    (output / REPORT_NAME).write_text('{"mine": 1}')
    with pytest.raises(UsageError, match="is there, and no import made it; give another folder"):
        import_dataset(TextLayout(texts), output)
    assert sorted(path.name for path in output.iterdir()) == [".dataset.lock", REPORT_NAME]
    assert (output / REPORT_NAME).read_text() == '{"mine": 1}'
    (output / REPORT_NAME).write_text("")
    for kept in (0, 12):
        assert import_dataset(TextLayout(texts), output).kept == kept


def test_a_pipe_in_the_report_s_place_is_left_alone(texts: Path, output: Path) -> None:
    output.mkdir()
    with (
        fed_pipe(output / REPORT_NAME, '{"dataset": ') as pipe,
        pytest.raises(UsageError, match="is no ordinary file"),
    ):
        import_dataset(TextLayout(texts), output)
    assert pipe.is_fifo()


def test_an_output_that_cannot_be_written_is_named(texts: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(OutputError, match="nothing can be written here") as caught:
        import_dataset(TextLayout(texts), tmp_path / "file" / "out")
    assert caught.value.where == str(tmp_path / "file" / "out")
    (tmp_path / "out" / ".dataset.sqlite").mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot be written"):
        import_dataset(TextLayout(texts), tmp_path / "out")


def test_an_empty_dataset_is_a_manifest_without_rows(tmp_path: Path) -> None:
    class Empty(TextLayout):
        def entries(self) -> Iterator[Entry]:
            return iter(())

    done = import_dataset(Empty(tmp_path), tmp_path / "out")
    assert (done.count, names(done), report(done)["warnings"]) == (0, [], {})
    assert (tmp_path / "out" / REPORT_NAME) == done.report
