"""What a log says of progress and of errors."""

from __future__ import annotations

import json

import pytest

from facesynth.cli.progress import Log
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
