"""Dividing names: what holds for every set of faces, and what a split file may be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesynth.core.errors import ConfigError, UsageError
from facesynth.datasets import splitting
from facesynth.datasets.manifest import SIDES
from facesynth.datasets.splitting import Split, divide, drawn
from tests.fed_pipes import fed_pipe

ROOT = Path(__file__).parents[2]

names = st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=60)
seeds = st.integers(0, 2**63)
shares = st.sampled_from([(0.8, 0.1, 0.1), (0.8, 0.2), (1.0,), (0.5, 0.25, 0.25), (0.0, 1.0), (1 / 3, 1 / 3, 1 / 3)])
people = st.dictionaries(st.text(min_size=1, max_size=6), st.sampled_from("ABCDEFGHIJ"), max_size=60)


def each_alone(faces: list[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in faces]


def sides(split: Split) -> tuple[frozenset[str], ...]:
    return tuple(split.names(side) for side in SIDES)


@given(names, shares, seeds)
def test_sides_are_disjoint_complete_and_exact(faces: list[str], fractions: tuple[float, ...], seed: int) -> None:
    parts = sides(divide(each_alone(faces), fractions, seed))
    assert sum(len(part) for part in parts) == len(faces)
    assert frozenset().union(*parts) == frozenset(faces)
    for part, share in zip(parts, (*fractions, 0, 0), strict=False):
        assert abs(len(part) - share * len(faces)) <= 1
    assert len(parts[0]) == int(fractions[0] * len(faces) + 0.5)


@given(names, shares, seeds, st.randoms())
def test_the_order_does_not_matter(faces: list[str], fractions: tuple[float, ...], seed: int, random: object) -> None:
    shuffled = list(faces)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert divide(each_alone(faces), fractions, seed) == divide(each_alone(shuffled), fractions, seed)


@given(names, names, shares, seeds)
def test_no_more_change_sides_at_a_cut_than_are_added(
    faces: list[str], more: list[str], fractions: tuple[float, ...], seed: int
) -> None:
    added = [name for name in more if name not in set(faces)]
    before = sides(divide(each_alone(faces), fractions, seed))
    after = sides(divide(each_alone(faces + added), fractions, seed))
    moved = sum(not any(name in old and name in new for old, new in zip(before, after, strict=True)) for name in faces)
    assert moved <= len(added) * (len(fractions) - 1)


@given(people, shares, seeds)
def test_by_identity_nobody_is_on_two_sides(
    identities: dict[str, str], fractions: tuple[float, ...], seed: int
) -> None:
    parts = sides(divide(identities.items(), fractions, seed))
    met = [{identities[name] for name in part} for part in parts]
    assert not (met[0] & met[1] or met[0] & met[2] or met[1] & met[2])
    assert sum(len(part) for part in parts) == len(identities)
    largest = max((list(identities.values()).count(person) for person in identities.values()), default=0)
    wanted = 0.0
    for index, share in enumerate(fractions):
        wanted += share * len(identities)
        assert abs(sum(len(part) for part in parts[: index + 1]) - wanted) <= largest / 2 + 0.5


@given(seeds)
def test_another_seed_is_another_split(seed: int) -> None:
    faces = [f"face {number}" for number in range(60)]
    assert divide(each_alone(faces), (0.5, 0.5), seed) != divide(each_alone(faces), (0.5, 0.5), seed + 1)


@given(names, st.integers(1, 60), st.integers(1, 60), seeds)
def test_a_larger_sample_only_adds(faces: list[str], one: int, other: int, seed: int) -> None:
    small, large = sorted((one, other))
    assert set(drawn(faces, small, seed)) <= set(drawn(faces, large, seed)) <= set(faces)
    assert len(drawn(faces, small, seed)) == min(small, len(faces))
    assert drawn(faces[::-1], small, seed) == drawn(faces, small, seed)


def test_the_shares_are_those_of_all_names_whatever_they_look_like() -> None:
    # Numbers in a row and names with a common beginning are spread like any others.
    split = divide(each_alone([f"{number:05}" for number in range(10_000)]), (0.5, 0.5), 0)
    first_half = sum(name < "05000" for name in split.train)
    assert 2300 < first_half < 2700


def test_a_seed_s_split_is_the_same_tomorrow() -> None:
    """A golden result: a change would silently move faces that were held out into training."""
    split = divide(each_alone([f"{number:05}" for number in range(20)]), (0.8, 0.1, 0.1), 7)
    assert sorted(split.validation) == ["00000", "00004"]
    assert sorted(split.test) == ["00017", "00018"]
    assert drawn((f"{number:05}" for number in range(20)), 3, 7) == ["00002", "00012", "00009"]


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((0.8, 0.1), "sum to 0.9"),
        ((0.8, 0.3), "sum to 1.1"),
        ((), "one to three"),
        ((0.25, 0.25, 0.25, 0.25), "one to three"),
        ((1.2, -0.2), "from 0 to 1"),
        ((float("nan"), 1.0), "from 0 to 1"),
    ],
)
def test_wrong_fractions_are_refused(fractions: tuple[float, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        divide([("a", "a")], fractions, 0)


def test_a_name_that_comes_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="two faces are named b"):
        divide([("a", "1"), ("b", "2"), ("b", "3")], (0.5, 0.5), 0)


def test_split_files_of_every_age_are_read(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    for content, test in (
        ({"train": ["a"], "validation": ["b"], "excluded": ["c"], "comment": "as of old"}, frozenset()),
        ({"format": "facesynth-split-1", "train": ["a"], "validation": ["b"], "test": ["c"]}, frozenset("c")),
    ):
        path.write_text(json.dumps(content))
        assert Split.read(path) == Split(frozenset("a"), frozenset("b"), test)
    known = json.loads((ROOT / "pipelines/splits/celebamask-830.json").read_text())
    split = Split.read(ROOT / "pipelines/splits/celebamask-830.json")
    assert split.train == set(known["train"]) and split.validation == set(known["validation"]) and not split.test
    assert not (split.train | split.validation) & set(known["excluded"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"train": ["a"], "validation": ["a"]}', "a is in train and in validation"),
        ('{"train": ["a"], "validation": [], "test": ["a"]}', "a is in train and in test"),
        ('{"train": [], "validation": ["b"], "test": ["b"]}', "b is in validation and in test"),
        ('{"format": "other-1", "train": [], "validation": []}', "its format is 'other-1'"),
        ('{"train": "abc", "validation": []}', "a side is a list of names"),
        ('{"train": [1], "validation": []}', "a side is a list of names"),
        ('{"train": []}', "not a split file"),
        ("[]", "not a split file"),
        ("no JSON", "not a split file"),
    ],
)
def test_what_is_no_split_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        Split.read(path)
    assert caught.value.where == str(path)


def test_a_pipe_is_not_read_and_a_file_without_end_not_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '{"train": ["a"], "validation": ["b"]}'
    (tmp_path / "split.json").write_text(text)
    assert Split.read(tmp_path / "split.json").train == {"a"}
    monkeypatch.setattr(splitting, "MAX_BYTES", len(text) - 1)
    with pytest.raises(ConfigError, match="it has more than"):
        Split.read(tmp_path / "split.json")
    monkeypatch.undo()
    with fed_pipe(tmp_path / "pipe", text) as pipe, pytest.raises(ConfigError, match="it is no ordinary file"):
        Split.read(pipe)
