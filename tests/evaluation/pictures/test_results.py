"""What a finished evaluation says of itself in one line."""

from __future__ import annotations

import dataclasses

import pytest

from facesynth.evaluation.pictures.results import Score, number, spelled
from facesynth.evaluation.pictures.subjects import NetworkUsed, PicturesSubject, RealSet
from facesynth.evaluation.subjects import LeftOut
from tests.evaluation.pictures.drawn_evaluations import score


@pytest.mark.parametrize(
    ("value", "told"),
    [(31.2345, "31.23"), (-0.5, "-0.500"), (0.0123, "0.0123"), (0.00123, "0.00123"), (0, "0.000"), (355, "355.00")],
)
def test_numbers_are_told_with_the_digits_that_count(value: float, told: str) -> None:
    assert number(value) == told


def test_a_deviation_is_told_with_the_digits_of_its_number() -> None:
    one = score("fid", "by seed", 31.2345, sd=0.0123)
    assert spelled(one) == "31.23 ± 0.01" and spelled(dataclasses.replace(one, sd=None)) == "31.23"


def test_subject_real_set_and_networks_say_what_they_are() -> None:
    subject = PicturesSubject(
        kind="generator", name="mine", size=(128, 64), count=3, sha256="ab" * 32, precision="bf16"
    )
    assert subject.told() == "generator mine sha256 abababababab, bf16, 128×64"
    real = RealSet(data="celeba", count=3, sizes=((512, 512),), split="official", side="test")
    assert real.told() == "3 real of celeba, side test of split official"
    assert dataclasses.replace(real, side="all").told().endswith("all sides of split official")
    assert dataclasses.replace(real, split=None).told() == "3 real of celeba"
    assert NetworkUsed(role="judge", name="j", sha256="cd" * 32).told() == "judge j sha256 cdcdcdcdcdcd"
    assert LeftOut(name="a", file="a.png", reason="torn").file == "a.png" and Score.__slots__
