"""Packages that are missing, broken, or crash; and the table of extras."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import MappingProxyType

import pytest

from facesynth.doctor import Check, packages

ROOT = Path(__file__).parents[2]


def known(monkeypatch: pytest.MonkeyPatch, **modules: str) -> None:
    monkeypatch.setattr(packages, "PACKAGES", MappingProxyType(modules))


def broken(folder: Path, monkeypatch: pytest.MonkeyPatch, **sources: str) -> None:
    """Modules of these sources, here and in the process that tries them."""
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def test_a_missing_package_is_named_by_its_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, safetensors="safetensors", no_such_module="no-such")
    fine, missing = packages.check_packages()
    assert fine == Check("safetensors", "ok", importlib.metadata.version("safetensors"))
    assert missing == Check("no-such", "problem", "not installed", "run: pip install no-such")


def test_what_is_installed_and_cannot_be_imported_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = {"cv2": "raise ImportError('libGL.so.1: cannot open shared object file')", "tidy": ""}
    broken(tmp_path, monkeypatch, **sound, crashes="import os; print('x'); os._exit(139)", after="")
    known(monkeypatch, tidy="tidy", cv2="opencv-python", crashes="crashes", after="after")
    tidy, cv2, crashes, after = packages.check_packages()
    assert [tidy.state, cv2.state, crashes.state, after.state] == ["ok", "problem", "problem", "ok"]
    assert "libGL.so.1" in cv2.found and "opencv-python-headless" in str(cv2.advice)
    assert "Python ended with 139" in crashes.found and "--force-reinstall crashes" in str(crashes.advice)


def test_a_package_that_never_loads_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(tmp_path, monkeypatch, sleeps="import time; time.sleep(60)")
    known(monkeypatch, sleeps="sleeps")
    (check,) = packages.check_packages(timeout=1)
    assert (check.state, "no end to it in 1 s" in check.found) == ("problem", True)


def test_all_that_the_project_needs_is_looked_at() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = {re.split(r"[\[><=]", line)[0] for line in project["dependencies"]}
    elsewhere = {"torch", "torchvision"} | {"click", "rich", "rich-click"}  # without these the doctor does not come
    assert set(packages.PACKAGES.values()) == needed - elsewhere


def test_the_doctor_comes_where_what_he_looks_at_is_missing() -> None:
    code = (
        "import sys\nfrom facesynth.doctor import packages\n"
        "sys.modules.update(dict.fromkeys([*packages.PACKAGES, 'torch', 'torchvision']))\n"
        "import facesynth.cli.main, facesynth.cli.doctor\n"
        "from facesynth.doctor import diagnosis\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_extras_are_those_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {
        extra: {re.split(r"[\[><=]", line)[0] for line in lines}
        for extra, lines in project["optional-dependencies"].items()
        if extra != "dev"
    }
    asked["synthetic"].add("random-face")
    told = {extra: {name.replace("_", "-") for name in modules} for extra, modules in packages.EXTRAS.items()}
    assert told == asked
    needed = {re.split(r"[\[><=]", line)[0] for line in project["dependencies"]}
    assert set(packages.PACKAGES.values()) <= needed


def test_an_extra_is_there_whole_or_told_with_what_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    extras = {"serve": ("safetensors",), "synthetic": ("safetensors", "random_face_of_another_name", "random_face")}
    monkeypatch.setattr(packages, "EXTRAS", extras)
    monkeypatch.setattr(packages, "_is_there", lambda module: module == "safetensors")
    whole, partly = packages.check_extras()
    assert whole == Check("extra serve", "ok", f"safetensors {importlib.metadata.version('safetensors')}")
    assert (partly.state, partly.found) == ("absent", "not installed: random-face-of-another-name, random-face")
    assert 'pip install "facesynth[synthetic]" && pip install --no-deps random-face' in str(partly.advice)
