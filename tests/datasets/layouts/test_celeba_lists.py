"""CelebA's lists: what a half download leaves is not taken for a whole list, and no value is taken that is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from facesynth.core.errors import ConfigError
from facesynth.datasets.layouts.celeba_lists import (
    ATTRIBUTES,
    IDENTITIES,
    LANDMARKS,
    PARTITION,
    identity_rows,
    partition_rows,
    read_attribute_bits,
    read_landmarks,
)
from tests.drawn_field_datasets import celeba_file, celeba_landmarks, write_celeba

NUMBERS = (1, 2, 3, 4, 5, 6)


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    return write_celeba(tmp_path, NUMBERS, images=(1,))


def rows(path: Path) -> list[Any]:
    """Everything that the list says."""
    if path.stem == ATTRIBUTES:
        return list(read_attribute_bits(path)[1])
    readers = {PARTITION: partition_rows, IDENTITIES: identity_rows, LANDMARKS: read_landmarks}
    return list(readers[path.stem](path))


@pytest.mark.parametrize("name", [ATTRIBUTES, LANDMARKS])
def test_fewer_rows_than_the_first_line_counts_are_told(name: str, lists: Path) -> None:
    path = lists / f"{name}.txt"
    text = path.read_text().splitlines(keepends=True)
    path.write_text("".join(text[:-2]))
    with pytest.raises(ConfigError, match="its first line counts 6 rows, there are 4") as caught:
        rows(path)
    assert caught.value.where == str(path)
    path.write_text("".join(["4\n", *text[1:-2]]))
    assert len(rows(path)) == 4


@pytest.mark.parametrize("name", [PARTITION, IDENTITIES, ATTRIBUTES, LANDMARKS])
@pytest.mark.parametrize("cut", range(1, 16))
def test_wherever_a_list_is_cut_nothing_wrong_is_read(name: str, cut: int, lists: Path) -> None:
    path = lists / f"{name}.txt"
    data, told = path.read_bytes(), rows(path)
    path.write_bytes(data[:-cut])
    if cut == 1 and name == ATTRIBUTES:  # a row is whole without its line feed, if its values are
        assert rows(path) == told
        return
    if data[:-cut].endswith(b"\n") and name in (PARTITION, IDENTITIES):  # cut between rows, which nothing counts
        assert rows(path) == told[:-1]
        return
    with pytest.raises(ConfigError, match=r"line|rows") as caught:
        rows(path)
    assert caught.value.where == str(path)


def test_a_cut_identity_is_not_another_person(tmp_path: Path) -> None:
    path = tmp_path / f"{IDENTITIES}.txt"
    path.write_text("000001.jpg 100\n000002.jpg 10017")
    with pytest.raises(ConfigError, match=r"line 2: it has no end.*if it is whole, end its last line"):
        rows(path)


def test_the_whole_partition_needs_no_last_line_feed(tmp_path: Path) -> None:
    path = tmp_path / f"{PARTITION}.txt"
    path.write_text("\n".join(f"{celeba_file(number)} 2" for number in range(1, 202_600)))
    assert len(rows(path)) == 202_599


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e39", "1e400"])
@pytest.mark.parametrize("place", [0, 9])
def test_a_landmark_that_is_no_place_is_told(value: str, place: int, tmp_path: Path) -> None:
    path = tmp_path / f"{LANDMARKS}.txt"
    values = list(map(str, celeba_landmarks(1)))
    values[place] = value
    path.write_text(f"000001.jpg {' '.join(values)}\n")
    with pytest.raises(ConfigError, match="line 1: a row is a file and ten numbers"):
        rows(path)


def test_quotes_around_the_values_of_a_csv_file_are_taken_off(tmp_path: Path) -> None:
    path = tmp_path / f"{PARTITION}.csv"
    path.write_text('"image_id","partition"\n"000001.jpg","0"\n"000002.jpg", 2\n')
    assert rows(path) == [("000001.jpg", "train"), ("000002.jpg", "test")]
    path = tmp_path / f"{ATTRIBUTES}.csv"
    path.write_text('"image_id","Bald","Male"\n"000001.jpg","-1","1"\n')
    assert read_attribute_bits(path)[0] == ("Bald", "Male") and rows(path) == [("000001.jpg", 2)]
