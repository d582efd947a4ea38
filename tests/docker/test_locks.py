"""What the images are made of: every package with its sha256, and as pyproject.toml asks for it."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = {name: (ROOT / "docker" / f"{name}.lock").read_text("utf-8") for name in ("build", "packages", "torch-cuda")}
EXTRAS = ("engines", "heic", "metrics", "serve", "train")
PLATFORMS = [
    {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": machine, "python_version": version,
     "python_full_version": f"{version}.5"}
    for machine in ("x86_64", "aarch64")
    for version in ("3.11", "3.12", "3.13", "3.14")
]  # fmt: skip


def pins(text: str) -> list[tuple[Requirement, list[str]]]:
    """Each package's line, and the sha256 of its files."""
    joined = re.sub(r" \\\n\s*", " ", text)
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(Requirement(line.split(" --hash=")[0]), re.findall(r"--hash=sha256:(\S+)", line)) for line in lines]


def installed(place: dict[str, str]) -> dict[str, str]:
    """The version of each package that the images hold on a platform."""
    environment = {**default_environment(), **place}
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for name in ("packages", "torch-cuda")
        for pin, _ in pins(LOCKS[name])
        if pin.marker is None or pin.marker.evaluate(environment)  # type: ignore[arg-type]
    }


def asked_for() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in EXTRAS for line in project["optional-dependencies"][extra])]
    return [Requirement(line.replace("opencv-python", "opencv-python-headless")) for line in lines]


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_its_sha256_and_from_nowhere_in_particular(name: str) -> None:
    found = pins(LOCKS[name])
    assert len(found) >= 3
    for pin, hashes in found:
        assert re.fullmatch(r"==[0-9a-z.]+", str(pin.specifier)), pin
        assert hashes and all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in hashes), pin
        assert pin.url is None
    assert "://" not in LOCKS[name] and "index-url" not in LOCKS[name]


@pytest.mark.parametrize("place", PLATFORMS, ids=lambda each: f"{each['platform_machine']}-{each['python_version']}")
def test_they_are_what_pyproject_asks_for(place: dict[str, str]) -> None:
    held = installed(place)
    for wanted in asked_for():
        version = held.get(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted} is in no lock: run docker/lock.sh"
        assert version in wanted.specifier, f"{wanted} is locked at {version}: run docker/lock.sh"


def test_the_desktop_build_of_opencv_and_telemetry_are_left_out() -> None:
    assert not {"opencv-python", "openvino-telemetry"} & installed(PLATFORMS[0]).keys()


def test_torch_comes_apart_from_all_else_and_pip_s_tools_fit() -> None:
    apart = {canonicalize_name(pin.name) for pin, _ in pins(LOCKS["torch-cuda"])}
    assert {"torch", "torchvision", "triton"} <= apart
    assert all(re.match("torch|triton|nvidia-|cuda-", name) for name in apart)
    assert not apart & {canonicalize_name(pin.name) for pin, _ in pins(LOCKS["packages"])}
    tools = {canonicalize_name(pin.name): str(pin.specifier) for pin, _ in pins(LOCKS["build"])}
    held = {name: f"=={version}" for name, version in installed(PLATFORMS[0]).items()}
    assert {"pip", "setuptools", "hatchling"} <= tools.keys()
    both = tools.keys() & held.keys()
    assert {name: tools[name] for name in both} == {name: held[name] for name in both}


def test_what_the_locked_packages_need_is_locked_too() -> None:
    """As far as they are installed here, in the locked version: they are put into the images without their own say."""
    held = installed(PLATFORMS[0] | {"python_version": platform.python_version()[:4]})
    left_out = {"opencv-python", "openvino-telemetry"}
    for name, version in held.items():
        try:
            if importlib.metadata.version(name) != version:
                continue
        except importlib.metadata.PackageNotFoundError:
            continue
        needed = [Requirement(line) for line in importlib.metadata.requires(name) or ()]
        missing = [
            need.name
            for need in needed
            if (need.marker is None or need.marker.evaluate({"extra": ""}))
            and canonicalize_name(need.name) not in held.keys() | left_out
        ]
        assert not missing, f"{name} needs {', '.join(missing)}: run docker/lock.sh"
