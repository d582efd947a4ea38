"""Generators without label maps compared: runs of several seeds, evaluated alike, kept and compared again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from facesynth.core.errors import UsageError, WeightsMissing
from facesynth.jobs.compare.candidates import candidates
from facesynth.jobs.compare.choosing import paints_seeds, scorer_of
from facesynth.jobs.compare.files import ComparisonFiles, evaluation_names
from facesynth.jobs.compare.job import compare
from facesynth.jobs.compare.sample_scoring import SampleScoring, sampling_of
from facesynth.jobs.execution import Execution
from facesynth.store import ArtifactStore
from tests.datasets.image_sets.drawn import write_images
from tests.jobs.conftest import Listener
from tests.jobs.evaluate.conftest import tiny_weights as tiny_weights  # a fixture
from tests.seeded_generators import write_generator, write_spn_run


@pytest.fixture
def execution(tmp_path: Path) -> Execution:
    return Execution(store=ArtifactStore(tmp_path / "cache"), progress=Listener(), batch_size=4)


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return write_images(tmp_path / "real", [f"{number:02}.png" for number in range(12)], size=16)


def scorer(found: list[str], real: Path, features: Path, **more: object) -> SampleScoring:
    how = {"metrics": ("fid",), "features": str(features), "perceptual": "judge", "judge": None, "identity": None}
    given = how | {"device": "cpu", "precision": "float32", "batch_size": None, "count": 8} | more
    scoring = scorer_of(candidates(found), real, **given)  # type: ignore[arg-type]
    assert isinstance(scoring, SampleScoring)
    return scoring


def test_runs_are_evaluated_alike_and_what_is_written_can_be_compared_again(
    tmp_path: Path, execution: Execution, real: Path, tiny_weights: Path
) -> None:
    runs = [write_spn_run(tmp_path / "runs", arm, seed) for arm in ("sngan", "spn") for seed in (0, 1)]
    # The same settings would make them one arm.
    for seed in (0, 1):
        path = tmp_path / f"runs/spn-s{seed}/run.json"
        told = json.loads(path.read_text())
        path.write_text(json.dumps(told | {"config": told["config"] | {"loss": "hinge"}}))
    found = compare(candidates(runs), scorer(runs, real, tiny_weights), execution)
    assert found.names == ["sngan", "spn"] and found.settings == ["pictures"]
    (row,) = found.rows("pictures")
    first, second = row.scores
    assert first is not None and second is not None and first.sd_over == "2 trainings"
    assert first.by_seed == second.by_seed, "they are the same networks"
    assert not row.best and len(found.verdicts()) == 1 and found.exit_code == 0
    assert [curve.measure for curve in found.columns[0].curves] == ["seconds", "validation/frechet/tiny"]

    ComparisonFiles.into(tmp_path / "out", [real], runs).write(found)
    names = evaluation_names(found)
    assert [Path(name).parent.name for name in names] == ["1-sngan-s0", "1-sngan-s1", "2-spn-s0", "2-spn-s1"]
    again = compare(candidates([str(tmp_path / "out" / name) for name in names]), None, execution)
    assert again.names == ["sngan", "spn"], "each document tells how its generator was trained"
    assert again.rows("pictures") == found.rows("pictures")
    assert [one.told() for one in again.verdicts()] == [one.told() for one in found.verdicts()]
    document = json.loads((tmp_path / "out/comparison.json").read_text())
    assert [trial["evaluation"] for column in document["columns"] for trial in column["trials"]] == names
    page = (tmp_path / "out/report.html").read_text()
    assert "over seconds of training" in page and "seed 3" in page and "None were chosen" in page


def test_a_run_that_is_evaluated_joins_saved_ones_of_its_arm(
    tmp_path: Path, execution: Execution, real: Path, tiny_weights: Path
) -> None:
    runs = [write_spn_run(tmp_path / "runs", "spn", seed) for seed in (0, 1, 2)]
    ComparisonFiles.into(tmp_path / "out", [real], runs[:2]).write(
        compare(candidates(runs[:2]), scorer(runs[:2], real, tiny_weights), execution)
    )
    given = [*(str(tmp_path / f"out/evaluations/1-spn-s{seed}") for seed in (0, 1)), runs[2]]
    found = compare(candidates(given), scorer(given, real, tiny_weights), execution)
    assert [len(column.trials) for column in found.columns] == [3]


def test_weights_outside_of_runs_are_columns_of_their_own(
    tmp_path: Path, execution: Execution, real: Path, tiny_weights: Path
) -> None:
    files = [str(tmp_path / f"{seed}.safetensors") for seed in (0, 1)]
    for seed, file in enumerate(files):
        write_generator(Path(file), seed)
    found = compare(candidates(files), scorer(files, real, tiny_weights), execution)
    assert found.names == ["0", "1"] and not found.verdicts() and not list(found.warnings())
    assert any(row.best for row in found.rows("pictures"))


def test_the_two_kinds_of_generators_are_told_apart_by_their_weights(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    mine = tmp_path / "mine.safetensors"
    write_generator(mine)
    assert paints_seeds(str(mine)) and not paints_seeds(str(tiny_weights))
    with pytest.raises(WeightsMissing):
        paints_seeds(str(tmp_path / "gone.safetensors"))
    with pytest.raises(UsageError, match=r"tiny\.safetensors: paints label maps, .*; compare the two kinds apart"):
        scorer([str(mine), str(tiny_weights)], real, tiny_weights)


def test_what_is_saved_says_how_many_and_which_seeds_are_painted_beside_it(
    tmp_path: Path, execution: Execution, real: Path, tiny_weights: Path
) -> None:
    files = [str(tmp_path / f"{seed}.safetensors") for seed in (0, 1)]
    for seed, file in enumerate(files):
        write_generator(Path(file), seed)
    first = scorer(files, real, tiny_weights, count=6, seeds=(20,))
    ComparisonFiles.into(tmp_path / "out", [real], files).write(compare(candidates(files), first, execution))
    given = [str(tmp_path / "out/evaluations/1-0"), files[1]]
    like = scorer(given, real, tiny_weights, count=None)
    assert like.sampling.sets == (range(20, 26),)
    found = compare(candidates(given), like, execution)
    assert not any(row.remark for row in found.rows("pictures")) and not list(found.warnings())
    assert scorer(given, real, tiny_weights, count=8).sampling.sets == (range(20, 28),)
    assert scorer(given, real, tiny_weights, count=None, seeds=tuple(range(20, 26))).sampling == like.sampling
    with pytest.raises(UsageError, match=r"1-0: was painted of seeds 20 to 25, of which no others can be taken now"):
        scorer(given, real, tiny_weights, count=None, seeds=(20, 21))


def test_attributes_that_the_real_images_do_not_tell_are_refused_before_anything_is_painted(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    files = [str(tmp_path / f"{name}.safetensors") for name in ("plain", "attributes")]
    write_generator(Path(files[0]))
    write_generator(Path(files[1]), classes=("Smiling", "Male"), multi=True)
    with pytest.raises(UsageError, match=r"attributes\.safetensors: was trained with attributes"):
        scorer(files, real, tiny_weights).begin(files, ())


def test_seeds_are_where_they_begin_or_all_of_them() -> None:
    assert sampling_of(None, 100).sets == (range(100),)
    assert sampling_of((7,), 100).sets == (range(7, 107),) and sampling_of((3, 4, 5), None).sets == (range(3, 6),)
    with pytest.raises(UsageError, match="follow each other"):
        sampling_of((0, 2), None)
