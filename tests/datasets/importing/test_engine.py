"""The import itself: what it makes, keeps, lists and leaves alone, with a layout of texts."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from facesynth.core.errors import OutputError, UsageError
from facesynth.datasets.importing import basis, ledger
from facesynth.datasets.importing.engine import import_dataset
from facesynth.datasets.importing.layout import Entry, Made
from facesynth.datasets.importing.report import REPORT_NAME
from facesynth.datasets.manifest import MANIFEST_NAME, Description, Manifest, write_manifest
from tests.datasets.importing.conftest import contents, interrupting, names, report
from tests.fed_pipes import fed_pipe
from tests.text_layout import TextLayout, write_texts

ROOT = Path(__file__).parents[3]


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
