"""The arms and seeds of a comparison as `facesynth train` runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facesynth.cli.main import main
from facesynth.config import arms_of
from facesynth.core.errors import ConfigError, UsageError
from facesynth.jobs.train import describe, prepare, prepare_all
from facesynth.training.runs.spn import SpnRun
from facesynth.weights import data_folder
from tests.datasets.image_sets.drawn import write_classes, write_image

pytest.importorskip("lightning_fabric")

SPN = """
kind: spn
name: small
generator: {size: 8, width: 4, max_width: 4, z_channels: 8}
discriminator: {width: 4, max_width: 4, halvings: 1, flat: 0}
images: 16
batch_size: 4
n_dis: 2
generator_batch_size: 4
watch: {features: null}
every: {stats: 8, validation: 0, samples: 0, checkpoint: 16}
arms:
  plain: {}
  spn: {generator: {normalisation: spn}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arms")
    (folder / "small.yaml").write_text(SPN)
    for seed in range(5):
        write_image(folder / "images" / f"{seed}.png", seed, 8, 8)
    return folder


def names(place: Path, **how: object) -> list[str]:
    return [each.config.name for each in prepare_all(place / "small.yaml", **how)]  # type: ignore[arg-type]


def test_all_arms_are_run_or_those_named_each_with_each_seed(place: Path) -> None:
    assert names(place) == ["small-plain", "small-spn"]
    assert names(place, arms=("spn",)) == ["small-spn"]
    both = names(place, seeds=(0, 3))
    assert both == ["small-plain-s0", "small-spn-s0", "small-plain-s3", "small-spn-s3"]
    assert names(place, seeds=(7,), arms=("spn", "spn"), overrides=["name=new"]) == ["new-spn-s7"]
    assert [each.config.seed for each in prepare_all(place / "small.yaml", seeds=(0, 3), arms=("spn",))] == [0, 3]
    assert [each.config.name for each in prepare_all("tiny", seeds=(2,))] == ["tiny-s2"], "without arms as well"


def test_what_names_a_seed_or_an_arm_twice_is_refused(place: Path) -> None:
    with pytest.raises(UsageError, match="--seeds and --set seed name the same"):
        names(place, seeds=(1,), overrides=["seed=2"])
    with pytest.raises(UsageError, match="there is no arm 'x'; use one of: plain, spn"):
        names(place, arms=("x",))


def test_settings_leave_alone_what_an_arm_is_about(place: Path) -> None:
    """Or runs would be called what they are not."""
    with pytest.raises(UsageError, match=r"generator\.normalisation is what the arm spn is about.*arms\.spn\."):
        names(place, overrides=["generator.normalisation=layer"])
    with pytest.raises(UsageError, match="generator is what the arm spn is about"):
        names(place, arms=("plain",), overrides=["generator={size: 8}"])
    with pytest.raises(UsageError, match=r"generator\.width is what the arm sngan-wide is about"):
        prepare_all("spn/table-6", ["generator.width=64", "generator.max_width=64"])
    with pytest.raises(UsageError, match="small-plain-s1 and small-spn-s1 are the same training"):
        names(place, overrides=["arms.spn.generator.normalisation=batch"], seeds=(1,))
    assert names(place, overrides=["arms.spn.generator.normalisation=layer", "generator.width=2", "images=800"])


@pytest.mark.parametrize("table", sorted((data_folder("pipelines") / "spn").glob("*.yaml")), ids=lambda path: path.stem)
def test_arms_of_bundled_comparisons_differ(table: Path) -> None:
    prepared = prepare_all(table, ["images=1000000", "data.folder=here"], seeds=(0, 1))
    assert len(prepared) == 2 * len(arms_of(table)) >= 4


def test_a_dry_run_tells_the_images_and_is_refused_where_the_run_would_be(place: Path, tmp_path: Path) -> None:
    told = describe(prepare(place / "small.yaml", arm="spn", data=place / "images"), device="cpu")
    assert "images: 5 to train on\nnetworks: generator" in told
    classes = write_classes(tmp_path / "two", ("a", "b"), 2)
    conditional = ["generator.normalisation=cbn", "generator.classes=3", "discriminator.classes=3"]
    prepared = prepare(place / "small.yaml", conditional, data=classes)
    assert isinstance(prepared.config, SpnRun)
    with pytest.raises(ConfigError, match="has 2 classes, and the networks are told 3"):
        describe(prepared, device="cpu")


def test_the_command_trains_them_one_after_the_other(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", str(place / "small.yaml"), "--data", str(place / "images"), "--runs", str(place / "runs")]
    command += ["--cache", str(place / "cache"), "--device", "cpu", "--quiet", "--seeds", "0"]
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert not ended.value.code
    paths = [Path(line) for line in capsys.readouterr().out.split()]
    assert [path.name for path in paths] == ["small-plain-s0.safetensors", "small-spn-s0.safetensors"]
    assert all(path.is_file() for path in paths)
    recipes = [json.loads((path.parent / "run.json").read_text()) for path in paths]
    assert recipes[0]["data"] == recipes[1]["data"]
    assert [each["config"]["generator"]["normalisation"] for each in recipes] == ["batch", "spn"]


def test_an_arm_that_diverges_does_not_hold_the_others_up(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pace(config: SpnRun, *given: object) -> float:
        return float("nan") if config.generator.normalisation == "batch" else 1.0

    monkeypatch.setattr("facesynth.training.spn.job.pace_at", pace)
    command = ["train", str(place / "small.yaml"), "--data", str(place / "images"), "--runs", str(tmp_path / "runs")]
    command += ["--cache", str(place / "cache"), "--device", "cpu", "--quiet"]
    with pytest.raises(SystemExit) as ended:
        main(command)
    told = capsys.readouterr()
    assert ended.value.code not in (0, None)
    assert [Path(line).name for line in told.out.split()] == ["small-spn.safetensors"]
    assert "small-plain is not trained: " in told.err and "diverged at image" in told.err
    assert "1 of 2 runs are not trained: small-plain" in told.err
    with pytest.raises(SystemExit) as ended:
        main([*command, "--arm", "plain"])
    assert ended.value.code not in (0, None) and "of 1 runs" not in capsys.readouterr().err
