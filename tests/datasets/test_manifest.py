"""Manifests: what is written is read, wherever it lies, and damage is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.errors import ConfigError, OutputError
from facesynth.datasets.manifest import Description, Manifest, Sample, write_manifest
from tests.fed_pipes import fed_pipe


def samples(folder: Path) -> list[Sample]:
    return [
        Sample(name="a", image=folder / "images" / "a.png", sha256="1" * 64),
        Sample(
            name="sub/名",
            image=folder / "images" / "sub" / "名.png",
            sha256="2" * 64,
            labels=folder / "labels" / "sub" / "名.png",
            labels_sha256="3" * 64,
            identity="77",
            attributes=("Bangs", "Wearing_Hat"),
            split={"official": "train", "index": "test"},
            landmarks=((1.5, 2.0), (3.0, 4.25)),
        ),
    ]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    about = Description(name="mine", schema="zllrunning", attributes=("Bangs", "Bald", "Wearing_Hat"))
    assert write_manifest(tmp_path / "dataset.jsonl", about, samples(tmp_path)) == 2
    manifest = Manifest.open(tmp_path / "dataset.jsonl")
    assert manifest.about == about
    assert list(manifest) == samples(tmp_path)
    assert list(manifest) == samples(tmp_path)  # as often as one likes


def test_a_dataset_moves_with_its_files(tmp_path: Path) -> None:
    old = tmp_path / "old"
    write_manifest(old / "meta" / "dataset.jsonl", Description(name="mine"), samples(old))
    assert str(old) not in (old / "meta" / "dataset.jsonl").read_text(encoding="utf-8")
    old.rename(tmp_path / "new")
    found = list(Manifest.open(tmp_path / "new" / "meta" / "dataset.jsonl"))
    assert [sample.image.resolve() for sample in found] == [sample.image for sample in samples(tmp_path / "new")]


def test_files_far_away_are_named_absolutely(tmp_path: Path) -> None:
    far = tmp_path / "a" / "b" / "dataset.jsonl"
    write_manifest(far, Description(name="mine"), samples(tmp_path / "c"))
    assert [sample.image for sample in Manifest.open(far)] == [sample.image for sample in samples(tmp_path / "c")]


@pytest.mark.parametrize("made", ["linked", "inside/linked"])
def test_a_manifest_that_is_written_through_a_link_finds_its_files(made: str, tmp_path: Path) -> None:
    (tmp_path / "far" / "away" / "out").mkdir(parents=True)
    folder = tmp_path / "data" / made
    folder.parent.mkdir(parents=True)
    folder.symlink_to(tmp_path / "far" / "away" / "out")
    listed = samples(tmp_path / "data")
    for sample in listed:
        sample.image.parent.mkdir(parents=True, exist_ok=True)
        sample.image.write_bytes(sample.name.encode())
    write_manifest(folder / "dataset.jsonl", Description(name="mine"), listed)
    for place in (folder, folder.resolve()):
        found = Manifest.open(place / "dataset.jsonl")
        assert [sample.image.read_bytes() for sample in found] == [sample.name.encode() for sample in listed]


def test_a_link_above_the_manifest_does_not_fix_it_to_its_place(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "real")
    listed = samples(tmp_path / "linked")
    write_manifest(tmp_path / "linked" / "out" / "dataset.jsonl", Description(name="mine"), listed)
    assert "linked" not in (tmp_path / "real" / "out" / "dataset.jsonl").read_text(encoding="utf-8")


def test_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    head = '{"format": "facesynth-dataset-1", "name": "x"'
    for text, fault in (
        ("", "it is no JSON"),
        ("no JSON\n", "it is no JSON"),
        ("[]\n", "its first line is no object"),
        ('{"format": "other", "name": "x", "schema": "y", "attributes": []}\n', "its format is 'other', not"),
        (head + "}\n", "schema is missing"),
        (head + ', "schema": "facer", "attributes": "Bald"}\n', "attributes is str, not list"),
        ("[" * 100_000 + "\n", "it is nested too deeply"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=rf"not a dataset's manifest \({fault}"):
            Manifest.open(path)
    write_manifest(path, Description(name="mine"), samples(tmp_path))
    path.write_text(
        "\n".join(path.read_text(encoding="utf-8").splitlines()[:2]) + '\n{"name": "cut o', encoding="utf-8"
    )
    rows = iter(Manifest.open(path))
    assert next(rows).name == "a"
    with pytest.raises(ConfigError, match="line 3 is damaged: it is no JSON; import the dataset again"):
        next(rows)


def test_a_writer_that_fails_leaves_the_old_manifest(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    write_manifest(path, Description(name="mine"), samples(tmp_path))
    before = path.read_bytes()

    def failing() -> object:
        yield samples(tmp_path)[0]
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputError, match="No space left"):
        write_manifest(path, Description(name="mine"), failing())  # type: ignore[arg-type]
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["dataset.jsonl"]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (b"[]", "a row is an object"),
        (b'{"name": "b", "sha256": "1"}', "image is missing"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "identity": 7}', "identity is int, not str"),
        (b'{"name": 7, "image": "b.png", "sha256": "1"}', "name is int, not str"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "attributes": "Bald"}', "attributes is str, not list"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "split": []}', "split is list, not dict"),
        # past what is read with line 1
        (b'{"name": "' + b"b" * 20_000 + b'\xff", "image": "b.png", "sha256": "1"}', "it is no JSON"),
        (b'{"name": "a", "image": "b.png", "sha256": "1"}', "a second face is named 'a'"),
        (b'{"name": "\\ud800", "image": "b.png", "sha256": "1"}', "name holds half a character"),
        (b'{"name": "b", "image": "\\ud800.png", "sha256": "1"}', "image holds half a character"),
        (b'{"name": "b", "image": "b\\u0000.png", "sha256": "1"}', "image holds the character 0"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "identity": "\\udfff"}', "identity holds half a character"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "landmarks": [[NaN, 1]]}', "a landmark is 'nan', not a"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "landmarks": [["NaN", 1]]}', "a landmark is 'NaN', not a"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "landmarks": [[1, -Infinity]]}', "a landmark is '-inf'"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "landmarks": [[1, 1' + b"0" * 400 + b"]]}", "too large a"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "landmarks": [[1]]}', "not x and y"),
        (b'{"name": "b", "image": "b.png", "sha256": "1", "landmarks": [5]}', "not x and y"),
        (b"[" * 100_000, "it is nested too deeply"),
    ],
)
def test_wrong_rows_are_named_by_line_with_their_fault(tmp_path: Path, row: bytes, fault: str) -> None:
    path = tmp_path / "dataset.jsonl"
    write_manifest(path, Description(name="mine"), samples(tmp_path)[:1])
    path.write_bytes(path.read_bytes() + row + b"\n")
    with pytest.raises(ConfigError, match=rf"dataset\.jsonl: line 3 is damaged: .*{fault}"):
        list(Manifest.open(path))


def test_an_unknown_schema_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    write_manifest(path, Description(name="mine", schema="theirs"), [])
    with pytest.raises(ConfigError, match=r"dataset\.jsonl: unknown label schema 'theirs'"):
        Manifest.open(path)


def test_a_pipe_is_no_manifest(tmp_path: Path) -> None:
    path = tmp_path / "dataset.jsonl"
    write_manifest(path, Description(name="mine"), samples(tmp_path))
    with (
        fed_pipe(tmp_path / "pipe", path.read_text(encoding="utf-8")) as pipe,
        pytest.raises(ConfigError, match="it is no ordinary file"),
    ):
        Manifest.open(pipe)
