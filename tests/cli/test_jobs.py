"""Commands from end to end: dlib, tiny networks with random weights, and the example photos."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from facesynth.cli.main import cli, main
from facesynth.core.image_files import read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.inference import networks
from facesynth.models.specs import EncoderSpec, GeneratorSpec, ParserSpec
from facesynth.weights import data_folder
from tests.bad_folder import make_bad_folder
from tests.cli.test_main import ended, examples


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Weights files of networks with random parameters, by kind."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    generator = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=8, spade_hidden=4, noise=True)
    encoder = EncoderSpec(size=32, blocks=4, style_channels=8, width=4, max_width=8)
    parser = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)
    painting: dict[str, tuple[networks.Spec, torch.nn.Module]] = {
        "generator": (generator, networks.build(generator)),
        "encoder": (encoder, networks.build(encoder)),
    }
    networks.save(folder / "generator.safetensors", painting, about={"name": "tiny"})
    networks.save(folder / "parser.safetensors", {"parser": (parser, networks.build(parser))}, about={"name": "tiny"})
    return {kind: str(folder / f"{kind}.safetensors") for kind in ("generator", "parser")}


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all of these tests: what one has computed the others find."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, tiny: dict[str, str]) -> Path:
    """A working folder with two photos and a portrait, where the tiny networks are the bundled ones."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(cache))
    monkeypatch.setattr("facesynth.weights.default_name", lambda kind: tiny[kind])
    (tmp_path / "photos").mkdir()
    for name in ("small.jpg", "portrait-2.jpg"):
        shutil.copy(data_folder("photos") / name, tmp_path / "photos")
    shutil.copy(data_folder("photos") / "small.jpg", tmp_path / "portrait.jpg")
    return tmp_path


def test_the_examples_run_one_after_the_other(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("align", "segment", "synthesize", "transfer", "run"):
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        for line in examples(command):
            folder = line[line.index("-o") + 1]
            assert ended([*line[1:], "--quiet"]) == 0, capsys.readouterr().err
            assert capsys.readouterr().out == f"{folder}\n"
            report = json.loads((place / folder / "report.json").read_bytes())
            assert report["complete"] and report["command"] == name
            for item in report["items"]:
                assert item["outputs"] and all(_lies_in(place / folder, output) for output in item["outputs"])
                told = item.get("confidence", {"pixels": -1})["pixels"]
                assert 0 < told <= 1 if name in ("segment", "run") else told == -1
    assert (place / "faces/sheet.png").is_file() and (place / "pairs/parts/small_hair.png").is_file()
    assert read_photo(place / "painted/small.png").size == (256, 256), "pasted back into the photo"
    (place / "cifar").mkdir()
    for number in range(2):
        write_photo(Photo(np.full((32, 32, 3), number, np.uint8)), place / f"cifar/{number}.png")
    for line in examples(cli.get_command(None, "train")):  # type: ignore[arg-type]
        assert ended([*line[1:], "--dry-run"]) == 0
        assert "run: runs" in capsys.readouterr().out


def _lies_in(folder: Path, output: str) -> bool:
    """Whether an output that the report names is there, in an archive or by itself."""
    shard, in_shard, name = output.partition(".tar/")
    if not in_shard:
        return (folder / output).is_file()
    with tarfile.open(folder / f"{shard}.tar") as archive:
        return name in archive.getnames()


def test_train_goes_on_where_it_stopped(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("lightning_fabric")
    assert ended(["segment", "photos", "-o", "pairs", "--quiet"]) == 0
    arguments = ["train", "tiny.yaml", "--data", "pairs", "--device", "cpu", "--set", "images=8"]
    assert ended(arguments) == 0
    out, error = capsys.readouterr()
    result = Path(out.splitlines()[-1])
    assert result == Path("runs/tiny/tiny.safetensors") and result.is_file()
    assert "8 images: " in error
    assert ended([*arguments[:-1], "images=16", "--quiet"]) == 0
    assert capsys.readouterr().err == "", "quiet is quiet"
    assert ended([*arguments, "--set", "seed=5"]) == 1
    assert "other settings: seed" in capsys.readouterr().err
    painted = ["synthesize", "pairs/labels", "-o", "painted", "--generator", str(result), "--size", "40"]
    assert ended(painted) == 0
    assert read_photo(place / "painted" / "small.png").size == (40, 40)


def test_an_interrupted_training_says_in_one_line_how_to_go_on(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = pytest.importorskip("facesynth.training.start")
    checkpoint = pytest.importorskip("facesynth.training.checkpoint")

    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    (place / "pairs").mkdir()
    goes_on = "run the same command again to go on from what is saved in runs/tiny"
    for told in ("nothing is saved yet, the same command again begins anew", goes_on):
        for train_spade in (interrupted, lambda *arguments, **options: None):
            monkeypatch.setattr(start, "train_spade", train_spade)
            assert ended(["train", "tiny.yaml", "--data", "pairs"]) == 130
            out, error = capsys.readouterr()
            assert not out
            assert error == f"interrupted: {told}\n"
        Path("runs/tiny").mkdir(parents=True, exist_ok=True)
        checkpoint.save(Path("runs/tiny"), 8, {})


def test_a_folder_of_everything_that_goes_wrong(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(place / "photos")
    face = read_photo(place / "portrait.jpg").resized(200, 200)
    expected = make_bad_folder(place / "photos", face)
    assert ended(["align", "photos", "-o", "faces", "--size", "32"]) == 3
    error = capsys.readouterr().err
    report = json.loads((place / "faces" / "report.json").read_bytes())
    found = {Path(item["input"]).relative_to("photos").as_posix(): item for item in report["items"]}
    assert found.keys() == expected.keys()
    for name, wanted in expected.items():
        item = found[name]
        assert item["status"].replace("cached", "done") == wanted.outcome, item
        assert len(item["outputs"]) == wanted.faces
        if wanted.reason:
            assert wanted.reason in item["reason"] and item["input"] in error
    assert {"twice_jpg.png", "twice_png.png", "a/same.png", "b/same.png", "two-faces_01.png"} <= {
        path.relative_to(place / "faces").as_posix() for path in (place / "faces").rglob("*.png")
    }


def test_a_cached_run_imports_no_torch_and_changes_nothing(place: Path, tiny: dict[str, str]) -> None:
    chosen = [f"--set=segment.parser={tiny['parser']}", f"--set=synthesize.generator={tiny['generator']}"]
    arguments = ["run", "demo.yaml", "photos", "-o", "out", *chosen]
    assert ended(arguments) == 0
    before = {path: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()}
    code = (
        "import sys\nfrom facesynth.cli.main import main\n"
        f"try: main({arguments!r})\nexcept SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'dlib', 'face_alignment'} & set(sys.modules), 'imported'"
    )
    again = subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, timeout=120, check=False
    )
    assert again.returncode == 0, again.stderr
    assert "2 cached" in again.stderr and again.stdout == "out\n"
    after = {path: path.read_bytes() for path in (place / "out").rglob("*") if path.is_file()}
    assert after.keys() == before.keys()
    assert {path.name for path in after if after[path] != before[path]} <= {"report.json"}


def test_a_killed_command_goes_on_and_ends_with_the_same_bytes(place: Path) -> None:
    def started(output: str, cache: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "facesynth.cli.main", "align", "photos", "-o", output, "--cache", cache]
        return subprocess.Popen([*command, "--batch-size", "1"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    for name in ("portrait-1.jpg", "portrait-3.jpg"):
        shutil.copy(data_folder("photos") / name, place / "photos")
    killed = started("killed", "one")
    while killed.poll() is None and not [*place.glob("one/align/*/*")]:
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    kept = {path: path.stat().st_mtime_ns for path in place.glob("one/align/*/*/manifest.json")}
    assert kept
    assert started("killed", "one").wait() == started("whole", "two").wait() == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "finished work is not done again"
    ended_as = {path.name: path.read_bytes() for path in (place / "killed").iterdir() if path.suffix == ".png"}
    assert ended_as == {path.name: path.read_bytes() for path in (place / "whole").glob("*.png")}
    assert not [*(place / "killed").glob(".partial-*")]


def test_without_the_cache_nothing_is_left_behind(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACESYNTH_CACHE", str(place / "unused"))
    assert ended(["align", "photos", "-o", "faces", "--size", "64", "--no-cache"]) == 0
    assert (place / "faces" / "small.png").is_file() and not (place / "unused").exists()


def test_who_finds_the_landmarks_is_told_once_wherever_faces_are_searched_for(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str) -> int:
        assert ended([*arguments, "-o", f"out-{len(arguments)}", "--landmarks", "dlib"]) == 0
        return capsys.readouterr().err.splitlines().count("landmarks by dlib")

    assert told("align", "photos") == 1
    assert told("segment", "photos", "--sheet") == 1
    assert told("transfer", "photos", "--style", "portrait.jpg", "--sheet") == 1
    for last, count in ((["--style", "portrait.jpg"], 1), (["--interpolate", "0", "portrait.jpg", "--frames", "2"], 1),
                        (["--seeds", "0"], 0)):  # fmt: skip
        assert ended(["synthesize", "out-3/labels", "-o", "synthesized", *last]) == 0
        assert sum(line.startswith("landmarks by ") for line in capsys.readouterr().err.splitlines()) == count
    assert ended(["segment", "out-3/images", "-o", "labels", "--aligned"]) == 0
    assert "landmarks" not in capsys.readouterr().err
    assert ended(["run", "demo.yaml", "photos", "-o", "run"]) == 0
    assert capsys.readouterr().err.count("landmarks by ") == 1


def test_a_dry_run_says_what_there_is_to_do(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["segment", "photos", "-o", "pairs", "--cache", "empty", "--dry-run"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[:3] == ["2 inputs", "to compute: 2 × align", "to compute: 2 × segment"]
    assert told[3].startswith("disk: about ") and told[4].startswith("memory: about ")
    assert not (place / "pairs").exists() and not (place / "empty").exists()


def test_machines_read_json_lines(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "photos" / "text.png").write_text("no image")
    assert ended(["align", "photos", "-o", "faces", "--log-format", "json"]) == 3
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    [last] = [line for line in lines if line["event"] == "progress"][-1:]
    assert (last["message"], last["done"], last["total"]) == ("align: 3/3", 3, 3)
    [problem] = [line for line in lines if line["event"] == "problem"]
    assert problem["message"].startswith("failed   photos/text.png: not an image") and problem["level"] == "warning"
    assert (problem["input"], problem["status"]) == ("photos/text.png", "failed")
    assert problem["reason"].startswith("not an image") and problem["part"] is None
    [finished] = [line for line in lines if line["event"] == "finished"]
    assert finished["counts"]["failed"] == 1 and finished["output"] == "faces"
    assert all(line["time"].endswith("Z") for line in lines)


def test_an_interrupted_command_says_how_to_go_on(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(self: object, batch: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("facesynth.stages.segment.SegmentStage.__call__", interrupted)
    arguments = ["segment", "photos", "-o", "pairs", "--cache", "fresh", "--set"][:-1]
    assert ended(arguments) == 130
    error = capsys.readouterr().err
    assert "interrupted: 0 done, from 2 inputs" in error and "run the same command again to go on" in error
    monkeypatch.undo()
    os.chdir(place)
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--dry-run"])
    assert end.value.code == 0
    assert "to compute: 2 × segment" in capsys.readouterr().out.splitlines(), "what align had finished is kept"


def test_unusable_weights_end_the_run_with_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "bad.safetensors").write_bytes(b"nothing of the kind")
    assert ended(["segment", "photos", "-o", "pairs", "--parser", "bad.safetensors"]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: bad.safetensors: ")


def test_a_label_map_is_no_style(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["segment", "photos/small.jpg", "-o", "pairs", "--quiet"]) == 0
    assert ended(["transfer", "portrait.jpg", "--style", "pairs/labels/small.png", "-o", "out", "--quiet"]) == 2
    assert "label map, which has no style" in capsys.readouterr().err


def test_sigterm_stops_like_ctrl_c(place: Path) -> None:
    for number in range(40):
        shutil.copy(data_folder("photos") / "portrait-2.jpg", place / "photos" / f"{number}.jpg")
        with (place / "photos" / f"{number}.jpg").open("ab") as file:
            file.write(bytes([number]))  # after the picture's end: another digest, the same picture
    command = [sys.executable, "-m", "facesynth.cli.main", "align", "photos", "-o", "faces", "--cache", "cache"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(place.glob("cache/align/*/*/manifest.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.terminate()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "run the same command again to go on" in told
