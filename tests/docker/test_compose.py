"""compose.yaml: nobody but this machine is let in, and what runs may do little. Its schema is CI's to check."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from facesynth.cli.main import cli

DOCKER = Path(__file__).parents[2] / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
DOCKERFILE = (DOCKER / "Dockerfile").read_text("utf-8")


def with_defaults(value: str) -> str:
    """A value as compose fills it in where nothing is set."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)


def test_up_alone_starts_one_service_and_each_profile_its_own() -> None:
    [line] = [line for line in (DOCKER / ".env").read_text().splitlines() if not line.startswith("#")]
    assert line == "COMPOSE_PROFILES=cpu"
    assert {name: service["profiles"] for name, service in SERVICES.items()} == {
        "studio": ["cpu"],
        "studio-gpu": ["gpu"],
    }
    assert SERVICES["studio-gpu"]["deploy"]["resources"]["reservations"]["devices"][0]["driver"] == "nvidia"
    assert "deploy" not in SERVICES["studio"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_for_this_machine_and_may_do_little(name: str) -> None:
    service = SERVICES[name]
    assert [with_defaults(port) for port in service["ports"]] == ["127.0.0.1:7860:7860"]
    assert with_defaults(service["environment"]["FACESYNTH_TOKEN"]) == "random"
    assert service["environment"]["FACESYNTH_OFFLINE"] == "1"
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not with_defaults(service["user"]).startswith("0")
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc"} & service.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_fits_its_image(name: str) -> None:
    service = SERVICES[name]
    assert f"AS {service['build']['target']}\n" in DOCKERFILE
    volumes = {volume.split(":")[1] for volume in service["volumes"]}
    declared = re.search(r"^VOLUME (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert declared and volumes == set(yaml.safe_load(declared[1]))
    assert set(COMPOSE["volumes"]) == {volume.split(":")[0] for volume in service["volumes"]}
    assert "/tmp:" in service["tmpfs"][0]  # HOME, and Numba's cache
    asked = [with_defaults(word) for word in service["command"]]
    assert CliRunner().invoke(cli, [*asked, "--help"]).exit_code == 0
    assert with_defaults(service["healthcheck"]["test"][-1]).count("http://127.0.0.1:7860/readyz") == 1


def test_the_default_target_is_the_one_for_a_gpu() -> None:
    assert re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "cuda"


def test_the_build_sees_what_the_dockerfile_copies() -> None:
    shown = {line[1:] for line in (DOCKER.parent / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [shlex.split(line)[1] for line in DOCKERFILE.splitlines() if re.match(r"COPY docker/", line)]
    assert len(copied) == 4
    assert all(Path(each).match(pattern) for each in copied for pattern in shown if pattern.startswith("docker/"))
    assert all((DOCKER.parent / each).is_file() for each in copied)
