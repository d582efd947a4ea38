"""Training runs as `facesynth train` prepares and starts them, and what they start from."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from facesynth.cli.main import main
from facesynth.core.errors import ConfigError, TrainingError, UsageError, WeightsMissing
from facesynth.datasets.importing.engine import import_dataset
from facesynth.datasets.layouts.folder import FolderLayout
from facesynth.jobs.train import describe, prepare, train
from facesynth.training.runs.parser import ParserRun
from tests.drawn_datasets import write_image
from tests.drawn_pairs import write_pairs
from tests.jobs.conftest import Listener

pytest.importorskip("lightning_fabric")

PARSER = """
kind: parser
name: one
parser: {size: 64, pyramid_channels: 8, detail_channels: 8}
backbone: null
warmup_images: 0
images: 8
batch_size: 4
every: {stats: 4, validation: 0, samples: 0, checkpoint: 8}
"""
SPADE = """
kind: spade
name: one
generator: {size: 32, start: 1, style_channels: 8, width: 4, max_width: 8, spade_hidden: 4, style_affine: true}
encoder: {size: 32, blocks: 4, style_channels: 8, width: 4, max_width: 8}
discriminator: {layers: 2, width: 4, max_width: 8}
perceptual: none
images: 8
batch_size: 4
every: {stats: 4, validation: 0, samples: 0, checkpoint: 8}
"""
STILL = {
    "parser": ["learning_rate=0", "trunk_learning_rate=0"],
    "spade": ["generator_learning_rate=0", "discriminator_learning_rate=0"],
}
"""Settings with which a run ends with the parameters that it began with."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs, two pipeline files, and a finished run of each in `runs`, beside them."""
    folder = tmp_path_factory.mktemp("train")
    write_pairs(folder / "pairs", 6)
    for kind, text in (("parser", PARSER), ("spade", SPADE)):
        (folder / f"{kind}.yaml").write_text(text)
        assert trained(folder, kind, "generation=1") is not None
    return folder


def trained(
    place: Path, kind: str, *settings: str, initial: Path | str | None = None, listener: Listener | None = None
) -> Path | None:
    """Train `kind`.yaml with settings; `generation=N` names the run."""
    named = [f"name={kind}-{setting.partition('=')[2]}" for setting in settings if setting.startswith("generation=")]
    rest = [setting for setting in settings if not setting.startswith("generation=")]
    start = None if initial is None else str(initial)
    prepared = prepare(
        place / f"{kind}.yaml", [*named, *rest], data=place / "pairs", initial=start, runs=place / "runs"
    )
    return train(prepared, place / "cache", device="cpu", progress=listener or Listener())


def result(place: Path, kind: str, generation: int = 1) -> Path:
    name = f"{kind}-{generation}"
    return place / "runs" / name / f"{name}.safetensors"


def parameters(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a weights file without the statistics of batch normalisation."""
    return {key: value for key, value in load_file(path).items() if "running_" not in key and "num_batches" not in key}


def unlike(first: Path, second: Path) -> float:
    """The largest difference between two files' parameters, each tensor brought to length 1.

    Spectral normalisation measures lengths anew, so that directions are what weights hand on.
    """
    one, other = parameters(first), parameters(second)
    assert one.keys() == other.keys()
    return max(float(np.abs(directed(one[key]) - directed(other[key])).max()) for key in one)


def directed(tensor: NDArray[Any]) -> NDArray[Any]:
    length = np.linalg.norm(tensor.astype(np.float64))
    return tensor / max(float(length), 1e-6)


@pytest.mark.parametrize("kind", ["parser", "spade"])
def test_a_run_begins_with_the_weights_that_it_is_told_to_start_from(place: Path, kind: str) -> None:
    assert trained(place, kind, "generation=2", "images=4", "seed=1", *STILL[kind], initial=result(place, kind))
    assert unlike(result(place, kind), result(place, kind, 2)) < 2e-3  # half precision keeps three digits
    if kind == "parser":
        assert trained(place, kind, "generation=3", "images=4", "seed=1", *STILL[kind])
        assert unlike(result(place, kind), result(place, kind, 3)) > 0.1, "a run of its own begins elsewhere"
    assert {key.partition(".")[0] for key in parameters(result(place, kind, 2))} == (
        {"parser"} if kind == "parser" else {"generator", "encoder"}
    )


def test_a_run_that_goes_on_needs_them_no_more_and_takes_no_others(place: Path) -> None:
    start = place / "start.safetensors"
    start.write_bytes(result(place, "parser").read_bytes())
    assert trained(place, "parser", "generation=4", initial=start)
    start.unlink()
    assert trained(place, "parser", "generation=4", "images=16", initial=start)
    with pytest.raises(TrainingError, match="other settings: initial"):
        trained(place, "parser", "generation=4", "images=24", initial=result(place, "parser"))
    with pytest.raises(TrainingError, match="other settings: initial"):
        trained(place, "parser", "generation=4", "images=24")
    with pytest.raises(WeightsMissing, match=r"start\.safetensors: there is no such file"):
        trained(place, "parser", "generation=5", initial=start)
    assert not (place / "runs" / "parser-5").exists()


def test_weights_of_networks_that_are_built_otherwise_are_refused_by_field(place: Path) -> None:
    with pytest.raises(ConfigError, match="its parser has pyramid_channels 8, not 16"):
        trained(place, "parser", "generation=6", "parser.pyramid_channels=16", initial=result(place, "parser"))
    with pytest.raises(ConfigError, match="its generator has spade_hidden 4, not 8"):
        trained(place, "spade", "generation=6", "generator.spade_hidden=8", initial=result(place, "spade"))


def test_what_a_pipeline_file_names_is_found_beside_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place / "runs")
    assert prepare("../parser.yaml", ["initial=runs/parser-1/parser-1.safetensors"]).config.initial is not None
    with pytest.raises(WeightsMissing, match=r"parser-1\.safetensors: there is no such file"):
        prepare("../parser.yaml", ["initial=parser-1/parser-1.safetensors"])
    told = prepare("../parser.yaml", initial="parser-1/parser-1.safetensors").config.initial
    assert told == str(place / "runs/parser-1/parser-1.safetensors")
    with pytest.raises(WeightsMissing, match="did you mean mobilenet-v2-imagenet"):
        prepare("../parser.yaml", initial="mobilenet-v2-imagenett")
    config = prepare("../parser.yaml", initial="parser-mnv2-256-v1").config
    assert isinstance(config, ParserRun) and config.initial == "parser-mnv2-256-v1"


def test_two_words_for_the_same_thing_are_refused(place: Path) -> None:
    with pytest.raises(UsageError, match=r"--set data\.folder"):
        prepare(place / "parser.yaml", ["data.folder=x"], data=place / "pairs")
    with pytest.raises(UsageError, match="--set initial"):
        prepare(place / "parser.yaml", ["initial=x"], initial="y")


def test_features_that_are_not_there_are_missed_before_anything_is_packed(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare(
        place / "spade.yaml", ["perceptual=vgg19-imagenet"], data=place / "pairs", runs=tmp_path / "runs"
    )
    listener = Listener()
    monkeypatch.setenv("FACESYNTH_CACHE", str(tmp_path / "nobody-fetched-them"))
    with pytest.raises(WeightsMissing, match="vgg19-imagenet"):
        train(prepared, tmp_path / "cache", device="cpu", progress=listener)
    assert not listener.notes and not (tmp_path / "cache").exists() and not prepared.folder.exists()


def test_losses_are_told_unless_nobody_wants_them(place: Path) -> None:
    loud, quiet = Listener(), Listener()
    trained(place, "parser", "generation=7", listener=loud)
    prepared = prepare(place / "parser.yaml", ["name=parser-8"], data=place / "pairs", runs=place / "runs")
    train(prepared, place / "cache", device="cpu", progress=quiet, losses=False)
    assert [note.partition(":")[0] for note in loud.notes] == ["4 images", "8 images"] and not quiet.notes
    assert loud.done == quiet.done == 8
    assert not logging.getLogger("lightning_fabric").isEnabledFor(logging.INFO), "nor does the library greet"
    assert describe(prepared, device="cpu").endswith(f"run: {place / 'runs' / 'parser-8'}")


def test_a_dry_run_tells_networks_disk_and_memory(place: Path) -> None:
    prepared = prepare(place / "spade.yaml", ["batch_size=8"], data=place / "pairs", runs=place / "runs")
    lines = describe(prepared, device="cpu").splitlines()[-5:]
    assert lines[0].startswith("pairs: 6 to train on")
    assert re.fullmatch(r"networks: generator 0\.\d+ M, encoder 0\.\d+ M, discriminator 0\.\d+ M parameters", lines[1])
    assert re.fullmatch(r"disk: about \d+ MB of checkpoints, 0 MB of packed pairs", lines[2])
    assert re.fullmatch(
        r"memory: about [\d.]+ GB for 8 samples at once(; .* free on cpu, enough for [\d,]+)?", lines[3]
    )
    shared = describe(prepared, device="cpu", devices=4)
    assert "GB for 2 samples at once on each of 4 devices" in shared
    with pytest.raises(UsageError, match="--devices 3: batch_size: 8 is no multiple of 3 devices"):
        describe(prepared, device="cpu", devices=3)
    with pytest.raises(UsageError, match="--devices 2 and --device cuda:1"):
        train(prepared, place / "cache", device="cuda:1", devices=2, progress=Listener())


def test_a_dry_run_is_refused_where_the_run_would_be(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(place / "photos" / "a.png", 16)
    (place / "foreign.json").write_text('{"train": ["x"], "validation": ["y"]}')
    (place / "here.json").write_text('{"train": ["000", "001"], "validation": ["002"]}')
    pairs, photos = place / "pairs", place / "photos"
    import_dataset(FolderLayout(photos), photos)

    def ended(data: Path, *options: str) -> int:
        command = ["train", str(place / "parser.yaml"), "--data", str(data), "--runs", str(place / "dry"), "--dry-run"]
        with pytest.raises(SystemExit) as caught:
            main([*command, *(part for option in options for part in ("--set", option))])
        assert isinstance(caught.value.code, int)
        return caught.value.code

    for data, option, fault in (
        (pairs, "data.split=nope", "no such split file"),
        (pairs, f"data.split={place / 'foreign.json'}", "none of the faces that it holds out is in the training data"),
        (photos, "seed=3", "none of its faces has a label map"),
        (place / "photos" / "a.png", "seed=3", "not a dataset's manifest"),
    ):
        assert ended(data, option) != 0
        assert fault in capsys.readouterr().err
    assert ended(pairs, f"data.split={place / 'here.json'}") == 0
    assert "pairs: 2 to train on, 1 to judge it by\nnetworks: parser " in capsys.readouterr().out
    assert not (place / "dry").exists()
