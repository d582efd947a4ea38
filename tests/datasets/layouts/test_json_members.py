"""A large JSON object read member by member is what json reads at once, and damage is told."""

from __future__ import annotations

import json
import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from facesynth.datasets.layouts.json_members import read_members


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "large.json"


def drawn_value(drawn: random.Random, depth: int = 0) -> Any:
    kind = drawn.randrange(8 if depth < 4 else 6)
    if kind == 6:
        return [drawn_value(drawn, depth + 1) for _ in range(drawn.randrange(5))]
    if kind == 7:
        return {f'"{index}}}': drawn_value(drawn, depth + 1) for index in range(drawn.randrange(5))}
    scalars = (None, True, drawn.randrange(10**9), drawn.random() * 1e9, "", '\\"{名\n' * drawn.randrange(2000))
    return scalars[kind]


@pytest.mark.parametrize("indent", [None, 3])
def test_members_are_those_that_json_reads(indent: int | None, file: Path) -> None:
    drawn = random.Random(3)
    content = {f"key {index}": drawn_value(drawn) for index in range(400)}
    file.write_text(json.dumps(content, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
    assert file.stat().st_size > 5 * 65_536  # more than is read at once
    assert dict(read_members(file)) == content


def test_numbers_that_fall_between_two_reads_stay_whole(file: Path) -> None:
    content = {str(index): index * 1_234_567 for index in range(20_000)}
    for shift in range(12):
        file.write_text(" " * shift + json.dumps(content))
        assert dict(read_members(file)) == content


@pytest.mark.parametrize("text", ["{}", " { } ", '{"a": 1}\n'])
def test_small_objects_are_read(text: str, file: Path) -> None:
    file.write_text(text)
    assert dict(read_members(file)) == json.loads(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "at its beginning: it ends too soon"),
        ("[1]", "at its beginning: no object"),
        ('{"a": 1', "at its beginning: it ends too soon"),
        ('{"a": 1, ', "behind 'a': "),
        ('{"a": 1,}', "behind 'a': "),
        ('{"a": 1 "b": 2}', "at its beginning: no comma"),
        ('{"a" 1}', "at its beginning: no key"),
        ("{1: 1}", "at its beginning: no key"),
        ('{"a": 1} x', "behind 'a': more follows"),
        ('{"a": 1, "b": ' + "[" * 50_000, "behind 'a': nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "at its beginning: "),
    ],
)
def test_damage_is_told_with_its_place(text: str, fault: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(ValueError, match=fault):
        dict(read_members(file))


def test_what_is_no_text_is_told(file: Path) -> None:
    file.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ValueError, match="no text"):
        dict(read_members(file))


def test_a_member_that_never_ends_is_not_read_to_its_end(file: Path) -> None:
    with file.open("w") as out:
        out.write('{"a": 1, "b": "')
        out.writelines("x" * 1_000_000 for _ in range(30))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="behind 'a': Unterminated string"):
            dict(read_members(file))
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()
