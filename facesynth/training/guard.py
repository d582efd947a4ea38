"""Sees to it that a run that has diverged stops, and that nothing of it is saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from facesynth.core.errors import TrainingError
from facesynth.training import checkpoint
from facesynth.training.collectives import Ranks
from facesynth.training.folder import RunFolder

_NEVER = 2**62
_NAMED = 3


class Guard:
    """Notes, on the device and without waiting for it, the step in which a loss first was no finite number."""

    def __init__(self, ranks: Ranks) -> None:
        self._ranks = ranks
        self._names: list[str] = []
        self._first: Tensor | None = None
        self._told: tuple[Tensor, torch.cuda.Event] | None = None

    def add(self, losses: Mapping[str, Tensor], shown: int) -> None:
        """Look at the losses of the step after which so many images were shown."""
        values = torch.stack([loss.detach().float() for loss in losses.values()])
        if self._first is None:
            self._names = list(losses)
            self._first = torch.full_like(values, _NEVER, dtype=torch.int64)
        unheard_of = ~torch.isfinite(values) & (self._first == _NEVER)
        self._first = self._first.masked_fill(unheard_of, shown)

    def alarmed(self) -> bool:
        """Whether a loss is known by now to be none; on a GPU that is known some steps later."""
        if self._first is None:
            return False
        if self._first.device.type != "cuda":
            return bool((self._first != _NEVER).any())
        if self._told is None or self._told[1].query():  # type: ignore[no-untyped-call]
            alarmed = self._told is not None and bool(self._told[0])
            flag = (self._first != _NEVER).any().to("cpu", non_blocking=True)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
            self._told = flag, event
            return alarmed
        return False

    def check(self, folder: RunFolder) -> None:
        """Raise TrainingError where a loss was no finite number; waits for the device, and for all ranks."""
        if self._first is None:
            return
        first = self._ranks.least(self._first.double().tolist())
        if min(first) < _NEVER:
            shown = int(min(first))
            names = [name for name, at in zip(self._names, first, strict=True) if at == shown]
            raise diverged(folder, shown, names)


def check_state(folder: RunFolder, shown: int, state: Mapping[str, Any]) -> None:
    """Raise TrainingError where a number in what would be saved is not finite: weights, their average, or moments."""
    named = [(name, tensor) for name, tensor in _tensors(state) if tensor.is_floating_point()]
    if not named:
        return
    sound = torch.stack([torch.isfinite(tensor).all().to(named[0][1].device) for _, tensor in named]).tolist()
    if not all(sound):
        names = [name for (name, _), whole in zip(named, sound, strict=True) if not whole]
        raise diverged(folder, shown, names)


def diverged(folder: RunFolder, shown: int, names: list[str]) -> TrainingError:
    """The error of a run that cannot go on: what is no number, since which image, and what may help."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    told = f"{', '.join(names[:_NAMED])}{more} {'is' if len(names) == 1 else 'are'}"
    saved = checkpoint.found(folder.path)
    kept = f"its last good checkpoint, of image {saved[-1][0]}, is kept" if saved else "nothing was saved yet"
    return TrainingError(
        f"diverged at image {shown}: {told} not finite",
        where=folder.path,
        hint=f"{kept}; start another run (--set name=NEW) with lower learning rates, a longer warm-up "
        "(--set warmup_images=N) or precision float32",
    )


def _tensors(state: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor below a checkpoint's state, with the keys that lead to it."""
    if isinstance(state, Tensor):
        yield name, state
    elif isinstance(state, Mapping):
        for key, value in state.items():
            yield from _tensors(value, f"{name}.{key}" if name else str(key))
    elif isinstance(state, list | tuple):
        for index, value in enumerate(state):
            yield from _tensors(value, f"{name}.{index}")
