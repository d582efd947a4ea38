"""Archives on the command line: what is refused, and `segment` from and into archives as a user runs it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from facesynth.cli.main import main
from tests.cli.test_jobs import cache, place, tiny

__all__ = ["cache", "place", "tiny"]


def exit_code(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["segment", "--shard-size", "5"], "--shard-size is for --output-format shards"),
        (["segment", "--output-format", "shards", "--parts"], "--parts writes files of its own"),
        (["segment", "--output-format", "shards", "--on-photo"], "--on-photo writes files of its own"),
        (["synthesize", "--output-format", "shards", "--interpolate", "0", "1"], "--interpolate makes films"),
        (["align", "--output-format", "shards", "--watch"], "is for what is there now"),
        (["transfer", "--style", "portrait.jpg", "--output-format", "shards"], "No such option"),
    ],
)
def test_what_makes_no_sense_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], options: list[str], what: str
) -> None:
    assert exit_code(*options, "photos", "-o", "out") == 2
    assert what in " ".join(capsys.readouterr().err.split())
    assert not (place / "out").exists()


def test_photos_of_an_archive_and_of_a_list_become_an_archive(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for index in range(2):
        with tarfile.open(place / f"p-{index:02}.tar", "w") as archive:
            archive.add(place / "photos" / "small.jpg", "small.jpg")
    (place / "list.txt").write_text("# mine\np-00.tar\nphotos/gone.jpg\n")
    into = ["-o", "out", "--output-format", "shards"]
    assert exit_code("segment", "p-{00..01}.tar", *into) == 0
    assert "2 done" in capsys.readouterr().err
    for index in range(2):
        with tarfile.open(place / "out" / f"p-{index:02}.tar") as archive:
            assert archive.getnames() == ["small.png", "small.labels.png"]
    assert exit_code("segment", "@list.txt", *into) == 3
    assert "photos/gone.jpg: cannot be read (No such file" in capsys.readouterr().err
    assert exit_code("synthesize", "out", "-o", "painted") == 0
    assert (place / "painted" / "p-01" / "small.png").is_file()
