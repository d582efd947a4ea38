from __future__ import annotations

import json
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from click.testing import CliRunner

from facesynth import doctor, weights
from facesynth.cli.doctor import doctor as command
from facesynth.doctor import Check

TORCH = """
__version__ = "2.15.0+cpu"
class version: cuda = None
class cuda: is_available = staticmethod(lambda: False)
class backends:
    class mps: is_available = staticmethod(lambda: False)
class tensor(list):
    def tolist(self): return list(self)
"""
TORCHVISION = """
__version__ = "0.29.2"
class ops: nms = staticmethod(lambda boxes, scores, limit: type(boxes)([0]))
"""
MISMATCH = """raise RuntimeError("operator torchvision::nms does not exist")"""
GPU = (
    TORCH
    + """
class cuda:
    is_available = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    class get_device_properties:
        name, total_memory = "H200", 141 << 30
        def __init__(self, index): pass
"""
)


def torches(folder: Path, monkeypatch: pytest.MonkeyPatch, **sources: str) -> None:
    """Put modules of these sources before the real ones, in the process that the doctor starts."""
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_recognises_a_torch_beside_another_machines_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torches(tmp_path, monkeypatch, torch=TORCH, torchvision=MISMATCH)
    (check,) = doctor.check_torch()
    assert (check.name, check.state) == ("torch", "problem")
    assert "operator torchvision::nms does not exist" in check.found
    assert "pip uninstall -y torch torchvision && pip install torch torchvision" in str(check.advice)


def test_names_a_missing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = "raise ModuleNotFoundError(\"No module named 'torchvision'\")"
    torches(tmp_path, monkeypatch, torch=TORCH, torchvision=gone)
    (check,) = doctor.check_torch()
    assert (check.state, check.advice) == ("problem", "run: pip install torch torchvision")


def test_another_fault_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torches(tmp_path, monkeypatch, torch="raise OSError('libcudart.so.13: cannot open')", torchvision="")
    (check,) = doctor.check_torch()
    assert check.state == "problem"
    assert "libcudart.so.13" in check.found


def test_an_operator_that_computes_wrongly_is_no_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torches(tmp_path, monkeypatch, torch=TORCH, torchvision=TORCHVISION.replace("[0]", "[0, 1]"))
    assert [check.state for check in doctor.check_torch()] == ["problem"]


def test_a_pair_that_fits_is_told_with_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    torches(tmp_path, monkeypatch, torch=TORCH, torchvision=TORCHVISION)
    pair, device = doctor.check_torch()
    assert pair == Check("torch", "ok", "torch 2.15.0+cpu, torchvision 0.29.2, one fits the other")
    assert (device.state, "cpu (" in device.found) == ("ok", True)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    _, device = doctor.check_torch()
    assert device.state == "warning"
    assert "built without CUDA" in str(device.advice)
    torches(tmp_path, monkeypatch, torch=GPU)
    _, device = doctor.check_torch()
    assert device.state == "ok"
    assert device.found.startswith("cuda:0 (H200, 141 GiB), cpu (")


def test_a_python_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torches(tmp_path, monkeypatch, torch="import time; time.sleep(60)")
    (slow,) = doctor.check_torch(timeout=0.5)
    (absent,) = doctor.check_torch(str(tmp_path / "no-python"))
    assert [slow.state, absent.state] == ["problem", "problem"]


def test_the_installed_pair_fits() -> None:
    assert "problem" not in [check.state for check in doctor.check_torch()]


def test_a_missing_package_is_named_by_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", {"numpy": "numpy", "no_such_module": "no-such"})
    fine, missing = doctor.check_packages()
    assert fine.state == "ok"
    assert missing == Check("no-such", "problem", "not installed", "run: pip install no-such")


def test_a_folder_is_tried_without_being_made(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"
    check = doctor.check_disk("cache", folder)
    assert check.state in ("ok", "warning")
    assert str(folder) in check.found
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    check = doctor.check_disk("cache", tmp_path / "file" / "cache")
    assert (check.state, check.advice) == ("problem", "choose another folder: --cache DIR")


@pytest.mark.parametrize(("free", "state"), [(0.5, "problem"), (3, "warning"), (50, "ok")])
def test_a_full_disk_is_told(free: float, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(0, 0, int(free * doctor.GIB)))
    assert doctor.check_disk("cache", tmp_path).state == state


def test_weights_are_verified_and_only_needed_ones_are_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def entry(name: str, **fields: object) -> weights.WeightsFile:
        plain = {"kind": "parser", "file": "x", "licence": "CC0", "about": "", "sha256": "0" * 64, "size": 1}
        return weights.WeightsFile(name=name, **(plain | fields))  # type: ignore[arg-type]

    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "cut").write_bytes(b"?")
    there = {
        "here": weights.manifest()["dlib-mmod"],
        "bundled": entry("bundled"),
        "other": entry("other", url="https://example.org/x", optional=True),
        "cut": entry("cut", url="https://example.org/cut", file="cut", optional=True),
    }
    monkeypatch.setattr("facesynth.weights.manifest", lambda: there)
    here, bundled, other, cut = doctor.check_weights()
    assert [check.state for check in (here, bundled, other, cut)] == ["ok", "problem", "absent", "problem"]
    assert other.advice == "run: facesynth weights fetch other"
    assert str(tmp_path / "cut") in cut.found


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
