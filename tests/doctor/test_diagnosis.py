"""Weights, the command, and that nothing that is broken takes the doctor with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from facesynth import weights
from facesynth.cli.doctor import doctor as command
from facesynth.doctor import Check, diagnose, diagnosis, weights_files


def test_weights_are_verified_and_only_needed_ones_are_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(name: str, **fields: object) -> weights.WeightsFile:
        plain = {"kind": "parser", "file": "x", "licence": "CC0", "about": "", "sha256": "0" * 64, "size": 1}
        return weights.WeightsFile(name=name, **(plain | fields))  # type: ignore[arg-type]

    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "cut").write_bytes(b"?")
    monkeypatch.setitem(sys.modules, "broken_package", sys)  # find_spec raises where a module's __spec__ is None
    monkeypatch.setattr(sys, "__spec__", None)
    url = "https://example.org/x"
    there = {
        "here": weights.manifest()["dlib-mmod"],
        "bundled": entry("bundled"),
        "other": entry("other", url=url, optional=True),
        "wrong": entry("wrong", url=url, file="cut", optional=True),
        "carried": entry("carried", package="broken_package", path="x", pip="broken==1"),
    }
    monkeypatch.setattr("facesynth.weights.manifest", lambda: there)
    here, bundled, other, wrong, carried = weights_files.check_weights()
    states = [check.state for check in (here, bundled, other, wrong, carried)]
    assert states == ["ok", "problem", "absent", "problem", "problem"]
    assert other.advice == "run: facesynth weights fetch other"
    assert str(tmp_path / "cut") in wrong.found and "sha256 begins with" in wrong.found
    assert carried.advice == "run: pip install broken==1"


def test_a_look_that_fails_is_a_finding_and_the_others_are_had(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: object) -> list[Check]:
        raise RuntimeError("all is lost")

    for name in ("check_packages", "check_torch", "check_weights", "check_driver", "check_disk"):
        monkeypatch.setattr(diagnosis, name, fails)
    found = {check.name: check for check in diagnose(tmp_path)}
    assert {"python", "memory", "cache", "extra serve"} <= found.keys()
    for name in ("packages", "torch", "weights", "driver", "cache folder", "fetched weights"):
        assert found[name].state == "problem"
        assert "RuntimeError: all is lost" in found[name].found


def test_the_command_ends_with_1_for_a_problem_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        Check("python", "ok", "3.11"),
        Check("memory", "warning", "1 GiB", "buy more"),
        Check("extra", "absent", "-"),
    ]
    monkeypatch.setattr("facesynth.cli.doctor.diagnose", lambda cache: iter(found))
    result = CliRunner().invoke(command, ["--cache", str(tmp_path)])
    assert (result.exit_code, "→ buy more" in result.stdout, "no problems" in result.stdout) == (0, True, True)
    found.append(Check("torch", "problem", "broken", "mend it"))
    assert CliRunner().invoke(command, ["--cache", str(tmp_path)]).exit_code == 1
    result = CliRunner().invoke(command, ["--cache", str(tmp_path), "--json"])
    told = json.loads(result.stdout)
    assert (result.exit_code, told["problems"], len(told["checks"])) == (1, 1, 4)
    assert told["checks"][-1] == {"name": "torch", "state": "problem", "found": "broken", "advice": "mend it"}


def test_the_doctor_does_not_import_what_may_be_broken() -> None:
    code = "import sys, facesynth.doctor; print(sorted({'torch', 'cv2', 'dlib', 'numpy'} & sys.modules.keys()))"
    tried = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert tried.stdout.strip() == "[]"
