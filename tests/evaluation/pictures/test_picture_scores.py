"""Single pictures' scores gathered: means, those without, best and worst."""

from __future__ import annotations

import tracemalloc

import pytest

from facesynth.core.errors import FacesynthError
from facesynth.evaluation.pictures.measures import Measure, Number, Reference, score, score_over_seeds
from facesynth.evaluation.pictures.names import Names
from facesynth.evaluation.pictures.pair_measures import IDENTITY, PSNR, SSIM
from facesynth.evaluation.pictures.picture_scores import PictureScores, spread_over
from facesynth.evaluation.pictures.subjects import OWN, Variant


def filled() -> PictureScores:
    scores = PictureScores("abcdefg")
    for place, name in enumerate("abcdefg"):
        scores.put(place, OWN, {"ssim": place / 10, "psnr": None if name == "a" else 20.0, "identity": None})
        for seed in (0, 1):
            scores.put(place, Variant("by seed", seed), {"ssim": place / 10 + seed})
    return scores


def test_a_mean_is_over_those_that_have_a_score_and_says_of_the_others() -> None:
    scores = filled()
    ssim, psnr = scores.number(SSIM, OWN), scores.number(PSNR, OWN)
    assert ssim is not None and ssim.value == pytest.approx(0.3) and ssim.count == 7 and not ssim.notes
    assert (
        psnr is not None
        and psnr.count == 6
        and psnr.notes == ("1 pictures equal their photo: infinite, not in the mean",)
    )
    assert scores.number(IDENTITY, OWN) is None and scores.number(PSNR, Variant("by seed", 0)) is None
    (silent,) = scores.silent([SSIM, PSNR, IDENTITY], [OWN, Variant("by seed", 0)])
    assert silent.startswith("no face descriptor distance (own style): no face found in 7 pairs")


def test_best_and_worst_follow_what_is_better_and_the_mean_over_seeds() -> None:
    scores = filled()
    own, by_seed = scores.extremes(SSIM, "own style"), scores.extremes(SSIM, "by seed")
    assert own is not None and own.best == ("g", "f", "e", "d") and own.worst == ("a", "b", "c", "d")
    assert by_seed is not None and by_seed.best == own.best
    assert scores.extremes(IDENTITY, "own style") is None and scores.extremes(SSIM, "pictures") is None


def test_rows_hold_what_was_put_there() -> None:
    rows = filled().rows()
    found = list(rows)
    assert len(rows) == len(found) == 21 and found == list(rows), "as often as one likes"
    assert found[0].name == "a" and found[0].scores == {"ssim": 0.0, "psnr": None, "identity": None}
    assert found[8].name == "b" and found[8].seed == 0 and found[8].setting == "by seed"


def test_a_score_that_is_no_number_names_its_picture() -> None:
    scores = PictureScores(["a", "b"])
    with pytest.raises(FacesynthError, match="b: its score by ssim is not a finite number"):
        scores.put(1, OWN, {"ssim": float("nan")})


def test_a_score_takes_eight_bytes_however_many_pictures_there_are() -> None:
    count = 20_000
    tracemalloc.start()
    scores = PictureScores(Names(f"folder/{number:06d}" for number in range(count)))
    for place in range(count):
        scores.put(place, OWN, {"ssim": place / count, "psnr": 30.0})
    best = scores.extremes(SSIM, "own style")
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert best is not None and best.best[0] == f"folder/{count - 1:06d}" and best.worst[0] == "folder/000000"
    assert held < 60 * count and peak < 100 * count


def test_names_are_spread_evenly() -> None:
    names = [str(number) for number in range(10)]
    assert spread_over(names, 4) == ("0", "3", "6", "9") and spread_over(names[:3], 6) == ("0", "1", "2")


def test_a_score_above_what_photos_reach_says_so() -> None:
    measure = Measure(key="miou", label="mIoU", group="fidelity", better="higher", protocol="how")
    above = score(measure, "own style", Number(value=0.9, count=3), Reference(ceiling=0.8))
    assert any("better than the real photos" in note for note in above.notes)
    below = score(measure, "own style", Number(value=0.7, count=3), Reference(ceiling=0.8))
    assert not below.notes


def test_over_seeds_the_mean_and_the_sample_deviation() -> None:
    numbers = {seed: Number(value=value, count=5, warning="few") for seed, value in ((0, 1.0), (4, 3.0))}
    found = score_over_seeds(SSIM, numbers)
    assert found.value == 2 and found.sd == pytest.approx(2**0.5) and found.sd_over == "2 seeds"
    assert found.by_seed == {0: 1.0, 4: 3.0} and found.warning == "few" and found.count == 5
