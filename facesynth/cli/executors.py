"""From --devices, --executor and --ray-address to who computes what is missing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from facesynth.cli.worker_process import prepare_worker

if TYPE_CHECKING:
    from facesynth.pipeline.executor import Executor

EXECUTORS = ("local", "ray")


def refuse_executor(executor: str, devices: int | None, ray_address: str | None, device: str) -> None:
    """Raise UsageError for options that contradict one another."""
    if ray_address is not None and executor != "ray":
        raise click.UsageError("--ray-address is for --executor ray")
    if (":" in device or device == "mps") and (executor == "ray" or (devices or 1) > 1):
        raise click.UsageError(f"--device {device} is one device: for several of them use --device cuda or cpu")


def chosen_executor(
    executor: str,
    devices: int | None,
    ray_address: str | None,
    *,
    root: Path,
    device: str,
    workers: int,
    note: Callable[[str], None],
) -> AbstractContextManager[Executor]:
    """Who computes, to be used as a context; processes are not started before there is something to compute."""
    if executor == "ray":
        from facesynth.pipeline.fleet.on_ray import on_ray

        return on_ray(devices, root, address=ray_address, device=device, threads=workers, note=note)
    if devices is None or devices == 1:
        from facesynth.pipeline.in_process import IN_PROCESS

        return contextlib.nullcontext(IN_PROCESS)
    from facesynth.pipeline.fleet.processes import processes

    return processes(devices, root, device=device, threads=workers, note=note, begin=prepare_worker)
