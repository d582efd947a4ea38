"""What a dry run tells of a run: its networks, and the disk and memory that it takes, by an estimate."""

from __future__ import annotations

from collections.abc import Iterator

from facesynth.inference.device import resolve_device
from facesynth.models.specs import GeneratorSpec
from facesynth.training.checkpoint import KEPT
from facesynth.training.launch import check_devices
from facesynth.training.memory import footprint, room_on
from facesynth.training.preflight import samples_at_once
from facesynth.training.runs.checks import require_shares
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.runs.spn import SpnRun

_PIXEL = 4
"""Bytes of a packed pixel: three colours, and of pairs a label."""


def appraised(
    config: ParserRun | SpadeRun | SpnRun,
    pairs: int | None,
    device: str,
    devices: int,
    painted_by: GeneratorSpec | None = None,
) -> Iterator[str]:
    """Lines of text; `pairs` is how many (images, of spn) there are to train on, None where that is not known.
    `painted_by` is the generator of a parser's cycle.

    Raises UsageError and DeviceError for devices that cannot be had or do not share the batch out.
    """
    check_devices(device, devices)
    require_shares(config, devices)
    where = resolve_device(device)
    taken = footprint(config, painted_by, device=where.type)
    sizes = ", ".join(f"{name} {count / 1e6:,.2f} M" for name, count in taken.parameters.items())
    yield f"networks: {sizes} parameters"
    disk = f"{(KEPT + 1) * taken.state / 1e6:,.0f} MB of checkpoints"
    if pairs is not None:
        pixel, packed = (_PIXEL - 1, "images") if isinstance(config, SpnRun) else (_PIXEL, "pairs")
        disk += f", {pairs * config.packed_size**2 * pixel / 1e6:,.0f} MB of packed {packed}"
    yield f"disk: about {disk}"
    samples = samples_at_once(config, devices)
    needed, room = taken.of(samples), room_on(where)
    each = f" on each of {devices} devices" if devices > 1 else ""
    told = f"memory: about {needed / 1e9:,.1f} GB for {samples} samples at once{each}"
    if room is not None:
        share = room // devices if where.type == "cpu" else room
        fitting = taken.fitting(share)
        told += f"; {share / 1e9:,.1f} GB are free on {where}, enough for {fitting:,}"
    yield told
