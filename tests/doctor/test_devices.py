"""torch beside torchvision, GPUs, and the driver, by stand-ins for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.doctor import Check, devices

TORCH = """
__version__ = "2.15.0+cpu"
class version: cuda = None
class cuda: is_available = staticmethod(lambda: False)
class backends:
    class mps: is_available = staticmethod(lambda: False)
class tensor(list):
    def tolist(self): return list(self)
class ones:
    def __init__(self, *size, device): self.device = device
    def sum(self): return self
    def item(self): return 4
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
    mem_get_info = staticmethod(lambda index: (FREE << 30, 141 << 30))
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
    (check,) = devices.check_torch()
    assert (check.name, check.state) == ("torch", "problem")
    assert "operator torchvision::nms does not exist" in check.found
    assert "pip uninstall -y torch torchvision && pip install torch torchvision" in str(check.advice)


def test_names_a_missing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = "raise ModuleNotFoundError(\"No module named 'torchvision'\")"
    torches(tmp_path, monkeypatch, torch=TORCH, torchvision=gone)
    (check,) = devices.check_torch()
    assert (check.state, check.advice) == ("problem", "run: pip install torch torchvision")


def test_another_fault_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torches(tmp_path, monkeypatch, torch="raise OSError('libcudart.so.13: cannot open')", torchvision="")
    (check,) = devices.check_torch()
    assert check.state == "problem"
    assert "libcudart.so.13" in check.found


def test_an_operator_that_computes_wrongly_is_no_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torches(tmp_path, monkeypatch, torch=TORCH, torchvision=TORCHVISION.replace("[0]", "[0, 1]"))
    assert [check.state for check in devices.check_torch()] == ["problem"]


def test_a_pair_that_fits_is_told_with_its_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    torches(tmp_path, monkeypatch, torch=TORCH, torchvision=TORCHVISION)
    pair, device = devices.check_torch()
    assert pair == Check("torch", "ok", "torch 2.15.0+cpu, torchvision 0.29.2, one fits the other")
    assert (device.state, "cpu (" in device.found) == ("ok", True)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    _, device = devices.check_torch()
    assert device.state == "warning"
    assert "built without CUDA" in str(device.advice)


@pytest.mark.parametrize(("free", "state"), [("140", "ok"), ("0", "warning")])
def test_a_gpu_is_told_with_the_memory_that_is_free(
    free: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torches(tmp_path, monkeypatch, torch=GPU.replace("FREE", free), torchvision=TORCHVISION)
    _, device = devices.check_torch()
    told = "140.0 GiB" if free == "140" else "0 MiB"
    assert device.found.startswith(f"cuda:0 (H200, {told} of 141 GiB free), cpu (")
    assert device.state == state


def test_a_gpu_that_cannot_compute_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = (
        GPU.replace("FREE", "9") + "def ones(*size, device): raise RuntimeError('no kernel image is available\\nx')"
    )
    torches(tmp_path, monkeypatch, torch=broken, torchvision=TORCHVISION)
    _, device = devices.check_torch()
    assert device.state == "problem"
    assert device.found.endswith("cuda:0: no kernel image is available")
    assert "--device cpu" in str(device.advice)


def test_what_torch_says_of_an_old_driver_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = "import warnings\n" + TORCH.replace(
        "lambda: False)\nclass backends",
        "lambda: warnings.warn('the driver is too old (found version 12020)'))\nclass backends",
    )
    assert "too old" in old
    torches(tmp_path, monkeypatch, torch=old, torchvision=TORCHVISION)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    _, device = devices.check_torch()
    assert (device.state, "found version 12020" in device.found) == ("warning", True)


def nvidia_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def test_the_driver_tells_its_version_and_its_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, "echo 590.10, H200, 143771 MiB; echo 590.10, H100, 81559 MiB")
    assert list(devices.check_driver()) == [Check("driver", "ok", "NVIDIA 590.10: H200, 143771 MiB; H100, 81559 MiB")]


def test_a_driver_that_fails_is_told_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi(tmp_path, monkeypatch, "echo Failed to initialize NVML: Driver/library version mismatch; exit 18")
    (check,) = devices.check_driver()
    assert (check.state, "version mismatch" in check.found, "restart" in str(check.advice)) == ("warning", True, True)


def test_a_container_without_a_gpu_is_told_how_to_hand_one_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    for marks, told in (((tmp_path / "absent",), False), ((tmp_path,), True)):
        monkeypatch.setattr(devices, "CONTAINER_MARKS", marks)
        (check,) = devices.check_driver()
        assert (check.state, "docker run --gpus all" in str(check.advice)) == ("absent", told)


def test_a_python_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torches(tmp_path, monkeypatch, torch="import time; time.sleep(60)")
    (slow,) = devices.check_torch(timeout=0.5)
    (absent,) = devices.check_torch(str(tmp_path / "no-python"))
    assert [slow.state, absent.state] == ["problem", "problem"]


def test_the_installed_pair_fits() -> None:
    assert "problem" not in [check.state for check in devices.check_torch()]
