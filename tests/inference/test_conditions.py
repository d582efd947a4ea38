"""What a conditional generator can be told, and what cannot be."""

from __future__ import annotations

from collections import Counter

import pytest

from facesynth.core.errors import UsageError
from facesynth.inference.conditions import attribute_weights, class_named, class_of_seed, settled
from tests.tiny_generators import PETS


def test_seeds_draw_every_class_about_equally_often_and_always_the_same() -> None:
    drawn = [class_of_seed(seed, 10) for seed in range(2000)]
    assert drawn == [class_of_seed(seed, 10) for seed in range(2000)]
    counts = Counter(drawn)
    assert set(counts) == set(range(10)) and min(counts.values()) > 140 and max(counts.values()) < 260
    assert class_of_seed(2**63 - 1, 10) in range(10)


def test_a_settled_condition_is_settled_for_good() -> None:
    assert settled(5, None, 0) is None
    for condition in (None, 2, (0.5, 0.0, 1.0)):
        once = settled(5, condition, 3)
        assert settled(9, once, 3) == once
    assert settled(5, None, 3) == class_of_seed(5, 3)


def test_attributes_are_told_and_never_drawn() -> None:
    with pytest.raises(UsageError, match="give --attributes"):
        settled(5, None, 3, multi=True)
    assert settled(5, (1.0, 0.0, 1.0), 3, multi=True) == (1.0, 0.0, 1.0) and settled(5, 2, 3, multi=True) == 2


@pytest.mark.parametrize(
    ("condition", "classes", "said"),
    [
        (0, 0, "no classes"),
        ((1.0,), 0, "no classes"),
        (3, 3, "0 to 2"),
        (-1, 3, "0 to 2"),
        ((1.0, 0.0), 3, "3 finite numbers"),
        ((1.0, 0.0, float("nan")), 3, "3 finite numbers"),
    ],
)
def test_a_condition_that_does_not_fit_is_told(condition: int | tuple[float, ...], classes: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        settled(0, condition, classes)


def test_classes_are_found_by_name_by_any_case_and_by_id() -> None:
    assert [class_named(name, PETS, 3) for name in ("dog", "DOG", "great dane", "1")] == [1, 1, 2, 1]
    assert class_named("1", ("2", "1", "0"), 3) == 1  # a name before an id
    assert class_named("7", (), 10) == 7
    assert class_named("cat", ("Cat", "cat"), 2) == 1


@pytest.mark.parametrize(
    ("name", "names", "count", "said"),
    [
        ("dgo", PETS, 3, "did you mean dog"),
        ("zebra", PETS, 3, "known are cat, dog, Great Dane"),
        ("3", PETS, 3, "0 to 2"),
        ("9" * 5000, PETS, 3, "0 to 2"),
        ("dog", (), 3, "give ids, 0 to 2"),
        ("dog", (), 0, "no classes"),
        ("-1", (), 3, "give ids"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_class_that_is_none_is_told(name: str, names: tuple[str, ...], count: int, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        class_named(name, names, count)


def test_attributes_that_are_not_named_weigh_nothing() -> None:
    assert attribute_weights({"dog": 1.5, "0": -1.0}, PETS, 3) == (-1.0, 1.5, 0.0)
