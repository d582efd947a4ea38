"""`facesynth dataset split`: what it writes, what it says, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from facesynth.cli.dataset import dataset
from facesynth.core.errors import UsageError
from facesynth.datasets.manifest import MANIFEST_NAME, Description, Sample, write_manifest
from facesynth.datasets.splitting import Split


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    samples = (
        Sample(
            name=f"{number:02}",
            image=tmp_path / f"{number:02}.png",
            sha256="0",
            identity=str(number // 3),
            split={"official": "test" if number < 5 else "train"},
        )
        for number in range(30)
    )
    write_manifest(tmp_path / MANIFEST_NAME, Description(name="drawn"), samples)
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(dataset, ["split", *map(str, arguments)])


def test_it_writes_the_file_and_counts_the_sides(folder: Path) -> None:
    done = run(folder, "-o", folder / "split.json", "--seed", 4)
    assert (done.exit_code, done.stdout) == (0, f"{folder / 'split.json'}: 24 train, 3 validation, 3 test\n")
    assert len(Split.read(folder / "split.json").train) == 24
    two = run(folder / MANIFEST_NAME, "-o", folder / "two.json", "--fractions", "0.8,0.2", "--by", "identity")
    assert two.stdout.endswith("24 train, 6 validation, 0 test\n")
    assert json.loads((folder / "two.json").read_text())["by"] == "identity"


def test_it_takes_the_dataset_s_own_sides(folder: Path) -> None:
    done = run(folder, "-o", folder / "split.json", "--from", "official", "--sample", 30)
    assert done.stdout.endswith("25 train, 0 validation, 5 test\n")
    assert json.loads((folder / "split.json").read_text())["from"] == "official"
    for more in (("--by", "identity"), ("--fractions", "0.5,0.5")):
        refused = run(folder, "-o", folder / "split.json", "--from", "official", *more)
        assert refused.exit_code == 2 and "leave out --fractions and --by" in refused.stderr


def test_wrong_shares_are_refused(folder: Path) -> None:
    refused = run(folder, "-o", folder / "split.json", "--fractions", "most,some")
    assert refused.exit_code == 2 and "0.8,0.1,0.1" in refused.stderr
    assert isinstance(run(folder, "-o", folder / "split.json", "--fractions", "0.5,0.4").exception, UsageError)
    assert not (folder / "split.json").exists()


def test_notes_go_to_stderr(folder: Path) -> None:
    done = run(folder, "-o", folder / "split.json", "--sample", 2, "--fractions", "0.9,0.1")
    assert done.stderr == "no face is left for validation: there are too few\n"
    assert done.stdout.endswith("2 train, 0 validation, 0 test\n")


def test_a_dash_is_stdout(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(folder, "-o", folder / "split.json", "--seed", 4)
    monkeypatch.chdir(folder)
    done = run(folder, "-o", "-", "--seed", 4)
    assert (done.exit_code, done.stdout) == (0, (folder / "split.json").read_text())
    assert done.stderr == "split: 24 train, 3 validation, 3 test\n"
    assert not (folder / "-").exists()
