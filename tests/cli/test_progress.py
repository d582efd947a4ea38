"""What a log says of progress and of errors."""

from __future__ import annotations

import io
import json
import sys

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
    assert json.loads(line)["message"].startswith("error: ")


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
