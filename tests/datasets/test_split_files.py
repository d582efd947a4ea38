"""Split files: made of manifests and of folders of pairs, read back by what trains."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from facesynth.core.errors import ConfigError, OutputError, UsageError
from facesynth.datasets.manifest import MANIFEST_NAME, Description, Sample, write_manifest
from facesynth.datasets.pairs import find_pairs
from facesynth.datasets.split_files import MadeSplit, SplitPlan, make_split
from facesynth.datasets.splitting import Split, divide, drawn
from tests.drawn_pairs import write_pairs
from tests.fed_pipes import fed_pipe


def sample(number: int) -> Sample:
    """The face of a number: three in four have an identity, five in six a side in `official`."""
    sides = ("train", "train", "train", "validation", "test")
    return Sample(
        name=f"{number:03}",
        image=Path(f"/nowhere/{number:03}.png"),
        sha256="0" * 64,
        identity=None if number % 4 == 0 else str(number % 17),
        split={} if number % 6 == 5 else {"official": sides[number % 6], "index": "train"},
    )


def dataset(folder: Path, samples: Iterable[Sample]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder / MANIFEST_NAME, Description(name="drawn"), samples)
    return folder / MANIFEST_NAME


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return dataset(tmp_path / "drawn", (sample(number) for number in range(120)))


def test_a_manifest_is_divided_and_written(manifest: Path, tmp_path: Path) -> None:
    made = make_split(manifest, SplitPlan(fractions=(0.8, 0.1, 0.1), seed=5))
    names = [f"{number:03}" for number in range(120)]
    assert made.split == divide(((name, name) for name in names), (0.8, 0.1, 0.1), 5)
    assert [len(made.split.names(side)) for side in ("train", "validation", "test")] == [96, 12, 12]
    assert not made.notes
    path = tmp_path / "new" / "split.json"
    made.write(path)
    content = json.loads(path.read_text())
    head = {key: value for key, value in content.items() if key not in ("train", "validation", "test")}
    assert head == {
        "format": "facesynth-split-1",
        "dataset": "drawn",
        "seed": 5,
        "by": "name",
        "fractions": [0.8, 0.1, 0.1],
    }
    assert Split.read(path) == made.split


def test_the_same_again_is_the_same_bytes_whatever_the_manifest_s_order(manifest: Path, tmp_path: Path) -> None:
    turned = dataset(tmp_path / "turned", (sample(number) for number in reversed(range(120))))
    for plan in (SplitPlan(seed=3, sample=50), SplitPlan(seed=3, sample=50, by="identity")):
        files = [tmp_path / f"{index}.json" for index in range(3)]
        for path, target in zip(files, (manifest, manifest.parent, turned), strict=True):
            make_split(target, plan).write(path)
        assert len({path.read_bytes() for path in files}) == 1


def test_by_identity_nobody_is_on_two_sides_and_the_rest_stand_alone(manifest: Path) -> None:
    made = make_split(manifest, SplitPlan(by="identity", seed=1))
    identity = {sample(number).name: sample(number).identity for number in range(120)}
    parts = [made.split.names(side) for side in ("train", "validation", "test")]
    assert frozenset().union(*parts) == identity.keys()
    met = [{identity[name] for name in part} - {None} for part in parts]
    assert not (met[0] & met[1] or met[0] & met[2] or met[1] & met[2])
    assert all(met)
    # Who has no identity is not kept together with the others who have none.
    assert len({index for index, part in enumerate(parts) for name in part if identity[name] is None}) > 1
    assert made.notes == ("30 of 120 faces have no identity: each counts as a person of its own",)


def test_a_person_s_name_is_not_taken_for_a_face_s(tmp_path: Path) -> None:
    # The face named "1" without an identity is not of the person "1".
    faces = [("1", None), *((f"face {number}", "1") for number in range(9))]
    samples = [Sample(name=name, image=Path("/x.png"), sha256="0", identity=person) for name, person in faces]
    target = dataset(tmp_path, samples)
    apart = {
        "1" in make_split(target, SplitPlan(by="identity", fractions=(0.5, 0.5), seed=seed)).split.train
        for seed in range(20)
    }
    assert apart == {True, False}


def test_a_sample_is_drawn_and_divided(manifest: Path) -> None:
    names = [f"{number:03}" for number in range(120)]
    made = make_split(manifest, SplitPlan(fractions=(0.8, 0.2), sample=50, seed=2))
    chosen = made.split.train | made.split.validation
    assert chosen == set(drawn(names, 50, 2))
    assert (len(made.split.train), len(made.split.validation), len(made.split.test)) == (40, 10, 0)
    with pytest.raises(UsageError, match="121 faces cannot be drawn from 120"):
        make_split(manifest, SplitPlan(sample=121))


def test_the_dataset_s_own_sides_become_a_file(manifest: Path, tmp_path: Path) -> None:
    made = make_split(manifest, SplitPlan(division="official"))
    for side in ("train", "validation", "test"):
        expected = {sample(number).name for number in range(120) if sample(number).split.get("official") == side}
        assert made.split.names(side) == expected
    assert made.notes == ("20 of 120 faces are on no side of official: left out",)
    made.write(tmp_path / "split.json")
    content = json.loads((tmp_path / "split.json").read_text())
    assert (content["from"], content["seed"], content["fractions"]) == ("official", None, None)
    some = make_split(manifest, SplitPlan(division="official", sample=30)).split
    assert len(some.train | some.validation | some.test) == 30
    assert some.train <= made.split.train and some.test <= made.split.test
    with pytest.raises(UsageError, match="no split named published; it has: index, official"):
        make_split(manifest, SplitPlan(division="published"))


def test_a_folder_of_pairs_is_divided_by_its_names(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "pairs", 10, size=16)
    made = make_split(folder, SplitPlan(fractions=(0.7, 0.3)))
    made.write(tmp_path / "split.json")
    split = Split.read(tmp_path / "split.json")
    assert split.train | split.validation == {pair.name for pair in find_pairs(folder)}
    assert (len(split.train), len(split.validation), made.dataset) == (7, 3, "pairs")
    with pytest.raises(UsageError, match="none of its faces has an identity"):
        make_split(folder, SplitPlan(by="identity"))
    with pytest.raises(UsageError, match="no split named official; it has none of its own"):
        make_split(folder, SplitPlan(division="official"))


def test_too_few_faces_for_a_side_are_a_note(tmp_path: Path) -> None:
    made = make_split(dataset(tmp_path, [sample(1), sample(2)]), SplitPlan(fractions=(0.9, 0.05, 0.05)))
    assert made.notes == tuple(f"no face is left for {side}: there are too few" for side in ("validation", "test"))


def test_what_cannot_be_divided_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        make_split(tmp_path / "nowhere", SplitPlan())
    with pytest.raises(UsageError, match=r"no dataset\.jsonl in it, nor images/ and labels/"):
        make_split(tmp_path, SplitPlan())
    with pytest.raises(UsageError, match="no faces in it"):
        make_split(dataset(tmp_path / "empty", []), SplitPlan())
    with pytest.raises(ConfigError, match="a second face is named '001'"):
        make_split(dataset(tmp_path / "twice", [sample(1), sample(2), sample(1)]), SplitPlan())
    (tmp_path / "other.txt").write_text("hello")
    with pytest.raises(ConfigError, match="not a dataset's manifest"):
        make_split(tmp_path / "other.txt", SplitPlan())
    odd = Sample(name="a", image=Path("/x.png"), sha256="0", split={"official": "dev"})
    with pytest.raises(ConfigError, match="official has a side 'dev'"):
        make_split(dataset(tmp_path / "odd", [odd]), SplitPlan(division="official"))


def test_other_files_are_never_written_over(manifest: Path, tmp_path: Path) -> None:
    made = make_split(manifest, SplitPlan())
    before = manifest.read_bytes()
    with pytest.raises(OutputError, match="another file is there"):
        made.write(manifest)
    assert manifest.read_bytes() == before
    path = tmp_path / "split.json"
    MadeSplit(Split(frozenset("a"), frozenset("b")), "old", SplitPlan()).write(path)
    made.write(path)
    assert Split.read(path) == made.split
    assert {entry.name for entry in tmp_path.iterdir()} == {"drawn", "split.json"}
    with pytest.raises(OutputError, match="cannot be written"):
        made.write(path / "below" / "split.json")
    with fed_pipe(tmp_path / "pipe", path.read_text()) as pipe:
        with pytest.raises(OutputError, match="another file is there"):
            made.write(pipe)
        assert pipe.is_fifo()
