"""Jobs that go on with what comes to be in a folder, until they are stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.arrivals import Arrivals, Looked
from facesynth.core.errors import UsageError
from facesynth.core.image_files import encode_png, write_photo
from facesynth.jobs import watching
from facesynth.jobs.align import align
from facesynth.jobs.segment import SegmentOutputs, segment_arrivals
from facesynth.jobs.session import Session
from facesynth.jobs.watching import watch
from facesynth.outputs import SHEET_TEXT
from tests.jobs.conftest import BLACK, GREEN, PINK, RED, Opener, progress, rows, written
from tests.painted_stages import Brightness, Tiles, flat_photo

SLOW = 1.2
"""Longer than the slow writer here rests between two pieces, also on a machine that has much else to do."""


LOOKS = [0]


@pytest.fixture(autouse=True)
def interruptible(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """SIGINT as a terminal sends it: a shell's background job ignores it from the start. Looks are counted."""
    real = Arrivals.look

    def look(arrivals: Arrivals) -> Looked:
        LOOKS[0] += 1
        return real(arrivals)

    monkeypatch.setattr(Arrivals, "look", look)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def until(there: Callable[[], Any]) -> None:
    for _ in range(1000):
        if there():
            return
        time.sleep(0.02)
    raise AssertionError("it never came")


def watched(session: Session, script: Callable[[], None], work: Callable[[Session], None]) -> Session:
    """Do `work`, which watches, while a thread goes through the script and then, when all is done, sends Ctrl-C."""
    faults: list[BaseException] = []

    def play() -> None:
        try:
            script()
            looks = LOOKS[0]
            until(lambda: LOOKS[0] > looks)  # it looks when what it was at is over
        except BaseException as fault:  # noqa: BLE001 - it is raised below
            faults.append(fault)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        with session:
            work(session)
    finally:
        thread.join()
        if faults:
            raise faults[0]
    return session


def segmenting(stage: Any = None, settle: float = 0.2, **more: Any) -> Callable[[Session], None]:
    how: dict[str, Any] = {"align": Tiles(), "outputs": SegmentOutputs(**more), "settle": settle}
    return lambda session: segment_arrivals(session, stage or Brightness(), **how)


def arriving(opened: Opener, *inputs: Path, **more: Any) -> Session:
    return opened(*inputs, more={"arriving": True}, **more)


def test_what_is_there_comes_first_and_then_whatever_arrives(inbox: Path, opened: Opener) -> None:
    """One that is written slowly, in a folder that comes later; one replaced; one deleted at once; broken ones."""
    write_photo(flat_photo((60, 60, 60)), inbox / "first.png")
    session, stage = arriving(opened, inbox), Brightness()
    labels = session.folder / "labels"
    slow = encode_png(flat_photo(RED, PINK))

    def script() -> None:
        until((labels / "first.png").exists)
        (inbox / "sub").mkdir()
        (inbox / "text.png").write_text("no image")
        write_photo(flat_photo(GREEN), inbox / "green.png")
        write_photo(flat_photo(BLACK), inbox / "none.png")
        write_photo(flat_photo(BLACK), inbox / "short-lived.png")
        with (inbox / "sub" / "slow.png").open("wb", buffering=0) as file:
            for start in range(0, len(slow), len(slow) // 7):
                file.write(slow[start : start + len(slow) // 7])
                (inbox / "short-lived.png").unlink(missing_ok=True)
                time.sleep(0.2)
        until((labels / "sub" / "slow_01.png").exists)
        before = (labels / "first.png").read_bytes()
        write_photo(flat_photo((90, 90, 90)), inbox / ".first.png")
        os.replace(inbox / ".first.png", inbox / "first.png")
        until(lambda: (labels / "first.png").read_bytes() != before)
        until(lambda: progress(session) == (7, 7))

    watched(session, script, segmenting(stage, SLOW))
    assert [row.status for row in session.report.rows if row.input.endswith("first.png")] == ["done", "done"]
    assert rows(session) == {
        "first.png": "done",
        "slow.png (face 0)": "done",
        "slow.png (face 1)": "done",
        "text.png": "failed",
        "green.png": "failed",
        "none.png": "rejected",
    }
    assert stage.computed >= 4 and session.report.complete and session.report.exit_code == 3
    wanted = ["first.png", "sub/slow_00.png", "sub/slow_01.png"]
    placed = {f"{kind}/{name}" for kind in ("images", "labels") for name in wanted}
    assert written(session.folder) == placed | {"report.json"}
    assert len(json.loads((session.folder / "report.json").read_bytes())["items"]) == 7


def test_a_file_that_changes_while_it_is_worked_on_leaves_no_row_and_is_done_again(inbox: Path, opened: Opener) -> None:
    write_photo(flat_photo(RED), inbox / "one.png")
    session, stage = arriving(opened, inbox), Brightness()

    def change() -> None:
        if not stage.computed:
            (inbox / "one.png").write_bytes(b"half")

    def script() -> None:
        until(lambda: (inbox / "one.png").read_bytes() == b"half")
        write_photo(flat_photo(PINK), inbox / "one.png")
        until((session.folder / "labels" / "one.png").exists)

    stage.before = change
    watched(session, script, segmenting(stage, settle=0.6))
    assert [row.status for row in session.report.rows] == ["done"] and stage.computed == 2
    assert set(progress(session)) == {2}


def test_what_goes_while_it_waits_is_not_taken_until_it_is_back_and_complete(
    inbox: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "AT_ONCE", 1)
    for name in ("one.png", "two.png"):
        write_photo(flat_photo(RED), inbox / name)
    session, taken = arriving(opened, inbox), list[tuple[str, bool]]()

    def work() -> None:
        (source,) = session.sources
        taken.append((source.path.name, source.path.exists()))
        if len(taken) == 1:
            (inbox / "two.png").unlink()

    def script() -> None:
        until(lambda: taken)
        looks = LOOKS[0]
        until(lambda: LOOKS[0] > looks + 1)
        write_photo(flat_photo(PINK), inbox / "two.png")
        until(lambda: len(taken) == 2)

    watched(session, script, lambda session: watch(session, work, settle=0.1))
    assert taken == [("one.png", True), ("two.png", True)] and progress(session)[1] == 2


def test_contact_sheets_are_passed_by_and_the_names_of_what_is_gone_are_free(inbox: Path, opened: Opener) -> None:
    write_photo(flat_photo(RED), inbox / "one.png")
    (inbox / "sheet.png").write_bytes(encode_png(flat_photo(RED), SHEET_TEXT))
    session = arriving(opened, inbox)

    def script() -> None:
        until((session.folder / "one.png").exists)
        (inbox / "sheet_00.png").write_bytes(encode_png(flat_photo(PINK), SHEET_TEXT))
        (inbox / "one.png").unlink()
        looks = LOOKS[0]
        until(lambda: LOOKS[0] > looks + 1)
        (session.folder / "one.png").unlink()
        (inbox / "one.bmp").write_bytes(encode_png(flat_photo(PINK)))
        until(lambda: progress(session) == (2, 2))

    watched(session, script, lambda session: watch(session, partial(align, session, Tiles()), settle=0.1))
    assert rows(session) == {"one.png": "done", "one.bmp": "done"}
    assert written(session.folder) == {"one.png", "report.json"}


def test_results_may_be_taken_away_and_nothing_is_kept_of_earlier_rounds(inbox: Path, opened: Opener) -> None:
    session = arriving(opened, inbox)
    left: list[int] = []

    def work(session: Session) -> None:
        align(session, Tiles())
        left.append(len(session._leaving) + len(session._made))

    def script() -> None:
        for index in range(4):
            write_photo(flat_photo((14 * index + 16, 1, 1)), inbox / f"{index}.png")
            until((session.folder / f"{index}.png").exists)
            shutil.rmtree(session.folder)

    watched(session, script, lambda session: watch(session, partial(work, session), settle=0.1))
    assert set(rows(session).values()) == {"done"} and len(left) == 4 and max(left) == min(left)


def test_on_photo_and_two_folders_of_one_name(inbox: Path, tmp_path: Path, opened: Opener) -> None:
    other = tmp_path / "other" / "inbox"
    for folder in (inbox, other / "sub"):
        folder.mkdir(parents=True, exist_ok=True)
        write_photo(flat_photo(RED, PINK), folder / "one.png")
    session = arriving(opened, inbox, other)
    names = [f"on-photo/{tmp_path.name}/inbox/one.png", "on-photo/other/inbox/sub/one.png"]

    def script() -> None:
        for name in names:
            until((session.folder / name).exists)
        until(lambda: progress(session) == (4, 4))

    watched(session, script, segmenting(on_photo=True))
    assert set(names) < written(session.folder) and len(session.report.rows) == 4


def test_stopped_among_many_it_says_so_and_the_next_one_goes_on(
    inbox: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "AT_ONCE", 4)
    for index in range(10):
        write_photo(flat_photo((14 * index + 16, 1, 1)), inbox / f"{index}.png")

    def stop() -> None:
        if stage.computed >= 6:
            signal.raise_signal(signal.SIGINT)

    stage = Brightness()
    stage.before = stop
    session = arriving(opened, inbox)
    with pytest.raises(KeyboardInterrupt), session:
        segmenting(stage)(session)
    assert rows(session) == {f"{index}.png": "done" for index in range(6)} and not session.report.complete
    again = Brightness()
    session = arriving(opened, inbox)
    watched(session, lambda: until(lambda: progress(session) == (10, 10)), segmenting(again))
    assert sorted(rows(session).values()) == ["cached"] * 6 + ["done"] * 4 and again.computed == 4


def test_stopped_as_it_looks_while_files_wait_it_says_that_some_are_left(
    inbox: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AT_ONCE": 1, "_OFTEN": 0, "_LEAST": 0, "_REST": 0}.items():
        monkeypatch.setattr(watching, name, value)
    for index in range(3):
        write_photo(flat_photo((14 * index + 16, 1, 1)), inbox / f"{index}.png")
    session, real = arriving(opened, inbox), Arrivals.look

    def look(arrivals: Arrivals) -> Looked:
        if session.report.rows:
            raise KeyboardInterrupt
        return real(arrivals)

    monkeypatch.setattr(Arrivals, "look", look)
    with pytest.raises(KeyboardInterrupt), session:
        segmenting()(session)
    assert rows(session) == {"0.png": "done"} and not session.report.complete


def test_with_fail_fast_the_first_failure_ends_it(inbox: Path, opened: Opener) -> None:
    (inbox / "text.png").write_text("no image")
    with pytest.raises(Exception, match="not an image"), arriving(opened, inbox, fail_fast=True) as session:
        segmenting()(session)


@pytest.mark.parametrize("kind", ["inside", "around", "same", "file", "pattern"])
def test_what_cannot_be_watched_is_refused_before_anything_is_made(kind: str, inbox: Path, opened: Opener) -> None:
    """Results would be taken for inputs, or there is nothing to watch."""
    write_photo(flat_photo(RED), inbox / "one.png")
    out = {"inside": "inbox/out", "around": ".", "same": "inbox"}.get(kind, "out")
    given = {"file": inbox / "one.png", "pattern": inbox / "*.png"}.get(kind, inbox)
    with pytest.raises(UsageError, match=r"output folder|only a folder"), arriving(opened, given, out=out) as session:
        segmenting()(session)
    assert not (inbox.parent / "out").exists() and [*inbox.iterdir()] == [inbox / "one.png"]
