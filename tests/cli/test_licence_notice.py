"""Licences are told at the first use of weights, and once."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from facesynth import weights
from facesynth.cli.licence_notice import tell_licences
from facesynth.cli.main import cli
from facesynth.jobs.train import prepare
from facesynth.store.told import TOLD
from tests.cli.test_main import ended

DLIB, PARSER = (weights.manifest()[name] for name in ("dlib-landmarks-68", weights.default_name("parser")))


def heard(cache: Path, *digests: str, keep: bool = True) -> list[str]:
    said: list[str] = []
    tell_licences(digests, said.append, cache, keep=keep)
    return said


def test_each_licence_is_told_once_for_each_weights(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    [line] = heard(cache, DLIB.sha256, DLIB.sha256)
    assert f"dlib-landmarks-68: {DLIB.licence}" in line and "300-W" in line
    assert heard(cache, DLIB.sha256) == []
    [line] = heard(cache, DLIB.sha256, PARSER.sha256)
    assert f"{PARSER.name}: CC-BY-NC-SA-4.0" in line and "dlib" not in line
    assert heard(cache, DLIB.sha256, PARSER.sha256) == []


def test_other_peoples_weights_are_not_spoken_of(tmp_path: Path) -> None:
    assert heard(tmp_path, "0" * 64) == []
    assert list(tmp_path.iterdir()) == []


def test_without_a_cache_to_keep_it_in_it_is_told_again(tmp_path: Path) -> None:
    assert (
        len(heard(tmp_path / "c", DLIB.sha256, keep=False)) == len(heard(tmp_path / "c", DLIB.sha256, keep=False)) == 1
    )
    assert not (tmp_path / "c").exists()
    (tmp_path / "file").write_text("in the way")
    assert len(heard(tmp_path / "file", DLIB.sha256)) == len(heard(tmp_path / "file", DLIB.sha256)) == 1


def test_what_is_remembered_is_no_entry_and_makes_the_folder_a_cache(tmp_path: Path) -> None:
    heard(tmp_path, DLIB.sha256)
    assert (tmp_path / TOLD).read_text() == f"{DLIB.sha256} {DLIB.licence}\n"
    for command in ("ls", "verify", "gc"):
        assert CliRunner().invoke(cli, ["cache", command, "--cache", str(tmp_path)]).exit_code == 0
    assert heard(tmp_path, DLIB.sha256) == []


def test_damaged_notes_have_it_told_again(tmp_path: Path) -> None:
    heard(tmp_path, DLIB.sha256)
    (tmp_path / TOLD).write_bytes(b"\xff\xfe\0")
    assert len(heard(tmp_path, DLIB.sha256)) == 1


def test_the_list_shows_the_licence_of_all_that_is_bundled_or_needed() -> None:
    listed = CliRunner().invoke(cli, ["weights", "list"], catch_exceptions=False).stdout.splitlines()[1:]
    for entry in weights.manifest().values():
        [line] = [line for line in listed if line.split()[0] == entry.name]
        assert line.endswith(entry.licence) and entry.licence


def test_a_command_tells_at_the_first_use_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (64, 64)).save("nobody.png")

    def told(*options: str) -> int:
        assert ended(["align", "nobody.png", "-o", "faces", "--cache", "cache", *options]) in (0, 3)
        return capsys.readouterr().err.count("dlib-landmarks-68: trained on 300-W, which is for non-commercial use")

    assert [told("--dry-run"), told("--quiet"), told()] == [0, 1, 0]


def test_training_speaks_of_the_weights_that_its_settings_name() -> None:
    named = prepare("parser-mnv2-256.yaml", initial="parser-mnv2-256-v1").published_weights()
    assert weights.entry_of("parser-mnv2-256-v1").sha256 in named
    assert weights.entry_of("mobilenet-v2-imagenet").sha256 in named
