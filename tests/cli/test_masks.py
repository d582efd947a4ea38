"""`facesynth masks` from end to end, with a tiny generator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_main import ended
from tests.tiny_generators import PETS, tiny_spec, write_generator


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Of a generator with SPN, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    return write_generator(Path("tiny.safetensors"), tiny_spec()).name


def test_it_draws_and_says_that_nothing_was_compared(weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["masks", weights, "--no-parser", "--seeds", "0-5", "--layers", "last", "--rows", "2", "-o", "out"]
    assert ended([*arguments, "--dry-run"]) == 0
    assert "to compute: 6 × sample" in capsys.readouterr().out and not Path("out").exists()
    assert ended(arguments) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == ["nothing was parsed, so no mask was compared with a face", "out"]
    assert {path.name for path in Path("out").iterdir()} == {
        "layers", "masks.json", "overview.png", "report.html", "report.json"
    }  # fmt: skip
    assert json.loads(Path("out/masks.json").read_text("utf-8"))["settings"]["layers"] == ["last"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--no-parser", "--parser", "x"], "give one of them"),
        (["--no-parser", "--layers", "9"], "9: no layer with masks is called that; there are 1 blocks.0.norm_0"),
        (["--seeds", "0-999"], "at most 256"),
        (["--channels", "0"], "1<=x<=16"),
        (["--layers", "1,,2"], "is no list of layers; write it like 1,last"),
        (["--attributes", "Smiling=1"], "no classes to choose from"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_told(
    weights: str, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["masks", weights, "-o", "out", *options]) == 2
    assert told in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_attributes_have_to_be_told_and_go_along(weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_generator(Path("faces.safetensors"), tiny_spec("cspn", 3), PETS, multi=True)
    arguments = ["masks", "faces.safetensors", "--no-parser", "--seeds", "0-2", "--layers", "last", "-o", "out"]
    assert ended(arguments) == 2
    assert "give --attributes" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not Path("out").exists()
    assert ended([*arguments, "--attributes", "cat=1,dog=1"]) == 0
    told = json.loads(Path("out/masks.json").read_text("utf-8"))["settings"]
    assert told["attributes"] == {"cat": 1.0, "dog": 1.0}


def test_a_generator_without_masks_says_what_it_has(weights: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_generator(Path("plain.safetensors"), tiny_spec("batch"))
    assert ended(["masks", "plain.safetensors", "-o", "out"]) == 2
    assert "normalise by batch" in capsys.readouterr().err and not Path("out").exists()
