"""What a log says of progress and of errors."""

from __future__ import annotations

import datetime as dt
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from facesynth.cli.progress import Bar, Log, console
from tests.cli.test_main import ended


def test_the_last_item_is_told_however_soon_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log()
    log.begin(100, "align")
    log._when -= 2
    log.advance(97)
    log.advance(3)
    assert capsys.readouterr().err.splitlines() == ["align: 97/100", "align: 100/100"]


@pytest.mark.parametrize("option", [["--log-format", "json"], ["--log-format=json"]])
@pytest.mark.parametrize(("arguments", "code"), [(["align", "nowhere", "-o", "out"], 2), (["align", "-o", "out"], 2)])
def test_errors_are_json_lines_for_machines(
    option: list[str], arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*arguments, *option]) == code
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert told["message"].startswith("error: ") and (told["event"], told["level"]) == ("error", "error")


HOSTILE = "a\x1b[2Jb\nerror: forged\x9b31m\u202egnp.exe\x07\udce9名"
SHOWN = "a\\x1b[2Jb\\nerror: forged\\x9b31m\\u202egnp.exe\\x07\\udce9名"


def test_names_reach_a_log_as_one_harmless_line(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log()
    log.note(f"failed: {HOSTILE}")
    log.begin(1, HOSTILE)
    log.advance()
    assert capsys.readouterr().err == f"failed: {SHOWN}\n{SHOWN}: 1/1\n"


def test_names_reach_machines_as_they_are_in_one_harmless_line(capsys: pytest.CaptureFixture[str]) -> None:
    Log(as_json=True).note(HOSTILE)
    told = capsys.readouterr().err
    assert json.loads(told)["message"] == HOSTILE
    assert told.removesuffix("\n").isprintable()


def test_every_json_line_says_when_how_bad_and_what(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(as_json=True)
    log.begin(2, "align")
    log._when -= 2
    log.advance(2)
    log.note("8 images: loss nan", event="stats", images=8, values={"loss": float("nan"), "l1": 0.5})
    log.note("no room", level="error", where=Path("/x"))
    before = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=30)
    lines = [json.loads(line, parse_constant=pytest.fail) for line in capsys.readouterr().err.splitlines()]
    for line in lines:
        assert line["time"].endswith("Z") and dt.datetime.fromisoformat(line.pop("time")) > before
    assert lines == [
        {"level": "info", "event": "progress", "message": "align: 2/2", "what": "align", "done": 2, "total": 2},
        {"level": "info", "event": "stats", "message": "8 images: loss nan", "images": 8,
         "values": {"loss": None, "l1": 0.5}},
        {"level": "error", "event": "note", "message": "no room", "where": "/x"},
    ]  # fmt: skip


def test_what_libraries_log_and_warn_of_is_json_too(tmp_path: Path) -> None:
    """In a process of its own, as the log of all is changed. What Python itself would print is no JSON."""
    code = (
        "import logging, sys, warnings, facesynth.cli.main as main\n"
        "class Broken:\n"
        "    def main(self, *given, **more):\n"
        "        warnings.simplefilter('always')\n"
        "        warnings.warn('old\\nthing')\n"
        "        logging.getLogger('torch').error('two\\nlines')\n"
        "        logging.getLogger('torch').info('nobody hears')\n"
        "        raise RuntimeError('one\\ntwo')\n"
        "main.cli = Broken()\n"
        "main.main(['align', 'x', '--log-format', 'json'])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert ran.returncode == 1
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("log", "warning"), ("log", "error"), ("error", "error"),
    ]  # fmt: skip
    assert "old\nthing" in lines[0]["message"] and lines[1]["message"] == "two\nlines" and lines[1]["logger"] == "torch"
    assert lines[2]["message"].startswith("error: unexpected RuntimeError: one\ntwo")


def test_names_reach_a_terminal_as_one_harmless_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with console("text", quiet=False) as told:
        assert isinstance(told, Bar)
        told.begin(1, f"[/bold]{HOSTILE}")
        told.advance()
        told.note(HOSTILE)
    assert f"{SHOWN}\n" in out.getvalue() and f"[/bold]{SHOWN}" in out.getvalue()
    assert not any(code in out.getvalue() for code in ("\x07", "\x9b", "\u202e", "\x1b[2J"))


def test_an_error_about_a_hostile_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["dataset", "inspect", "a\x1b[2J\nb"]) == 2
    assert capsys.readouterr().err == "error: a\\x1b[2J\\nb: no such file or folder\n"


@pytest.mark.parametrize("terminal", [False, True])
def test_where_nobody_listens_any_more_the_work_goes_on(monkeypatch: pytest.MonkeyPatch, terminal: bool) -> None:
    class Gone(io.StringIO):
        def isatty(self) -> bool:
            return terminal

        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

        def flush(self) -> None:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stderr", Gone())
    monkeypatch.setenv("TERM", "xterm")
    with console("text", quiet=False) as told:
        told.begin(2, "align")
        told.more(1)
        told.advance(3)
        told.note("a note")
        told.close()
        told.note("another")


def test_a_number_that_is_none_is_null_wherever_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Log(as_json=True).note("lost", values=[1.0, float("nan"), {"loss": float("inf")}], where=Path("a"))
    told = json.loads(capsys.readouterr().err)
    assert told["values"] == [1.0, None, {"loss": None}] and told["where"] == "a"
