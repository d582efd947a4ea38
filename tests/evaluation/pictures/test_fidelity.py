"""How well a judge finds label maps again: means over the classes that were to be painted."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.labels import Label, LabelMap
from facesynth.evaluation.pictures.fidelity import Fidelity, fidelity_measures, numbers_of, reparsed
from facesynth.evaluation.pictures.subjects import OWN


def halves(*columns: tuple[Label, int]) -> LabelMap:
    """A map 10 pixels high of columns of one label each."""
    return LabelMap(np.concatenate([np.full((10, width), label, dtype=np.uint8) for label, width in columns], axis=1))


def test_a_class_that_the_judge_alone_sees_takes_pixels_and_has_no_score() -> None:
    truth = halves((Label.BACKGROUND, 5), (Label.SKIN, 5))
    seen = halves((Label.BACKGROUND, 5), (Label.SKIN, 4), (Label.HAT, 1))
    found = numbers_of(reparsed(truth, seen))
    assert found["miou"] == pytest.approx((1 + 0.8) / 2)
    assert found["mean_f1"] == pytest.approx(2 * 4 / 9)
    assert found["accuracy"] == pytest.approx(0.9)


def test_a_class_that_is_never_found_counts_as_0() -> None:
    truth = halves((Label.BACKGROUND, 5), (Label.SKIN, 4), (Label.HAT, 1))
    found = numbers_of(reparsed(truth, halves((Label.BACKGROUND, 5), (Label.SKIN, 5))))
    assert found["miou"] == pytest.approx((1 + 0.8 + 0) / 3)


def test_the_number_of_classes_stands_beside_a_mean_over_them() -> None:
    truth, fidelity = halves((Label.BACKGROUND, 5), (Label.SKIN, 5)), Fidelity()
    fidelity.photos.counts += reparsed(truth, truth).counts
    fidelity.matrices[OWN].counts += reparsed(truth, truth).counts
    notes = {measure.key: fidelity.ceiling(measure).notes for measure in fidelity_measures("judge", (10, 10))}
    assert notes["miou"][0] == notes["mean_f1"][0] == "over 2 of 19 classes"
    assert not any("classes" in note for note in notes["accuracy"])
