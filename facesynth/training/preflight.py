"""Whether a run's steps fit into the memory of its device: said before the first step, or in one error at the first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from facesynth.core.errors import DeviceError
from facesynth.inference.device import tells_no_room
from facesynth.models.specs import GeneratorSpec
from facesynth.training.memory import Footprint, footprint, room_on
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.runs.spn import SpnRun

AnyRun = ParserRun | SpadeRun | SpnRun

_SURELY = 1.5
"""A GPU is tried, as that harms nothing, unless the estimate is so many times what is free."""


def samples_at_once(config: AnyRun, devices: int) -> int:
    """How many samples of a batch each device goes through at once."""
    return config.batch_size // (devices * config.accumulate)


def check_memory(
    config: AnyRun,
    device: torch.device,
    devices: int = 1,
    painted_by: GeneratorSpec | None = None,
    *,
    room_of: Callable[[torch.device], int | None] = room_on,
) -> Footprint:
    """Return what a run takes. DeviceError, with a batch that fits, where that is more than is free on its device.

    `painted_by` is the generator of a parser's cycle.
    On a CPU the estimate decides, for a process that takes too much there is killed without a word.
    """
    taken = footprint(config, painted_by, device=device.type)
    room = room_of(device)
    if room is not None:
        on_each = room // devices if device.type == "cpu" else room
        needed = taken.of(samples_at_once(config, devices))
        if needed > (on_each if device.type == "cpu" else on_each * _SURELY):
            what = f"a batch of {config.batch_size} takes about {needed * devices / 1e9:,.1f} GB, and {device} has "
            total = on_each * devices
            raise _too_large(config, taken, device, devices, f"{what}{total / 1e9:,.1f} GB free", on_each)
    return taken


@contextmanager
def room_to_train(
    config: AnyRun,
    taken: Footprint,
    device: torch.device,
    devices: int = 1,
    *,
    room_of: Callable[[torch.device], int | None] = room_on,
) -> Iterator[None]:
    """What torch says of too little memory becomes a DeviceError with a batch that fits by the estimate."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not tells_no_room(error):
            raise
        room = room_of(device)
        on_each = None if room is None else room // devices if device.type == "cpu" else room
        what = f"a batch of {config.batch_size} does not fit into the memory of {device}"
        raise _too_large(config, taken, device, devices, what, on_each) from error


def _too_large(
    config: AnyRun, taken: Footprint, device: torch.device, devices: int, what: str, room: int | None
) -> DeviceError:
    now = samples_at_once(config, devices)
    fitting = now // 2 if room is None else min(taken.fitting(room), now - 1)
    if fitting < 1:
        hint = "use another --device, --set precision=bf16, or smaller networks"
        return DeviceError(what, where=config.name, hint=hint)
    whole = config.batch_size // devices
    fewer = {"batch_size": fitting * devices}
    if isinstance(config, SpnRun):  # the estimate is of as many generated pictures for each image as there are now
        fewer["generator_batch_size"] = max(1, config.generator_batch_size * fitting * devices // config.batch_size)
    smaller = " ".join(f"--set {name}={count}" for name, count in fewer.items())
    hint = f"about {fitting * devices} fit: {smaller}"
    shares = [count // devices for count in config.shared_out.values()]
    possible = (n for n in range(1, whole + 1) if whole // n <= fitting and all(each % n == 0 for each in shares))
    if (parts := next(possible, None)) is not None:
        hint += f", or the same batch in parts: --set accumulate={parts} --set name=NEW"
    return DeviceError(what, where=config.name, hint=hint)
