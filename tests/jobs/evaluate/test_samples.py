"""Pictures of seeds against real images: which are painted and drawn, what is told, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesynth.core.errors import UsageError, WeightsError
from facesynth.core.refs import Origin
from facesynth.evaluation.pictures.document import evaluation_json, read_evaluation
from facesynth.evaluation.pictures.page import evaluation_page
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.inference.residual_weights import read_residual_weights
from facesynth.jobs.evaluate.passes import Passes
from facesynth.jobs.evaluate.recipes import recipe_of, run_folder
from facesynth.jobs.evaluate.sample_stages import RealImages, sample_settings, set_scoring
from facesynth.jobs.evaluate.sampled_pictures import Conditions, Painting, Sampling, drawn
from facesynth.jobs.evaluate.samples import ON_SHEET, evaluate_samples
from facesynth.jobs.execution import Execution
from facesynth.jobs.sample import draws, sample_item
from facesynth.pipeline import find
from facesynth.store import ArtifactStore
from tests.datasets.image_sets.drawn import ATTRIBUTES, write_attributes, write_images
from tests.jobs.conftest import Listener
from tests.seeded_generators import write_generator, write_spn_run


@pytest.fixture
def real(tmp_path: Path) -> Path:
    return write_images(tmp_path / "real", [f"{number:02}.png" for number in range(20)], size=16)


def evaluated(
    tmp_path: Path,
    weights: Path | str,
    real: Path,
    features: Path,
    *,
    metrics: Sequence[str] = ("fid",),
    sampling: Sampling | None = None,
    listener: Listener | None = None,
    **more: Any,
) -> PictureEvaluation:
    scoring = set_scoring(metrics, features=str(features), device="cpu", batch_size=None)
    stages, images = scoring.of(str(weights)), RealImages.open(real)
    how = sampling or Sampling(count=12)
    execution = Execution(
        store=ArtifactStore(tmp_path / "cache"), progress=listener or Listener(), batch_size=4, **more
    )
    settings = sample_settings(stages, images, how, features="tiny", recipe=recipe_of(str(weights)))
    return evaluate_samples(images, stages, how, execution, settings=settings)


def test_a_generator_is_scored_and_the_same_again_computes_nothing(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    write_generator(tmp_path / "g.safetensors")
    found = evaluated(tmp_path, tmp_path / "g.safetensors", real, tiny_weights, metrics=("fid", "kid", "pr"))
    assert [score.key for score in found.scores] == ["frechet/tiny", "kernel/tiny", "precision/tiny", "recall/tiny"]
    assert {score.setting for score in found.scores} == {"pictures"} and found.scores[0].value > 0
    assert found.scores[0].halves is not None and found.scores[0].halves.count == 6
    assert (found.subject.size, found.subject.count, found.real.count) == ((16, 16), 12, 12)
    assert found.subject.device == "cpu" and found.exit_code == 0
    again = evaluated(tmp_path, tmp_path / "g.safetensors", real, tiny_weights, metrics=("fid", "kid", "pr"))
    assert again.subject.device is None, "all of it came from the cache"
    assert again.scores == found.scores and again.real == found.real


def test_another_generator_meets_the_same_real_images_and_others_are_told(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    for seed in (0, 1):
        write_generator(tmp_path / f"{seed}.safetensors", seed)
    one, other = (evaluated(tmp_path, tmp_path / f"{seed}.safetensors", real, tiny_weights) for seed in (0, 1))
    assert one.real.digest == other.real.digest and one.scores != other.scores
    assert one.scores[0].protocol == other.scores[0].protocol
    more = evaluated(tmp_path, tmp_path / "0.safetensors", real, tiny_weights, sampling=Sampling(count=14))
    assert more.real.digest != one.real.digest and more.scores[0].count == 14


def test_sets_of_seeds_share_none_and_their_spread_is_told_as_of_one_training(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    write_generator(tmp_path / "g.safetensors")
    three = evaluated(
        tmp_path, tmp_path / "g.safetensors", real, tiny_weights, sampling=Sampling(count=8, first=4, trials=3)
    )
    (score,) = three.scores
    assert score.sd_over == "3 sets of seeds" and list(score.by_seed) == [4, 12, 20] and score.setting == "pictures"
    alone = [
        evaluated(tmp_path, tmp_path / "g.safetensors", real, tiny_weights, sampling=Sampling(count=8, first=first))
        for first in (4, 12, 20)
    ]
    values = [one.scores[0].value for one in alone]
    assert list(score.by_seed.values()) == values
    assert score.value == pytest.approx(np.mean(values)) and score.sd == pytest.approx(np.std(values, ddof=1))
    assert any("of one and the same training" in line for line in three.protocol)
    assert three.subject.count == 24 and three.real.count == 8


def test_fewer_real_images_than_pictures_are_all_taken(tmp_path: Path, real: Path, tiny_weights: Path) -> None:
    write_generator(tmp_path / "g.safetensors")
    found = evaluated(tmp_path, tmp_path / "g.safetensors", real, tiny_weights, sampling=Sampling(count=24))
    assert found.real.count == 20 and "24 against 20 real pictures" in found.scores[0].notes
    assert found.real.told().startswith("20 real of ")


def test_real_images_of_other_sizes_are_cut_and_told(tmp_path: Path, tiny_weights: Path) -> None:
    write_generator(tmp_path / "g.safetensors")
    large = write_images(tmp_path / "large", [f"{name}.png" for name in "abcdefgh"], size=40)
    found = evaluated(tmp_path, tmp_path / "g.safetensors", large, tiny_weights, sampling=Sampling(count=8))
    assert found.real.sizes == ((40, 40),) and found.protocol[0].startswith("pictures of 16×16; real images of another")


def test_which_images_are_drawn_does_not_depend_on_more_than_seed_and_count(real: Path) -> None:
    images = RealImages.open(real).images
    first = list(drawn(images, 12, 5))
    assert first == sorted(set(first)) and len(first) == 12 and first == list(drawn(images, 12, 5))
    assert first != list(drawn(images, 12, 6)) and list(drawn(images, 99, 5)) == list(range(20))


def test_pictures_are_those_that_sample_makes(tmp_path: Path) -> None:
    write_generator(tmp_path / "g.safetensors", classes=("cat", "dog"))
    told = read_residual_weights(tmp_path / "g.safetensors")
    conditions = Conditions(told, RealImages.open(write_images(tmp_path / "images", ["a.png", "b.png"])).images)
    origin, seeds = Origin("g"), range(6)
    assert [conditions.of(seed) for seed in seeds] == [draw.condition for draw in draws(told, seeds=seeds)]
    stage = set_scoring(None, features="judge", device="cpu", batch_size=None).of(str(told.path)).paint
    kept = ArtifactStore(tmp_path / "cache")
    execution = Execution(store=kept, progress=Listener())
    painting = Painting(stage, conditions, Passes(execution))
    assert len(list(painting.pictures(seeds))) == 6
    for draw in draws(told, seeds=seeds):  # or nothing that one of them painted would be found by the other
        assert find(stage, sample_item(draw.seed, draw.condition, origin), kept) is not None
    assert {conditions.of(seed) for seed in range(20)} == {0, 1}
    assert "a class of 2 that the seed draws" in conditions.protocol()


def test_attributes_are_those_of_a_real_image_that_the_seed_draws(tmp_path: Path, tiny_weights: Path) -> None:
    rows = [(f"{number}.png", [1 if number % 2 else -1, 1, -1]) for number in range(8)]
    folder = write_attributes(write_images(tmp_path / "faces", [name for name, _ in rows], size=16), rows).parent
    write_generator(tmp_path / "g.safetensors", classes=ATTRIBUTES)
    images = RealImages.open(folder).images
    conditions = Conditions(read_residual_weights(tmp_path / "g.safetensors"), images)
    found = {conditions.of(seed) for seed in range(40)}
    assert conditions.by_attributes and found == {(1.0, 1.0, 0.0), (0.0, 1.0, 0.0)}
    assert conditions.of(7) == conditions.of(7) and "attributes of a real image" in conditions.protocol()
    write_generator(tmp_path / "other.safetensors", classes=("a", "b", "c"))
    other = Conditions(read_residual_weights(tmp_path / "other.safetensors"), images)
    assert not other.by_attributes and isinstance(other.of(0), int)
    scored = evaluated(tmp_path, tmp_path / "g.safetensors", folder, tiny_weights, sampling=Sampling(count=8))
    assert scored.scores[0].value > 0


def test_a_generator_of_attributes_is_scored_by_images_with_the_same_ones_alone(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    rows = [(f"{number}.png", [1 if number % 2 else -1, 1, -1]) for number in range(8)]
    folder = write_attributes(write_images(tmp_path / "faces", [name for name, _ in rows], size=16), rows).parent
    mine, other = tmp_path / "mine.safetensors", tmp_path / "other.safetensors"
    write_generator(mine, classes=ATTRIBUTES, multi=True)
    write_generator(other, classes=ATTRIBUTES[::-1], multi=True)
    found = evaluated(tmp_path, mine, folder, tiny_weights, sampling=Sampling(count=8))
    assert found.scores[0].value > 0 and any("attributes of a real image" in line for line in found.protocol)
    for weights, images in ((mine, real), (other, folder)):
        with pytest.raises(UsageError, match=rf"{weights.name}: was trained with attributes, and the real images"):
            evaluated(tmp_path, weights, images, tiny_weights, sampling=Sampling(count=8))


def test_the_first_seeds_are_shown_and_an_evaluation_is_read_again(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    run = write_spn_run(tmp_path / "runs", "arm", 3)
    weights = f"{run}/arm-s3.safetensors"
    found = evaluated(tmp_path, weights, real, tiny_weights, sampling=Sampling(count=14, first=5))
    assert found.sheet == tuple(f"seed {seed}" for seed in range(5, 5 + ON_SHEET)) and found.run == run
    own = found.cases[0].look
    assert own is not None and own().own is not None
    page = evaluation_page(found)
    assert "Pictures of the first seeds" in page and "own style" not in page and "validation/frechet/tiny" in page
    assert ">seconds<" not in page, "it is no measure"
    document = tmp_path / "evaluation.json"
    document.write_text(evaluation_json(found))
    again = read_evaluation(document)
    assert again.passed_by == () and again.evaluation.subject.of_seeds
    assert again.evaluation.scores == found.scores and again.evaluation.settings["training"]["config"]["seed"] == 3


def test_what_a_run_was_trained_with_goes_along(tmp_path: Path) -> None:
    run = Path(write_spn_run(tmp_path / "runs", "arm", 3))
    told = recipe_of(str(run / "arm-s3.safetensors"))
    assert told is not None and told["config"]["seed"] == 3 and told["moment"] == "finished"
    (run / "arm-s3.safetensors").rename(run / "arm-s3-best.safetensors")
    best = recipe_of(str(run / "arm-s3-best.safetensors"))
    assert best is not None and best["moment"] == "best" and run_folder(str(run / "arm-s3-best.safetensors"))
    assert recipe_of("no-such-weights") is None and run_folder("no-such-weights") is None
    (run / "run.json").write_text("[1")
    assert recipe_of(str(run / "arm-s3-best.safetensors")) is None


@pytest.mark.parametrize(
    ("seeds", "count", "trials", "found"),
    [
        (None, None, 1, (5000, 0, 1)),
        (None, 100, 2, (100, 0, 2)),
        ((7, None), None, 1, (5000, 7, 1)),
        ((10, 39), None, 3, (10, 10, 3)),
        ((10, 39), 10, 3, (10, 10, 3)),
    ],
)
def test_seeds_and_counts_say_the_same(
    seeds: tuple[int, int | None] | None, count: int | None, trials: int, found: tuple[int, int, int]
) -> None:
    asked = Sampling.asked(seeds, count, trials)
    assert (asked.count, asked.first, asked.trials) == found
    assert sorted(seed for one in asked.sets for seed in one) == list(
        range(asked.first, asked.first + asked.count * asked.trials)
    )


@pytest.mark.parametrize(
    ("seeds", "count", "trials", "said"),
    [
        ((0, 10), None, 2, "11 seeds are no 2 sets"),
        ((0, 10), 10, 1, "--seeds are 11, --count asks for 10"),
        ((2**63 - 5, None), 10, 1, "go beyond"),
        (None, 0, 1, "at least 1"),
    ],
)
def test_seeds_and_counts_that_disagree_are_told(
    seeds: tuple[int, int | None] | None, count: int | None, trials: int, said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        Sampling.asked(seeds, count, trials)


def test_what_cannot_be_scored_is_told_before_anything_is_painted(
    tmp_path: Path, real: Path, tiny_weights: Path
) -> None:
    write_generator(tmp_path / "g.safetensors")
    scoring = set_scoring(None, features=str(tiny_weights), device="cpu", batch_size=None)
    with pytest.raises(UsageError, match="paints label maps"):
        scoring.of(str(tiny_weights))
    with pytest.raises(WeightsError):
        scoring.of(str(tmp_path / "gone.safetensors"))
    with pytest.raises(UsageError, match="an Inception Score needs Inception"):
        set_scoring(("is",), features=str(tiny_weights), device="cpu", batch_size=None)
    with pytest.raises(UsageError, match="kid needs at least 4 pictures a side, a set of seeds 0 to 2 holds 3"):
        evaluated(
            tmp_path, tmp_path / "g.safetensors", real, tiny_weights, metrics=("kid",), sampling=Sampling(count=3)
        )
    assert not (tmp_path / "cache/sample").exists()


def test_force_paints_and_describes_again(tmp_path: Path, real: Path, tiny_weights: Path) -> None:
    write_generator(tmp_path / "g.safetensors")
    first = evaluated(tmp_path, tmp_path / "g.safetensors", real, tiny_weights)
    again = evaluated(tmp_path, tmp_path / "g.safetensors", real, tiny_weights, force=True)
    assert again.subject.device == "cpu" and again.scores == first.scores
