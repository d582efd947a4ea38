"""`facesynth evaluate samples` and `facesynth compare` of generators without label maps, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_main import ended
from tests.datasets.image_sets.drawn import write_images
from tests.seeded_generators import write_generator, write_spn_run
from tests.stages.test_replaced_weights import write_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, 0)
    return path


@pytest.fixture
def how(tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that say how to score by a tiny network, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    write_images(tmp_path / "real", [f"{number}.png" for number in range(12)], size=16)
    write_generator(tmp_path / "g.safetensors")
    return ["--data", "real", f"--features={weights}", "--device", "cpu", "--metrics", "fid"]


def test_the_numbers_their_protocol_and_the_files(how: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["evaluate", "samples", "g.safetensors", *how, "--seeds", "10-17", "-o", "out"]) == 0
    told = capsys.readouterr()
    lines = told.out.splitlines()
    assert lines[0].startswith("pictures: Fréchet distance over tiny ") and "8 real of real, part train" in lines[0]
    assert "| generator g.safetensors sha256 " in lines[0] and lines[-1] == "out/report.html"
    assert "seeds 10 to 17, no classes; 8 of 12 real images" in told.out and "describe real images: 8/8" in told.err
    assert sorted(path.name for path in Path("out").iterdir()) == ["evaluation-faces", "evaluation.json", "report.html"]
    document = json.loads(Path("out/evaluation.json").read_bytes())
    assert document["format"] == "facesynth-picture-evaluation-3" and document["headline"] == lines[0]
    settings = document["settings"]
    assert (settings["first_seed"], settings["count"], settings["training"]) == (10, 8, None)
    assert len(list(Path("out/evaluation-faces").iterdir())) == 8


def test_json_takes_the_tables_place(how: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["evaluate", "samples", "g.safetensors", *how, "--count", "6", "--trials", "2", "-q", "--json"]) == 0
    (score,) = json.loads(capsys.readouterr().out)["scores"]
    assert score["by_seed"].keys() == {"0", "6"} and score["sd_over"] == "2 sets of seeds"


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["g.safetensors", "--seeds", "3-1"], 2, "no span of seeds; write it like 5000 or 0-4999"),
        (["g.safetensors", "--seeds", "0-9", "--count", "4"], 2, "--seeds are 10, --count asks for 4"),
        (["g.safetensors", "--count", "1"], 2, "not in the range"),
        (["g.safetensors", "--layout", "cifar-10"], 2, "cifar-10"),
        (["g.safetensors", "--metrics", "is"], 2, "tiny has none; use --features inception"),
        (["gone.safetensors"], 1, "gone.safetensors"),
        (["g.safetensors", "-o", "real/out"], 2, "inside the input folder"),
        (["generator-spade-256-v2"], 2, "paints label maps"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_told_in_words(
    how: list[str], given: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["evaluate", "samples", *how, *given]) == code
    told = capsys.readouterr()
    assert said in " ".join(told.err.split()) and not told.out


def test_runs_are_compared_by_their_arms(how: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    runs = [write_spn_run(Path("runs"), "sngan", seed, normalisation="batch") for seed in (0, 1)]
    runs += [write_spn_run(Path("runs"), "spn", seed) for seed in (0, 1)]
    assert ended(["compare", *runs, *how, "--count", "8", "-o", "out"]) == 0
    told = capsys.readouterr()
    assert "spn: mean ± sd over 2 trainings, spn-s0 (seed 0), spn-s1 (seed 1)" in told.out
    assert "WHAT IT COMES TO" in told.out and "at equal images (1,000). Seed by seed (n = 2)" in told.out
    assert "of no use" not in told.err
    document = json.loads(Path("out/comparison.json").read_bytes())
    assert [column["name"] for column in document["columns"]] == ["sngan", "spn"]
    assert document["verdicts"][0]["told"] in told.out
    assert ended(["compare", *runs, *how, "--count", "8", "--judge", "x", "--truth-schema", "facer"]) == 0
    assert "--truth-schema and --judge: of no use for generators without label maps" in capsys.readouterr().err


def test_other_seeds_and_budgets_are_told(how: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    runs = [write_spn_run(Path("runs"), "a", 0), write_spn_run(Path("runs"), "b", 0, images=2000)]
    assert ended(["compare", *runs, *how, "--seeds", "0-7"]) == 0
    told = capsys.readouterr().out
    assert "warning: Different budgets of training: a-s0 1,000 images; b-s0 2,000 images" in told
    assert "WHAT IT COMES TO" not in told
    assert ended(["compare", *runs, *how, "--seeds", "0,5"]) == 2
    assert "follow each other" in capsys.readouterr().err
