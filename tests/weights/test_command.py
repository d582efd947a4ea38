"""`facesynth weights list|show|fetch|verify`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from safetensors.numpy import save_file

from facesynth import weights
from facesynth.cli.weights import weights as command
from facesynth.core.errors import WeightsDamaged, WeightsMissing
from facesynth.weights import WeightsFile
from tests.weights.conftest import DATA, Server, made


def test_list_marks_the_newest_of_a_kind_that_is_bundled() -> None:
    lines = CliRunner().invoke(command, ["list"], catch_exceptions=False).stdout.splitlines()
    marked = [line.split()[0] for line in lines if line.split()[1] == "*"]
    assert set(marked) == {weights.default_name(kind) for kind in ("parser", "generator")} and len(marked) == 2
    assert all("CC-BY-NC-SA-4.0" in line for line in lines if " bundled " in line)


def test_list_tells_where_each_lies(known: dict[str, WeightsFile], alone: Path) -> None:
    known["toy"] = made(url="https://example.org/toy.bin")
    known["absent"] = made(name="absent", file="b.bin", url="https://example.org/b.bin", licence="CC-BY-4.0")
    alone.mkdir()
    (alone / "toy.bin").write_bytes(DATA)
    lines = CliRunner().invoke(command, ["list"], catch_exceptions=False).stdout.splitlines()
    assert lines[1].split() == ["toy", "parser", "url", "yes", "1.0", "CC0"]
    assert lines[2].split() == ["absent", "parser", "url", "-", "1.0", "CC-BY-4.0"]
    rows = json.loads(CliRunner().invoke(command, ["list", "--json"], catch_exceptions=False).stdout)
    assert [(row["name"], row["here"]) for row in rows] == [("toy", str(alone / "toy.bin")), ("absent", None)]


def test_show_says_how_to_get_it_or_what_is_inside(known: dict[str, WeightsFile], tmp_path: Path) -> None:
    known["toy"] = made(url="https://example.org/toy.bin")
    assert "facesynth weights fetch toy" in CliRunner().invoke(command, ["show", "toy"], catch_exceptions=False).stdout
    path = tmp_path / "x.safetensors"
    save_file({"a": np.zeros(2, dtype=np.float32)}, path, metadata={"licence": "CC BY-NC-SA 4.0"})
    assert "CC BY-NC-SA 4.0" in CliRunner().invoke(command, ["show", str(path)], catch_exceptions=False).stdout
    failed = CliRunner().invoke(command, ["show", "unheard-of"])
    assert isinstance(failed.exception, WeightsMissing) and not failed.output
    path.write_bytes(b"cut")
    failed = CliRunner().invoke(command, ["show", str(path)])
    assert isinstance(failed.exception, WeightsDamaged) and not failed.output


def test_fetch_prints_the_path(known: dict[str, WeightsFile], server: Server, alone: Path) -> None:
    known["toy"] = made(url=f"{server.url}/toy")
    server.files["/toy"] = DATA
    for options in ([], ["--quiet"]):
        result = CliRunner().invoke(command, ["fetch", "toy", *options], catch_exceptions=False)
        assert result.stdout == f"{alone / 'toy.bin'}\n"


def test_verify_ends_with_1_for_damage_and_for_what_is_needed(known: dict[str, WeightsFile], alone: Path) -> None:
    known["toy"] = made(url="https://example.org/toy.bin", optional=True)
    assert CliRunner().invoke(command, ["verify"]).exit_code == 0
    assert CliRunner().invoke(command, ["verify", "toy"]).exit_code == 1
    alone.mkdir()
    (alone / "toy.bin").write_bytes(DATA)
    assert CliRunner().invoke(command, ["verify", "toy"]).exit_code == 0
    (alone / "toy.bin").write_bytes(b"cut")
    result = CliRunner().invoke(command, ["verify"])
    assert (result.exit_code, "DAMAGED  toy" in result.stdout) == (1, True)
