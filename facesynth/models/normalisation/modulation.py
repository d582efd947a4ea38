"""`y = (1 + γ)·x̂ + β`: what all members of the family compute, and how to look at the γ and β that they find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn


class Field(NamedTuple):
    """What a member scales and shifts x̂ by, each broadcastable to N×C×H×W; `mask` where it found one, in 0..1."""

    scale: Tensor
    """1 + γ"""
    shift: Tensor
    """β"""
    mask: Tensor | None = None
    """The self-latent mask, N×C×H×W or N×1×H×W."""

    @property
    def gamma(self) -> Tensor:
        """γ, as the papers write it."""
        return self.scale - 1


def _no_field(self: Modulation, normalised: Tensor, *given: Tensor | None) -> Field:
    raise NotImplementedError(f"{type(self).__name__} has no field")


class Modulation(nn.Module):
    """`y = (1 + γ)·x̂ + β`: `normalise` makes x̂ of x, `field` makes γ and β of x̂ and of what is given beside it.

    x: N×C×H×W. A member is given what its field takes and ignores what it has no use for: SPADE a label map and a
    style, the others a condition (class ids N, or weights N×classes) and the noise vector z.

    SPN's equation 4 reads γ·x̂ + β, but its figure 8 and SPADE's own code (1 + γ)·x̂ + β, which is what is meant here.
    """

    normalise: nn.Module
    field: Callable[..., Field] = _no_field

    def __init__(self) -> None:
        super().__init__()
        self.watcher: Callable[[Field], None] | None = None

    def modulated(self, x: Tensor, *given: Tensor | None) -> Tensor:
        """y of x."""
        normalised: Tensor = self.normalise(x)
        field = self.field(normalised, *given)
        if self.watcher is not None:
            self.watcher(field)
        return (normalised * field.scale).add_(field.shift)

    forward: Callable[..., Tensor] = modulated


@contextmanager
def watched(network: nn.Module) -> Iterator[dict[str, Field]]:
    """While open, fill a dictionary with the field of every member inside a network, under the member's name.

    A later pass replaces what an earlier one left. Tensors are detached.
    """
    seen: dict[str, Field] = {}

    def note(name: str) -> Callable[[Field], None]:
        def watcher(field: Field) -> None:
            seen[name] = Field(*(None if each is None else each.detach() for each in field))  # type: ignore[arg-type]

        return watcher

    members = {name: member for name, member in network.named_modules() if isinstance(member, Modulation)}
    for name, member in members.items():
        member.watcher = note(name)
    try:
        yield seen
    finally:
        for member in members.values():
            member.watcher = None


def per_channel(values: Tensor) -> tuple[Any, ...]:
    """…×2C values a channel → γ and β, each …×C×1×1."""
    return values[..., None, None].chunk(2, dim=-3)
