"""`facesynth synthesize --interpolate` from end to end, with a tiny generator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from facesynth.core.label_files import write_label_map
from facesynth.inference import networks
from facesynth.models.specs import GeneratorSpec
from tests.cli.test_main import ended
from tests.drawn_pairs import drawn_labels

NAMES = {f"face_frame00{index}.png" for index in range(3)} | {"face_strip.png", "face_loop.webp"}


@pytest.fixture
def painting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command on one label map, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    spec = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=8, spade_hidden=4, noise=True)
    networks.save(tmp_path / "g.safetensors", {"generator": (spec, networks.build(spec))}, about={"name": "tiny"})
    write_label_map(drawn_labels(0), tmp_path / "face.png")
    return ["synthesize", "face.png", "-o", "out", "--generator", "g.safetensors"]


def test_it_paints_between_two_seeds_and_the_second_time_finds_all(
    painting: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*painting, "--interpolate", "3", "7", "--frames", "3"]
    assert ended([*arguments, "--dry-run"]) == 0
    assert "to compute: 3 × synthesize" in capsys.readouterr().out and not Path("out").exists()
    assert ended([*arguments, "--sheet"]) == 0
    assert {path.name for path in Path("out").iterdir()} == NAMES | {"report.json", "sheet.png"}
    report = json.loads(Path("out/report.json").read_text("utf-8"))
    assert report["settings"]["interpolate"] == ["3", "7"] and report["settings"]["frames"] == 3
    assert ended([*arguments, "--report", "again.json"]) == 0
    assert json.loads(Path("again.json").read_text("utf-8"))["counts"]["cached"] == 4
    assert ended([*painting[:3], "seeds", *painting[4:], "--seeds", "3,7"]) == 0
    for seed, frame in ((3, 0), (7, 2)):
        assert Path(f"seeds/face_seed{seed}.png").read_bytes() == Path(f"out/face_frame00{frame}.png").read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--interpolate", "1", "2", "--seeds", "1"], "exclude one another"),
        (["--interpolate", "1", "2", "--style", "face.png"], "exclude one another"),
        (["--interpolate", "1", "2", "--frames", "1"], "2<=x<=240"),
        (["--interpolate", "1", "2", "--frames", "241"], "2<=x<=240"),
        (["--interpolate", "1", "1"], "1: the same style twice"),
        (["--interpolate", "1", "nowhere.jpg"], "nowhere.jpg: neither a seed nor an image file"),
        (["--interpolate", "1", "face.png"], "face.png: this is a label map"),
        (["--interpolate", "1"], "--interpolate"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_told(
    painting: list[str], options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*painting, *options]) == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split()) and not Path("out").exists()
