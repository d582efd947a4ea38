"""The wheel holds what a user outside the clone needs, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
BUNDLED = {"pipelines": "pipelines", "weights": "weights", "docs/examples/photos": "photos"}  # folder → name in _data
WEIGHTS_LIMIT = 32 * 1024**2


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    return Path(next(iter(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]))))


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode("utf-8"))


def test_the_wheel_fits_every_platform(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


@pytest.mark.parametrize("folder", BUNDLED)
def test_the_wheel_holds_the_bundled_folders_whole(folder: str, names: set[str]) -> None:
    files = [path.relative_to(ROOT / folder).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()]
    assert files
    assert {f"facesynth/_data/{BUNDLED[folder]}/{file}" for file in files} <= names


def test_the_wheel_holds_every_module_and_nothing_of_the_clone(names: set[str]) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "facesynth").rglob("*.py")}
    assert modules <= names
    assert "facesynth/py.typed" in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"facesynth", *(top for top in tops if top.endswith(".dist-info"))}
    assert not [name for name in names if "__pycache__" in name]


def test_the_wheel_carries_both_licences(names: set[str], metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0 AND CC-BY-NC-SA-4.0"
    assert {name.split(".dist-info/licenses/")[1] for name in names if ".dist-info/licenses/" in name} == {
        "LICENSE",
        "weights/LICENSE",
    }


def test_the_base_install_stays_small(metadata: Message) -> None:
    assert metadata["Requires-Python"] == ">=3.11"
    requirements = [str(line) for line in metadata.get_all("Requires-Dist", [])]
    base = {line.split(">")[0].split("=")[0] for line in requirements if "extra ==" not in line}
    assert {"torch", "torchvision"} <= base
    assert not base & {"fastapi", "lightning-fabric", "openvino", "pytest", "ray", "tensorboard", "torchmetrics"}
    assert {"train", "serve", "metrics", "ray", "synthetic", "dev"} <= set(metadata.get_all("Provides-Extra", []))


def test_the_bundled_weights_stay_within_their_limit() -> None:
    assert sum(path.stat().st_size for path in (ROOT / "weights").rglob("*.safetensors")) <= WEIGHTS_LIMIT


PROBE = """
import facesynth
from facesynth import weights
print(facesynth.__file__)
print(*(entry.name for entry in weights.data_folder("pipelines").iterdir()))
for file in weights.manifest().values():
    if file.source == "bundled":
        print(weights.locate(file.name))
"""


def test_the_package_finds_its_data_outside_the_clone(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    probed = subprocess.run(
        [sys.executable, "-P", "-c", PROBE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert probed.returncode == 0, probed.stderr
    package, pipelines, *located = probed.stdout.splitlines()
    assert Path(package).is_relative_to(site)
    assert "demo.yaml" in pipelines.split()
    assert located
    assert all(Path(path).is_relative_to(site / "facesynth" / "_data") for path in located)
