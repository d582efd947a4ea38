"""`facesynth weights convert`, and `segment` with what it makes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from facesynth.core.image_files import write_photo
from facesynth.core.label_files import write_label_map
from facesynth.core.refs import sha256_file
from tests.cli.test_main import ended
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.inference.convert import nvlabs_layout as nvlabs
from tests.made_checkpoints import bisenet_state


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a made 79999_iter.pth."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    torch.save(bisenet_state(width=4), "79999_iter.pth")
    return tmp_path


def test_a_converted_checkpoint_parses_like_any_parser(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["weights", "convert", "79999_iter.pth", "-o", "bisenet.safetensors", "--licence", "MIT"]) == 0
    out, error = capsys.readouterr()
    assert out == "bisenet.safetensors\n"
    assert "zllrunning" in error and "its licence is MIT" in error
    assert ended(["weights", "show", "bisenet.safetensors"]) == 0
    shown = capsys.readouterr().out
    assert '"architecture": "bisenet"' in shown and "celebamask-hq" in shown

    (place / "faces").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save("faces/a.png")
    arguments = ["segment", "faces", "--aligned", "-o", "out", "--parser", "bisenet.safetensors", "--device", "cpu"]
    assert ended([*arguments, "--quiet"]) == 0, capsys.readouterr().err
    with Image.open("out/labels/a.png") as labels:
        assert labels.size == (64, 64) and np.asarray(labels).max() < 19
    weights = json.loads(Path("out/report.json").read_bytes())["weights"]
    assert list(weights.values()) == [sha256_file(Path("bisenet.safetensors"))]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing.pth", "-o", "a.safetensors"], 1, "nothing.pth: there is no such file"),
        (["79999_iter.pth"], 2, "--output"),
        (["79999_iter.pth", "-o", "a.pth"], 2, "ends in .safetensors"),
        (["79999_iter.pth", "-o", "a.safetensors", "--schema", "mine"], 2, "use one of"),
        (["page.pth", "-o", "a.safetensors"], 1, "not a PyTorch weights file"),
        (["79999_iter.pth", "-o", "page.pth/a.safetensors"], 1, "page.pth"),
    ],
)
def test_mistakes_are_told_in_one_line(
    arguments: list[str], code: int, said: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "page.pth").write_text("<html>")
    assert ended(["weights", "convert", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error


def test_force_replaces(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["weights", "convert", "79999_iter.pth", "-o", "bisenet.safetensors"]
    (place / "bisenet.safetensors").write_text("old")
    assert ended(command) == 1
    assert "replace it with --force" in capsys.readouterr().err
    assert ended([*command, "--force"]) == 0
    assert (place / "bisenet.safetensors").stat().st_size > 3


def test_a_painter_of_nvlabs_paints_label_maps(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {"G": nvlabs.Generator(crop=256), "E": nvlabs.Encoder(), "D": nvlabs.Discriminator()}
    nvlabs.write(place / "checkpoints" / "faces", files)
    assert ended(["weights", "convert", "checkpoints/faces/latest_net_G.pth", "-o", "faces.safetensors"]) == 0
    out, error = capsys.readouterr()
    assert out == "faces.safetensors\n"
    for said in (
        "generator: checkpoints/faces/latest_net_G.pth, ",
        "encoder: checkpoints/faces/latest_net_E.pth, which lay beside it, ",
        "discriminator: checkpoints/faces/latest_net_D.pth, which lay beside it, ",
        "they have 512: convert it with --size 512",
        "celebamask-hq's order",
    ):
        assert said in error, error
    labels = drawn_labels(0)
    write_label_map(labels, place / "maps" / "a.png")
    write_photo(drawn_face(labels, 0), place / "faces" / "b.png")
    common = ["--generator", "faces.safetensors", "--device", "cpu", "--quiet"]
    assert ended(["synthesize", "maps", "-o", "painted", "--seeds", "0-1", *common]) == 0, capsys.readouterr().err
    pictures = sorted(Path("painted").rglob("*.png"))
    assert len(pictures) == 2
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (256, 256)


def test_options_of_nvlabs_spade_are_read_and_what_is_open_is_asked(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["weights", "convert", "latest_net_G.pth", "-o", "faces.safetensors"]
    nvlabs.write(place, {"G": nvlabs.Generator(labels=20)})
    assert ended(command) == 1
    error = capsys.readouterr().err
    assert "latest_net_G.pth: is no spade checkpoint" in error and "say --dontcare" in error
    assert ended([*command, "--dontcare", "--size", "128"]) == 0
    error = capsys.readouterr().err
    assert "pixels of no class is left out" in error and "no encoder" in error and "--size" not in error
    (place / "opt.txt").write_text("contain_dontcare_label: True\nlabel_nc: 19\nno_instance: True\n")
    assert ended([*command, "--force"]) == 0
    assert "opt.txt was read" in capsys.readouterr().err
    assert ended(["weights", "convert", "79999_iter.pth", "-o", "b.safetensors", "--dontcare"]) == 2
    assert ended(["weights", "convert", "-o", "b.safetensors"]) == 2
