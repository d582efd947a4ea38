"""`facesynth dataset inspect`: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from facesynth.cli.dataset.importing import import_group
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


def import_folder(folder: Path) -> None:
    assert CliRunner().invoke(import_group, ["folder", str(folder)]).exit_code == 0


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
    assert inspected(pairs, "--html", file).exit_code == 0
    assert file.read_text(encoding="utf-8").rstrip().endswith("</html>")


def test_earlier_reports_are_replaced_and_empty_files_filled(pairs: Path, tmp_path: Path) -> None:
    files = (tmp_path / "report.html", tmp_path / "report.json")
    for file in files:
        file.touch()
    pages = set()
    for images in (4, 3):
        assert inspected(pairs, "--html", files[0], "--json", files[1]).exit_code == 0
        assert json.loads(files[1].read_text(encoding="utf-8"))["counts"]["images"] == images
        pages.add(files[0].read_text(encoding="utf-8"))
        for kind in ("images", "labels"):
            (pairs / kind / f"{images - 1}.png").unlink()
    assert len(pages) == 2


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_no_other_file_is_overwritten(option: str, pairs: Path, tmp_path: Path) -> None:
    import_folder(pairs)
    other = tmp_path / "other"
    assert inspected(pairs, "--html" if option == "--json" else "--json", other).exit_code == 0
    os.mkfifo(tmp_path / "pipe")
    for file in (pairs / "images" / "0.png", pairs / "labels" / "0.png", pairs / "dataset.jsonl", other):
        before = file.read_bytes()
        refused = inspected(pairs, option, file)
        assert isinstance(refused.exception, OutputError) and "another file is there" in str(refused.exception)
        assert file.read_bytes() == before and "inspect:" not in refused.output
    assert isinstance(inspected(pairs, option, tmp_path / "pipe").exception, OutputError)


def test_the_json_and_the_page_need_two_files_and_the_page_a_name(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    both = inspected(pairs, "--json", "a", "--html", tmp_path / "pairs" / ".." / "a")
    assert both.exit_code == 2 and "name the same file" in both.output
    page = inspected(pairs, "--html", "-")
    assert page.exit_code == 2 and "only --json can go to stdout" in page.output
    assert [path.name for path in tmp_path.iterdir()] == ["pairs"]


def test_mistakes_are_told_before_anything_is_read(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    unwritable = inspected(pairs, "--html", tmp_path / "file" / "report.html")
    assert isinstance(unwritable.exception, OutputError) and "inspect:" not in unwritable.output
    assert isinstance(inspected(tmp_path / "nowhere").exception, UsageError)
    assert isinstance(inspected(pairs, "--split", "official").exception, UsageError)
    assert inspected(pairs, "--workers", 0).exit_code == 2


def test_a_name_stays_on_its_line_whatever_it_holds(tmp_path: Path) -> None:
    for folder in "ab":
        write_photo(textured_photo(64, 64, 1), tmp_path / folder / "two\nlines\x1b[31m.png")
    (tmp_path / "no\nimage.png").write_bytes(b"")
    told = inspected(tmp_path).stdout.splitlines()
    assert "  same file  a/two\\nlines\\x1b[31m = b/two\\nlines\\x1b[31m" in told
    assert told[-1] == f"  {tmp_path}/no\\nimage.png: the file is empty"


def test_label_maps_of_another_order_are_read_with_its_name(pairs: Path) -> None:
    for path in (pairs / "labels").iterdir():
        Image.fromarray(drawn_labels(int(path.stem)).to_ids("zllrunning")).save(path)
    told = lines(inspected(pairs, "--schema", "zllrunning"))
    assert any(line.startswith("cloth 100 %") for line in told) and told[-1] == "PROBLEMS: none"
    assert isinstance(inspected(pairs, "--schema", "mine").exception, UsageError)


def test_names_that_are_not_unicode_are_printed_escaped(tmp_path: Path) -> None:
    for _ in range(2):
        write_photo(textured_photo(64, 64, 1), tmp_path / "a" / "caf\udce9.png")
        write_photo(textured_photo(64, 64, 1), tmp_path / "b" / "caf\udce9.png")
    result = inspected(tmp_path)
    assert result.exit_code == 0 and "a/caf\\udce9 = b/caf\\udce9" in result.stdout
    group = json.loads(inspected(tmp_path, "--json", "-").stdout)["duplicates"]["groups"][0]
    assert group["copies"][0]["name"] == "a/caf\udce9"
