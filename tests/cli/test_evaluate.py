"""`facesynth evaluate`: what it prints and writes, how it ends, and what it does not import."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from facesynth.inference import networks
from facesynth.jobs.evaluate.files import OF_MAPS
from facesynth.models.specs import ParserSpec
from tests.cli.test_main import ended
from tests.drawn_pairs import write_pairs
from tests.inference.exported_parsers import Like, export


@pytest.fixture(scope="module")
def parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights file of a tiny parser with random parameters."""
    torch.manual_seed(0)
    spec = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    networks.save(path, {"parser": (spec, networks.build(spec))}, about={"name": "tiny"})
    return path


@pytest.fixture
def words(tmp_path: Path, parser: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command's words for four drawn pairs, in a folder and with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "cache"))
    write_pairs(tmp_path / "pairs", 4)
    return ["evaluate", "parser", "--data", "pairs", "--parser", str(parser), "--device", "cpu"]


def test_the_number_and_its_protocol_in_one_line_then_the_classes(
    words: list[str], parser: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*words, "-o", "out"]) == 0
    told = capsys.readouterr()
    headline, _, head, *rows = told.out.splitlines()
    assert (
        headline.startswith("mIoU 0.") and " | 4 faces of pairs, one confusion matrix over all pixels at " in headline
    )
    assert headline.endswith("float32, cpu") and f"at 64×64, parser {parser} sha256 " in headline
    assert head.split() == ["CLASS", "IOU", "F1", "PRECISION", "RECALL", "OF", "PIXELS"]
    assert rows[0].startswith("background ") and any(row.startswith("lips ") for row in rows)
    assert rows[-1] == "out/report.html" and "evaluate parser: 4/4" in told.err
    assert sorted(path.name for path in Path("out").iterdir()) == sorted(OF_MAPS)


def test_json_takes_the_tables_place_and_is_what_the_file_holds(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*words, "-o", "out", "--json", "--quiet"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == json.loads(Path("out/evaluation.json").read_bytes()) and not told.err
    document = json.loads(told.out)
    assert document["subject"]["computed"] == 4 and document["settings"]["side"] == "all"


def test_what_was_parsed_before_needs_no_torch_and_no_device(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*words, "-q"]) == 0
    first = capsys.readouterr().out
    code = (
        "import sys\nfrom facesynth.cli.main import main\n"
        f"try: main({[*words, '-q', '-o', 'out']!r})\nexcept SystemExit as end: assert end.code == 0, end\n"
        "assert 'torch' not in sys.modules, 'imported'"
    )
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout
    assert "float32, label maps from the cache" in again.splitlines()[0]
    assert again.splitlines()[1:24] == first.splitlines()[1:24]


def test_faces_that_cannot_be_used_are_told_and_end_with_three(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("pairs/images/002.png").write_bytes(b"no image")
    assert ended([*words, "--no-cache"]) == 3
    told = capsys.readouterr()
    assert "| 3 of 4 faces (1 could not be used) of pairs" in told.out
    assert "left out pairs/images/002.png: not an image in a format that facesynth reads" in told.err
    assert not Path("cache").exists()


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--split", "nope.json"], 2, "nope.json: no such split file"),
        (["--side", "test"], 2, "name the split with --split"),
        (["--side", "tests"], 2, "--side"),
        (["--data", "nowhere"], 2, "nowhere"),
        (["-o", "pairs/out"], 2, "inside the input folder"),
        (["-o", ""], 2, "an empty name; name a folder"),
        (["--parser", "nope"], 1, "run: facesynth weights list"),
        (["--cache", "c", "--no-cache"], 2, "give one of them"),
        (["--truth-schema", "mine"], 2, "use one of: celebamask-hq"),
        (["--schema", "facer"], 2, "that of true label maps is --truth-schema"),
        (["--parser-input", "order=bgr"], 2, "--parser-input is for a foreign parser"),
        (["--parser-input", "order"], 2, "use size=512"),
        (["--engine", "tensorrt"], 2, "--engine"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_told_in_words(
    words: list[str], more: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended([*words, *more]) == code
    told = capsys.readouterr()
    assert said in " ".join(told.err.split()) and not told.out


def test_pairs_that_do_not_match_are_named(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("pairs/labels/001.png").unlink()
    assert ended(words) == 2
    assert "1 files have no partner, the first is 001 (no label map)" in capsys.readouterr().err


def test_interrupted_it_says_how_to_go_on(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*given: Any, **more: Any) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("facesynth.jobs.evaluate.parser.evaluate_parser", interrupted)
    assert ended([*words, "-o", "out"]) == 130
    assert "run the same command again to go on" in capsys.readouterr().err and not Path("out").exists()


def test_a_parser_of_another_project_is_scored_in_its_own_order(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(tmp_path / "theirs.onnx", Like("segformer", "zllrunning"), (1, 3, 64, 64))
    given = [*words, "--parser", "theirs.onnx", "--json", "--quiet"]
    assert ended([*given, "-o", "none"]) == 2
    assert "does not say in which order its classes are; add --schema" in capsys.readouterr().err
    assert not Path("none").exists()

    def scored(*more: str) -> dict[str, Any]:
        assert ended([*given, *more]) == 0
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    declared = ["--schema", "zllrunning", "--parser-input", "normalisation=0..1"]
    found = scored(*declared)
    # The same network, its classes put in the standard order by hand, is the same parser.
    export(tmp_path / "standard.onnx", Like("segformer", "celebamask-hq"), (1, 3, 64, 64))
    same = scored("--parser", "standard.onnx", "--schema", "celebamask-hq", *declared[2:])
    assert found["confusion"] == same["confusion"]
    assert scored("--schema", "facer", *declared[2:])["confusion"] != found["confusion"], "nor is it a cached result"
    assert found["subject"]["declared"] == "classes as zllrunning, input normalisation=0..1"
    assert ", classes as zllrunning, input normalisation=0..1, float32, cpu" in found["headline"]
    assert found["settings"]["schema"] == "zllrunning" and found["subject"]["computed"] == 4
    assert (found["subject"]["engine"], found["settings"]["engine"]) == ("onnx", "auto")
    again = scored(*declared, "--engine", "onnx")
    assert again["subject"]["cached"] == 4 and again["subject"]["engine"] is None, "nothing ran"
    for engine in ("eager", "compile"):  # also where there is nothing to compute
        assert ended([*given, *declared, "--engine", engine]) == 2
        assert f"theirs.onnx: the engine {engine} runs no ONNX file" in capsys.readouterr().err
    assert ended([*words, "--parser", "theirs.onnx", *declared, "--device", "auto", "--no-cache", "-q"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith(", cpu"), "where an ONNX file runs, whatever is there"


def test_an_engine_may_be_named(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for engine in ("eager", "onnx"):
        assert ended([*words, "--engine", engine, "--no-cache", "--json", "-q"]) == 0
        found[engine] = json.loads(capsys.readouterr().out)
        assert found[engine]["settings"]["engine"] == engine and found[engine]["subject"]["computed"] == 4
        assert found[engine]["subject"]["engine"] == engine
        assert found[engine]["versions"]["onnxruntime"] == version("onnxruntime")
    eager, onnx = (found[engine]["numbers"]["pixel_accuracy"] for engine in ("eager", "onnx"))
    assert onnx == pytest.approx(eager, abs=2e-3)


def test_without_the_cache_nothing_stays_behind(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    assert ended([*words, "--no-cache", "-q"]) == 0

    def interrupted(*given: Any, **more: Any) -> NoReturn:
        assert [*(tmp_path / "temporary").iterdir()], "while it lasts there is one"
        raise KeyboardInterrupt

    monkeypatch.setattr("facesynth.jobs.evaluate.parser.evaluate_parser", interrupted)
    assert ended([*words, "--no-cache"]) == 130
    assert "interrupted; nothing is kept" in capsys.readouterr().err
    assert not [*(tmp_path / "temporary").iterdir()] and not Path("cache").exists()


def test_label_maps_of_another_tool(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    given = ["evaluate", "labels", "--truth", "pairs/labels", "--predicted", "pairs/labels", "-o", "out", "-q"]
    assert ended(given) == 0
    assert capsys.readouterr().out.startswith("mIoU 1.000 ") and Path("out/report.html").is_file()
    assert ended(["evaluate", "labels", "--truth", "pairs", "--predicted", "pairs/labels"]) == 2
    assert "give pairs/labels" in capsys.readouterr().err
