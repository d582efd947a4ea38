"""`facesynth compare`: what it prints and writes, how it ends, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from facesynth.evaluation.pictures.document import evaluation_json
from tests.cli.test_main import ended
from tests.drawn_pairs import write_pairs
from tests.evaluation.pictures.drawn_evaluations import evaluation
from tests.stages.test_replaced_weights import write_weights


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two saved evaluations, the second one worse."""
    monkeypatch.chdir(tmp_path)
    for name, shift in (("a", 0.0), ("b", 5.0)):
        Path(f"{name}.json").write_text(evaluation_json(evaluation(name, shift=shift, left_out=())))
    return ["a.json", "b.json"]


def test_the_numbers_and_their_protocol_in_one_line_then_a_row_a_measure(
    saved: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["compare", *saved, "-o", "out"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        lines[0].startswith("own style: FID 31.20 / 36.20, mIoU 0.620 / 5.620")
        and "against 6 real of pairs" in lines[0]
    )
    fid = next(line for line in lines if line.startswith("  FID"))
    assert fid.split() == ["FID", "↓", "31.20*", "36.20"]
    by_seed = [line for line in lines if line.startswith("  FID")][1]
    assert by_seed.split() == ["FID", "↓", "31.20", "±", "0.62*", "36.20", "±", "0.72"]
    assert lines[-1] == "out/report.html"
    assert sorted(path.name for path in Path("out").iterdir()) == ["comparison.json", "evaluations", "report.html"]


def test_json_takes_the_tables_place_and_seeds_choose(saved: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["compare", *saved, "--json", "--seeds", "0,1"]) == 0
    document = json.loads(capsys.readouterr().out)
    rows = {(row["key"], row["setting"]): row for row in document["scores"]}
    assert rows["fid", "by seed"]["values"]["a"]["by_seed"].keys() == {"0", "1"}
    assert rows["fid", "own style"]["best"] == ["a"] and document["columns"][0]["evaluation"] is None


def test_options_that_have_nothing_to_do_are_told(saved: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(["compare", *saved, "--features", "judge", "--judge", "mine.safetensors"]) == 0
    assert "--judge and --features: all that is compared is evaluated already" in capsys.readouterr().err
    assert ended(["compare", *saved]) == 0
    assert "evaluated already" not in capsys.readouterr().err


def test_saved_evaluations_need_no_torch(saved: list[str]) -> None:
    code = (
        "import sys\nfrom facesynth.cli.main import main\n"
        f"try: main({['compare', *saved, '-q', '-o', 'out']!r})\nexcept SystemExit as end: assert end.code == 0, end\n"
        "assert 'torch' not in sys.modules, 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["a.json"], 2, "needs two or more"),
        (["a.json", "a.json"], 2, "given twice"),
        (["a.json", "./a.json"], 2, "./a.json: is given twice"),
        (["a.json", "b.json", "-o", ""], 2, "an empty name; name a folder"),
        (["a.json", "gone.json"], 1, "gone.json: cannot be read"),
        (["a.json", "generator-spade-256-v2"], 2, "give --data"),
        (["a.json", "b.json", "--data", "."], 2, "evaluated already"),
        (["a.json", "b.json", "--seeds", "7"], 2, "the seed 7 was not painted"),
        (["a.json", "b.json", "--metrics", "lpips"], 2, "none of fid, kid, is, pr"),
        (["a.json", "b.json", "--cache", "c", "--no-cache"], 2, "give one of them"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_told_in_words(
    saved: list[str], given: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(["compare", *given]) == code
    told = capsys.readouterr()
    assert said in " ".join(told.err.split()) and not told.out


def test_two_generators_are_evaluated_and_a_third_is_added_later(
    saved: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pairs(tmp_path / "pairs", 4)
    for seed in (0, 1):
        write_weights(tmp_path / f"tiny{seed}.safetensors", seed)
    tiny = "tiny0.safetensors"
    how = ["--data", "pairs", "--judge", tiny, "--features", tiny, "--perceptual", tiny, "--no-identity", "-q"]
    how += ["--metrics", "fid", "--device", "cpu", "--cache", "cache"]
    assert ended(["compare", tiny, "tiny1.safetensors", *how, "--seeds", "0,1", "-o", "out"]) == 0
    out = capsys.readouterr().out
    assert "tiny0" in out and "tiny1" in out and "Fréchet distance over tiny0" in out
    assert "warning: tiny0: tiny0.safetensors is a weights file that the manifest does not know" in out
    document = json.loads(Path("out/comparison.json").read_text())
    values = [
        row["values"] for row in document["scores"] if row["key"].startswith("frechet") and row["setting"] == "by seed"
    ]
    assert values[0]["tiny0"]["by_seed"].keys() == {"0", "1"} and values[0]["tiny0"] != values[0]["tiny1"]
    assert "seed 1 of 000 by tiny1" in Path("out/report.html").read_text()
    assert ended(["compare", "out/evaluations/1-tiny0", "tiny1.safetensors", *how, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert [row["values"] for row in again["scores"]] == [row["values"] for row in document["scores"]]
