"""Memory, shared memory and disks."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path

import pytest

from facesynth.doctor import machine
from facesynth.doctor.check import GIB

Usage = namedtuple("Usage", "total used free")


def test_a_folder_is_tried_without_being_made(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "yet"
    (check,) = machine.check_disk("cache", folder, "--cache DIR")
    assert check.state in ("ok", "warning")
    assert str(folder) in check.found
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (check,) = machine.check_disk("cache", tmp_path / "file" / "cache", "--cache DIR")
    assert (check.state, check.advice) == ("problem", "choose another folder: --cache DIR")


@pytest.mark.parametrize(("free", "state"), [(0.5, "problem"), (3, "warning"), (50, "ok")])
def test_a_full_disk_is_told(free: float, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(0, 0, int(free * GIB)))
    (check,) = machine.check_disk("cache", tmp_path, "--cache DIR")
    assert check.state == state


@pytest.mark.parametrize(("limit", "state"), [(str(2 * GIB), "warning"), ("max", "ok"), ("not read", "ok")])
def test_a_container_s_limit_is_the_memory(
    limit: str, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "memory.max"
    file.write_text(f"{limit}\n")
    monkeypatch.setattr(machine, "LIMITS", (file, tmp_path))  # a folder cannot be read
    monkeypatch.setattr("os.sysconf", lambda name: 1 << 20 if name == "SC_PHYS_PAGES" else 1 << 14)  # 16 GiB
    (check,) = machine.check_memory()
    assert (check.state, check.found) == (state, "2.0 GiB" if state == "warning" else "16.0 GiB")


@pytest.mark.parametrize(("size", "state"), [(64 << 20, "warning"), (GIB, "ok")])
def test_the_64_mb_of_a_container_are_told(size: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(size, 0, size))
    (check,) = machine.check_shared_memory()
    assert (check.state, "--shm-size" in str(check.advice)) == (state, state == "warning")


def test_without_shared_memory_there_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(machine, "SHARED", tmp_path / "shm")
    (check,) = machine.check_shared_memory()
    assert check.state == "warning"
