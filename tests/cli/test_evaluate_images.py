"""`facesynth evaluate images`: what it prints and writes, how it ends, what it says of what is not here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facesynth.core.image_files import write_photo
from facesynth.jobs.evaluate.files import OF_PICTURES
from tests.cli.test_main import ended
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.stages.test_replaced_weights import write_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, 0)
    return path


@pytest.fixture
def words(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command's words for five drawn faces and their likes, with a cache of its own, all by a tiny network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path / "fetched"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    for seed in range(5):
        write_photo(drawn_face(drawn_labels(seed), seed), tmp_path / "photos" / f"{seed}.png")
        write_photo(drawn_face(drawn_labels(seed), seed + 50), tmp_path / "painted" / f"{seed}.png")
    named = [f"--{role}={weights}" for role in ("features", "perceptual")]
    return ["evaluate", "images", "painted", "--real", "photos", *named, "--device", "cpu"]


def test_sets_alone_and_pairs_where_that_is_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended([*words, "-q"]) == 0
    told = capsys.readouterr()
    assert told.out.startswith("pictures: Fréchet distance over tiny ") and "SSIM" not in told.out and not told.err
    assert "| pictures painted, 64×64, against 5 real of photos, features " in told.out.splitlines()[0]
    assert ended([*words, "--paired", "-o", "out"]) == 0
    told = capsys.readouterr()
    rows = told.out.splitlines()
    assert all(any(name in row for row in rows) for name in ("SSIM ↑", "PSNR ↑", "perceptual distance over tiny ↓"))
    assert rows[-1] == "out/report.html" and "compare pairs: 5/5" in told.err
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(OF_PICTURES)
    document = json.loads(Path("out/evaluation.json").read_bytes())
    assert document["settings"]["metrics"] == ["fid", "kid", "pr", "lpips", "ssim", "psnr"]
    assert len(document["rows"]) == 5 and document["headline"] == rows[0]
    assert document["pictures"]["count"] == len(Path("out/pictures.jsonl").read_text().splitlines()) == 5
    assert {path.suffix for path in Path("out/evaluation-faces").iterdir()} == {".jpg"}


def test_without_the_fields_weights_the_command_is_named(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    plain = [word for word in words if not word.startswith(("--features", "--perceptual"))]
    assert ended(plain) == 1
    told = capsys.readouterr()
    assert "facesynth weights fetch inception-fid" in told.err and "--features judge" in told.err and not told.out
    assert ended([*plain, "--paired", "--metrics", "ssim,psnr", "-q"]) == 0, "these need no weights"
    assert capsys.readouterr().out.startswith("pictures: SSIM ")


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--real", "nowhere"], 2, "nowhere: no such folder"),
        (["--metrics", "ssim"], 2, "add --paired"),
        (["--metrics", "is"], 2, "an Inception Score needs Inception's classes"),
        (["--metrics", "fids"], 2, "'fids' is none of fid, kid, is, pr, lpips, ssim, psnr, identity"),
        (["-o", "photos/out"], 2, "inside the input folder"),
        (["--perceptual", "nope", "--paired"], 2, "neither known here nor a file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_told_in_words(
    words: list[str], more: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*words, *more]) == code
    told = capsys.readouterr()
    assert said in " ".join(told.err.split()) and not told.out


def test_pictures_that_cannot_be_read_end_with_three(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("painted/2.png").write_bytes(b"no image")
    assert ended([*words, "--json", "-q"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert [one["file"] for one in document["left_out"]] == ["painted/2.png"] and document["subject"]["count"] == 4
