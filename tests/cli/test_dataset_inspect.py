"""`facesynth dataset inspect`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facesynth.cli.dataset.inspect import inspect
from facesynth.core.errors import OutputError, UsageError
from facesynth.core.image_files import write_photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import LabelMap
from tests.drawn_faces import textured_photo
from tests.drawn_pairs import drawn_labels


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for seed in range(4):
        write_photo(textured_photo(64, 64, seed), tmp_path / "pairs" / "images" / f"{seed}.png")
        write_label_map(drawn_labels(seed), tmp_path / "pairs" / "labels" / f"{seed}.png")
    return tmp_path / "pairs"


def inspected(*arguments: object) -> Result:
    return CliRunner().invoke(inspect, [str(argument) for argument in arguments])


def lines(result: Result) -> list[str]:
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_whole_pairs_end_well_and_are_told_as_a_table(pairs: Path) -> None:
    result = inspected(pairs, "--workers", 2)
    assert result.exit_code == 0
    told = lines(result)
    assert told[0] == "pairs: 4 images, 4 label maps, 4 pairs"
    assert "64×64 4" in told and "DUPLICATES: 0 groups" in told and told[-1] == "PROBLEMS: none"
    assert any(line.startswith("skin 100 %") for line in told)
    assert any(line.startswith("neck_l (necklace) 0 % 0 %") for line in told)
    assert "\x1b" not in result.stdout
    assert "inspect: 4/4" in result.stderr and "inspect" not in inspected(pairs, "--quiet").stderr


def test_wrong_files_are_listed_and_end_with_three(pairs: Path) -> None:
    (pairs / "images" / "2.png").write_bytes(b"x")
    for number in (0, 1):
        write_label_map(LabelMap(drawn_labels(number).ids[:, ::-1]), pairs / "labels" / f"{number}.png")
    result = inspected(pairs)
    assert result.exit_code == 3
    assert f"{pairs / 'images' / '2.png'}: not an image in a format that facesynth reads" in result.stdout
    assert "label maps with left and right swapped: 2 (the subject's left eye" in result.stdout


def test_copies_across_a_split_are_told_last_of_the_duplicates(pairs: Path, tmp_path: Path) -> None:
    shutil.copy(pairs / "images" / "0.png", pairs / "images" / "3.png")
    split = tmp_path / "own.json"
    split.write_text('{"train": ["0", "1", "x"], "validation": ["3"]}')
    told = lines(inspected(pairs, "--split", split))
    assert "SPLIT own IMAGES PAIRS" in told and "train 2 2" in told and "on no side 1" in told
    assert "1 name of the split belong to no face here" in told
    assert "same file 0 = 3 own: train ↔ validation" in told
    assert "1 face lies on SEVERAL SIDES of the split own" in told
    assert not any("DUPLICATES" in line for line in lines(inspected(pairs, "--no-duplicates")))


def test_json_goes_to_a_file_or_takes_the_tables_place(pairs: Path, tmp_path: Path) -> None:
    file = tmp_path / "new" / "report.json"
    result = inspected(pairs, "--json", file)
    assert result.stdout.startswith("pairs: 4 images")
    written = json.loads(file.read_text(encoding="utf-8"))
    printed = json.loads(inspected(pairs, "--json", "-").stdout)
    assert written | {"seconds": 0} == printed | {"seconds": 0} and printed["counts"]["pairs"] == 4
    assert [path.name for path in file.parent.iterdir()] == ["report.json"]


def test_the_page_is_written_whole(pairs: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text("an older one")
    assert inspected(pairs, "--html", file).exit_code == 0
    assert file.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_mistakes_are_told_before_anything_is_read(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    unwritable = inspected(pairs, "--html", tmp_path / "file" / "report.html")
    assert isinstance(unwritable.exception, OutputError) and "inspect:" not in unwritable.output
    assert isinstance(inspected(tmp_path / "nowhere").exception, UsageError)
    assert isinstance(inspected(pairs, "--split", "official").exception, UsageError)
    assert inspected(pairs, "--workers", 0).exit_code == 2


def test_names_that_are_not_unicode_are_printed_escaped(tmp_path: Path) -> None:
    for _ in range(2):
        write_photo(textured_photo(64, 64, 1), tmp_path / "a" / "caf\udce9.png")
        write_photo(textured_photo(64, 64, 1), tmp_path / "b" / "caf\udce9.png")
    result = inspected(tmp_path)
    assert result.exit_code == 0 and "a/caf\\udce9 = b/caf\\udce9" in result.stdout
    group = json.loads(inspected(tmp_path, "--json", "-").stdout)["duplicates"]["groups"][0]
    assert group["copies"][0]["name"] == "a/caf\udce9"
