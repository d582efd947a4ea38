"""`facesynth evaluate generator`: what it prints and writes, how it ends, what it says of what is not here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

import pytest

from facesynth.jobs.evaluate.files import OF_PICTURES
from tests.cli.test_main import ended
from tests.drawn_pairs import write_pairs
from tests.stages.test_replaced_weights import write_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, 0)
    return path


@pytest.fixture
def words(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command's words for four drawn pairs, in a folder and with a cache of its own, all by a tiny network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path / "fetched"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    write_pairs(tmp_path / "pairs", 4)
    named = [f"--{role}={weights}" for role in ("generator", "judge", "features", "perceptual")]
    return ["evaluate", "generator", "--data", "pairs", *named, "--device", "cpu", "--no-identity"]


def test_the_numbers_and_their_protocol_in_one_line_then_the_tables_and_the_files(
    words: list[str], weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*words, "--seeds", "0,1", "-o", "out"]) == 0
    told = capsys.readouterr()
    headline, *rows = told.out.splitlines()
    assert headline.startswith("own style: Fréchet distance over tiny ") and " · by seed: Fréchet" in headline
    assert f"| generator {weights} sha256 " in headline and "float32, 64×64, against 4 real of pairs" in headline
    assert any(row.startswith("OWN STYLE") for row in rows) and any(row.startswith("BY SEED") for row in rows)
    assert any("mIoU ↑" in row for row in rows) and any("diversity: perceptual distance" in row for row in rows)
    assert any(row.startswith("warning: 4 pictures give no covariance") for row in rows)
    assert any(
        row.startswith("warning: ") and "is a weights file that the manifest does not know" in row for row in rows
    )
    assert rows[-1] == "out/report.html" and "paint by seed 1: 4/4" in told.err
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(OF_PICTURES)
    document = json.loads(Path("out/evaluation.json").read_bytes())
    assert document["headline"] == headline and document["settings"]["seeds"] == [0, 1]
    assert document["settings"]["metrics"] == ["fid", "kid", "pr"] and document["subject"]["device"] == "cpu"


def test_json_takes_the_tables_place_and_another_run_finds_everything(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    found: list[Any] = []
    for _ in range(2):
        assert ended([*words, "--seeds", "0", "--metrics", "fid", "--json", "--quiet"]) == 0
        told = capsys.readouterr()
        assert not told.err
        found.append(json.loads(told.out))
    assert found[0]["scores"] == found[1]["scores"] and found[0]["rows"] == found[1]["rows"]
    assert [one["subject"]["device"] for one in found] == ["cpu", None]


def test_without_the_fields_weights_the_command_is_named_and_nothing_is_done(
    words: list[str], weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = [word for word in words if not word.startswith(("--features", "--perceptual"))]
    assert ended([*plain, "--perceptual", str(weights)]) == 1
    told = capsys.readouterr()
    assert "facesynth weights fetch inception-fid" in told.err and "--features judge" in told.err and not told.out
    assert ended([*plain, "--features", str(weights)]) == 1
    told = capsys.readouterr()
    assert "facesynth weights fetch alexnet-imagenet" in told.err and "--perceptual judge" in told.err
    assert not Path("cache").exists()


def test_faces_that_cannot_be_used_are_told_and_end_with_three(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("pairs/images/002.png").write_bytes(b"no image")
    assert ended([*words, "--seeds", "0", "--metrics", "fid", "--no-cache"]) == 3
    told = capsys.readouterr()
    assert "against 3 real of pairs, 1 could not be used" in told.out
    assert "left out pairs/images/002.png: not an image in a format that facesynth reads" in told.err
    assert not Path("cache").exists()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--data", "nowhere"], 2, "nowhere"),
        (["--side", "test"], 2, "name the split with --split"),
        (["-o", "pairs/out"], 2, "inside the input folder"),
        (["--generator", "nope"], 1, "run: facesynth weights list"),
        (["--judge", "nope"], 1, "run: facesynth weights list"),
        (["--features", "nope"], 2, "'nope' is neither known here nor a file"),
        (["--metrics", "fid,is"], 2, "an Inception Score needs Inception's classes"),
        (["--metrics", "fid,lpips"], 2, "'lpips' is none of fid, kid, is, pr"),
        (["--metrics", ","], 2, "an empty list is none of fid"),
        (["--seeds", "x"], 2, "is no list of seeds"),
        (["--seeds", "0-32"], 2, "33 seeds to evaluate, whose pictures are compared each with each: at most 32"),
        (["--cache", "c", "--no-cache"], 2, "give one of them"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_told_in_words(
    words: list[str], more: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*words, *more]) == code
    told = capsys.readouterr()
    assert said in " ".join(told.err.split()) and not told.out


def test_interrupted_it_says_how_to_go_on(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any, **more: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("facesynth.jobs.evaluate.generator.evaluate_generator", interrupted)
    assert ended([*words, "-o", "out"]) == 130
    assert "run the same command again to go on" in capsys.readouterr().err and not Path("out").exists()
