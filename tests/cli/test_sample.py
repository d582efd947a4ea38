"""`facesynth sample` from end to end, with a tiny generator."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from facesynth.core.image_files import read_photo
from facesynth.inference import networks
from facesynth.models.resnet_gan.specs import ResnetDiscriminatorSpec
from tests.cli.test_main import ended
from tests.tiny_generators import PETS, tiny_spec, write_generator

_TELLS = """
import sys
from facesynth.cli.main import main
try:
    main(sys.argv[1:])
finally:
    print("torch" in sys.modules)
"""


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Weights of three classes, in a folder of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    return write_generator(Path("pets.safetensors"), tiny_spec("cspn", 3), PETS).name


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_it_makes_pictures_and_the_second_time_finds_them_without_torch(
    pets: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["sample", pets, "--classes", "cat,2", "--seeds", "0-2", "-o", "out"]
    assert ended([*arguments, "--dry-run"]) == 0
    assert "to compute: 6 × sample" in capsys.readouterr().out and not Path("out").exists()
    assert ended([*arguments, "--grid"]) == 0
    made = {f"seed{seed}_{name}.png" for seed in range(3) for name in ("cat", "class2")}
    assert {path.name for path in Path("out").iterdir()} == made | {"report.json", "sheet.png"}
    report = json.loads(Path("out/report.json").read_text("utf-8"))
    assert report["settings"]["classes"] == ["cat", "2"] and report["counts"]["done"] == 6
    assert report["items"][0]["seed"] == 0 and report["items"][0]["class"] == "0 (cat)"
    assert len(report["weights"]["sample/generator"]) == 64
    again = subprocess.run([sys.executable, "-c", _TELLS, *arguments], capture_output=True, text=True, check=False)
    assert again.returncode == 0 and "6 cached" in again.stderr and again.stdout.split()[-1] == "False"


def test_attributes_and_numbers_of_each_class(pets: str) -> None:
    assert ended(["sample", pets, "--attributes", "cat=1,dog=0.5", "--seeds", "4", "-o", "a", "-q"]) == 0
    assert json.loads(Path("a/report.json").read_text("utf-8"))["items"][0]["class"] == '{"cat": 1.0, "dog": 0.5}'
    assert ended(["sample", pets, "--per-class", "2", "--classes", "dog,cat", "-o", "b", "-q"]) == 0
    assert {path.name for path in Path("b").glob("*.png")} == {
        "seed0_dog.png", "seed1_dog.png", "seed2_cat.png", "seed3_cat.png"
    }  # fmt: skip


def test_attributes_have_to_be_told(pets: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_generator(Path("faces.safetensors"), tiny_spec("cspn", 3), PETS, multi=True)
    for more in ([], ["--per-class", "2"]):
        assert ended(["sample", "faces.safetensors", "-o", "out", *more]) == 2
        assert "give --attributes" in said(capsys) and not Path("out").exists()
    told = ["--attributes", "cat=1,dog=1", "--seeds", "0,1"]
    for weights in ("faces.safetensors", pets):  # the same numbers
        assert ended(["sample", weights, *told, "-o", weights.partition(".")[0], "-q"]) == 0
    for seed in (0, 1):
        mine, same = (read_photo(Path(name) / f"seed{seed}.png").pixels for name in ("faces", "pets"))
        assert (mine == same).all()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--classes", "dgo"], "did you mean dog"),
        (["--classes", "3"], "0 to 2"),
        (["--attributes", "cat=1", "--classes", "dog"], "leave --classes and --per-class out"),
        (["--attributes", "cat"], "as Smiling=1"),
        (["--per-class", "2", "--seeds", "0-3"], "leave --seeds out"),
        (["--per-class", "0"], "x>=1"),
        (["--seeds", "a"], "no list of seeds"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_told(
    pets: str, options: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["sample", pets, "-o", "out", *options]) == 2
    assert told in said(capsys) and not Path("out").exists()


def test_weights_that_cannot_do_it_are_told(pets: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["sample", "generator-spade-256-v2", "-o", "out"]) == 2
    assert "run: facesynth synthesize LABELS" in said(capsys)
    spec = ResnetDiscriminatorSpec(width=4, max_width=4)
    networks.save(Path("judge.safetensors"), {"discriminator": (spec, networks.build(spec))})
    assert ended(["sample", "judge.safetensors", "-o", "out"]) == 1
    assert "holds discriminator, but no generator" in said(capsys)
    assert ended(["sample", "nowhere.safetensors", "-o", "out"]) == 1
    assert "nowhere.safetensors" in said(capsys) and not Path("out").exists()
