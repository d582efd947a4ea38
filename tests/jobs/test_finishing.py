"""A job that the user stops puts in place what it has finished, and goes on from there."""

from __future__ import annotations

import inspect
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

from facesynth.core.files import read_file
from facesynth.core.image_files import write_photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import FileRef, Origin, Rejected
from facesynth.core.styles import Style
from facesynth.jobs import finishing as finishing_module
from facesynth.jobs.align import align
from facesynth.jobs.destination import Output
from facesynth.jobs.items import style_item
from facesynth.jobs.plan import carry_out
from facesynth.jobs.segment import SegmentOutputs, segment
from facesynth.jobs.session import Session
from facesynth.jobs.synthesize import by_seeds, synthesize
from facesynth.jobs.transfer import transfer
from facesynth.plans import SynthesizePlan
from facesynth.stages.base import FileCodec
from tests.jobs.conftest import Opener, rows, write_flat_faces, written
from tests.painted_stages import Brightness, Tiles, flat_photo, painted_stages

COUNT = 13
STOPPED_AT = 8
"""Items after which the last stage is interrupted; sessions here compute two at once."""


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """SIGINT as a terminal sends it: a shell's background job ignores it from the start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Likely(Brightness):
    """What `probabilities` is to `segment`."""

    name = "probabilities"
    codec = FileCodec("probabilities.npz", Brightness.codec.encode, Brightness.codec.decode)


def stopping(stage: Any, at: int = STOPPED_AT) -> Any:
    """The stage, interrupted once it has computed so many."""

    def interrupt() -> None:
        if stage.computed >= at:
            raise KeyboardInterrupt

    stage.before = interrupt
    return stage


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    return write_flat_faces(tmp_path / "faces", COUNT)


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    folder = tmp_path / "maps"
    folder.mkdir()
    for index in range(COUNT):
        write_label_map(LabelMap(np.full((20, 20), index)), folder / f"{index:02}.png")
    return folder


def stopped(session: Session, job: Callable[[Session], None]) -> Session:
    with pytest.raises(KeyboardInterrupt), session:
        job(session)
    return session


def finished(session: Session) -> set[str]:
    """The names of inputs of which everything is said to be there; their outputs are."""
    for row in session.report.rows:
        assert all((session.folder / output).is_file() for output in row.outputs)
    return {name for name, status in rows(session).items() if status in ("done", "cached")}


FIRST = {f"{index:02}.png" for index in range(STOPPED_AT)}


def test_align_and_segment(faces: Path, opened: Opener) -> None:
    session = stopped(opened(faces), lambda session: align(session, stopping(Tiles())))
    assert finished(session) == FIRST and not session.report.complete
    session = stopped(
        opened(faces, out="pairs"),
        lambda session: segment(session, stopping(Brightness()), align=Tiles(), outputs=SegmentOutputs()),
    )
    assert finished(session) == FIRST


@pytest.mark.parametrize("on_photo", [False, True])
def test_segment_with_probabilities(faces: Path, opened: Opener, tmp_path: Path, on_photo: bool) -> None:
    outputs = SegmentOutputs(on_photo=on_photo)

    def job(likely: Likely) -> Callable[[Session], None]:
        return lambda session: segment(session, Brightness(), align=Tiles(), probabilities=likely, outputs=outputs)

    session = stopped(opened(faces), job(stopping(Likely())))
    assert finished(session) == (FIRST - {max(FIRST)} if on_photo else FIRST)  # another face of that photo may follow
    files = written(tmp_path / "out")
    assert {f"labels/{name}" for name in FIRST} <= files
    assert {f"probabilities/{name[:2]}.npz" for name in FIRST} <= files
    again = Likely()
    with opened(faces) as session:
        job(again)(session)
    assert again.computed == COUNT - STOPPED_AT and len(finished(session)) == COUNT


def test_no_later_stage_begins_anything_after_the_interrupt(faces: Path, opened: Opener) -> None:
    first, last, by_then = Brightness(), Likely(), []

    def interrupt() -> None:
        if first.computed >= STOPPED_AT:
            by_then.append(last.computed)
            raise KeyboardInterrupt

    first.before = interrupt
    stopped(
        opened(faces),
        lambda session: segment(session, first, align=Tiles(), probabilities=last, outputs=SegmentOutputs()),
    )
    assert by_then == [last.computed]


def test_synthesize_transfer_and_run(faces: Path, maps: Path, opened: Opener) -> None:
    session = stopped(
        opened(maps), lambda session: synthesize(session, stopping(painted_stages().synthesize), by_seeds((1,)))
    )
    assert finished(session) == FIRST
    style = style_item(Style.from_code(np.array([100, 50, 0], dtype=np.float32), "e" * 64))
    stages = painted_stages()
    stopping(stages.synthesize)
    session = stopped(opened(faces, out="painted"), lambda session: transfer(session, stages, style))
    assert finished(session) == FIRST
    stages = painted_stages()
    stopping(stages.synthesize)
    session = stopped(
        opened(faces, out="run"), lambda session: carry_out(session, stages, SynthesizePlan(others=0), sheet=False)
    )
    assert {f"own-style/{name}" for name in FIRST} <= written(session.folder)
    assert finished(session) == {f"{index:02}.png" for index in range(COUNT)}, "all have their face and label map"


def test_what_is_computed_anew_is_not_taken_from_before(faces: Path, opened: Opener) -> None:
    with opened(faces) as session:
        align(session, Tiles())
    session = stopped(opened(faces, out="anew", force=True), lambda session: align(session, stopping(Tiles())))
    assert finished(session) == FIRST and set(rows(session).values()) == {"done"}


def test_what_was_in_flight_when_it_was_interrupted_is_told_as_done_and_from_then_on_as_cached(
    faces: Path, opened: Opener
) -> None:
    session = stopped(opened(faces), lambda session: align(session, stopping(Tiles())))
    assert rows(session) == dict.fromkeys(FIRST, "done")
    with opened(faces) as session:
        align(session, Tiles())
    assert {name for name, status in rows(session).items() if status == "cached"} == FIRST


def place_with_signals(monkeypatch: pytest.MonkeyPatch, at: int, times: int) -> None:
    """Have Ctrl-C come, so many times, while the result with this number is being put in its place."""
    real, seen = Session.place, []

    def place(session: Session, *arguments: Any) -> Any:
        seen.append(arguments)
        for _ in range(times if len(seen) == at else 0):
            signal.raise_signal(signal.SIGINT)
        return real(session, *arguments)

    monkeypatch.setattr(Session, "place", place)


def test_what_is_being_put_in_place_when_ctrl_c_comes_is_not_cut_short(
    faces: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_with_signals(monkeypatch, at=3, times=1)
    stage = Tiles()
    session = stopped(opened(faces), lambda session: align(session, stage))
    assert 3 <= stage.computed < COUNT
    assert finished(session) == {f"{index:02}.png" for index in range(stage.computed)}
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_ctrl_c_ends_it_at_once(faces: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    place_with_signals(monkeypatch, at=3, times=2)
    session = stopped(opened(faces), lambda session: align(session, Tiles()))
    assert finished(session) == {"00.png", "01.png"}


@pytest.mark.parametrize("stopped_in", ["align", "segment", "encode", "synthesize"])
def test_run_reports_what_is_in_place_wherever_it_is_interrupted(faces: Path, opened: Opener, stopped_in: str) -> None:
    stages = painted_stages()
    stopping(getattr(stages, stopped_in))
    fresh = opened(faces)
    fresh.folder.mkdir()
    (fresh.folder / "report.json").write_text('{"complete": true}')
    session = stopped(fresh, lambda session: carry_out(session, stages, SynthesizePlan(others=2), sheet=True))
    report = json.loads((session.folder / "report.json").read_bytes())
    assert not report["complete"]
    told = {output for item in report["items"] for output in item["outputs"]}
    assert told == written(session.folder) - {"report.json"}
    if stopped_in == "encode":
        assert finished(session) == FIRST
    if stopped_in == "synthesize":
        assert len(told) == 2 * COUNT + STOPPED_AT, "of those too of whom there are more to come"


def test_run_reports_what_is_in_place_when_the_disk_is_full(
    faces: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Session.place

    def place(session: Session, result: Any, file: str, relative: PurePosixPath) -> Output:
        if relative.match("other-styles/05/*"):
            raise OSError(28, "No space left on device")
        return real(session, result, file, relative)

    monkeypatch.setattr(Session, "place", place)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(OSError, match="No space left"), opened(faces) as session:
        carry_out(session, painted_stages(), SynthesizePlan(others=2), sheet=False)
    told = {output for row in session.report.rows for output in row.outputs}
    assert told == written(session.folder) - {"report.json"} and "own-style/05.png" in told
    assert signal.getsignal(signal.SIGINT) is before


def test_a_mistake_before_anything_is_done_leaves_no_folder(faces: Path, opened: Opener) -> None:
    with pytest.raises(ValueError, match="mistake"), opened(faces) as session:
        raise ValueError("mistake")
    assert not session.folder.exists()


def test_ctrl_c_between_two_results_gives_neither_twice(
    faces: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Released(finishing_module._Interrupts):
        """Ctrl-C comes as soon as the first result is let go."""

        sent = False

        def __setattr__(self, name: str, value: object) -> None:
            before = getattr(self, "held", False)
            super().__setattr__(name, value)
            if name == "held" and before and not value and not self.sent:
                self.sent = True
                raise KeyboardInterrupt

    monkeypatch.setattr(finishing_module, "_Interrupts", Released)
    session = stopped(opened(faces), lambda session: align(session, Tiles()))
    inputs = [row.input for row in session.report.rows]
    assert inputs and len(inputs) == len(set(inputs))


def test_what_was_computed_is_published_though_someone_else_holds_the_run(
    faces: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, kept = Session.run, []

    def run(*arguments: Any, **options: Any) -> Any:
        kept.append(real(*arguments, **options))
        return kept[-1]

    monkeypatch.setattr(Session, "run", run)
    place_with_signals(monkeypatch, at=3, times=1)
    stage = Tiles()
    session = stopped(opened(faces), lambda session: align(session, stage))
    assert inspect.getgeneratorstate(kept[0]) == inspect.GEN_CLOSED
    assert finished(session) == {f"{index:02}.png" for index in range(stage.computed)}


def test_no_photo_is_written_with_some_of_its_faces(tmp_path: Path, opened: Opener) -> None:
    """The first photo's third face is not computed; the second photo is in the cache."""
    folder = tmp_path / "groups"
    folder.mkdir()
    write_photo(flat_photo((30, 1, 1), (60, 1, 1), (90, 1, 1)), folder / "a.png")
    write_photo(flat_photo((120, 1, 1), (150, 1, 1)), folder / "b.png")
    style = style_item(Style.from_code(np.array([100, 50, 0], dtype=np.float32), "e" * 64))
    with opened(folder / "b.png", out="before") as session:
        transfer(session, painted_stages(), style, paste_back=True)
        segment(session, Brightness(), align=Tiles(), outputs=SegmentOutputs())
    stages = painted_stages()
    stopping(stages.synthesize, at=1)
    session = stopped(opened(folder, out="pasted"), lambda session: transfer(session, stages, style, paste_back=True))
    assert written(session.folder) == {"report.json"} and not session.report.rows
    outputs = SegmentOutputs(on_photo=True)
    session = stopped(
        opened(folder, out="pairs", force=True),
        lambda session: segment(session, stopping(Brightness(), at=1), align=Tiles(), outputs=outputs),
    )
    assert not [name for name in written(session.folder) if name.startswith("on-photo")]


class Rejecting(Brightness):
    """Has no result for anything."""

    name = "rejecting"

    def __call__(self, batch: Any) -> list[Any]:
        return [Rejected("no") for _ in batch]


@pytest.mark.parametrize("dry_run", [True, False])
def test_ctrl_c_reads_nothing_again_that_is_settled(
    faces: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    count, window, reads = 400, 16, 0
    monkeypatch.setattr("facesynth.pipeline.line._WINDOW", window)

    def counted(path: Path) -> bytes:
        nonlocal reads
        reads += 1
        return read_file(path)

    monkeypatch.setattr("facesynth.core.refs.read_file", counted)

    def items() -> Iterator[tuple[FileRef[bytes], None]]:
        for number in range(count):
            path = faces / f"{number}.bin"
            path.write_bytes(b"%d" % number)
            yield FileRef(path, Origin(str(faces / "00.png"), number), lambda data, where: data), None
        raise KeyboardInterrupt

    stage: Any = Rejecting()
    stopped(
        opened(faces, dry_run=dry_run), lambda session: [*finishing_module.finishing(session, stage, items())].clear()
    )
    assert reads == count if dry_run else reads <= 2 * count + 2 * window


def test_ctrl_c_while_the_report_of_a_run_that_failed_is_written_is_heeded(
    maps: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Session, "place", full)
    monkeypatch.setattr("facesynth.jobs.results.write_report", lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), opened(maps) as session:
        synthesize(session, painted_stages().synthesize, by_seeds((1,)))
