"""What each layer of a network costs: parameters, and multiply-adds of convolutions and linear layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from facesynth.models.normalisation.mask_kernels import MaskKernels


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One module that has parameters of its own, not counting those of modules inside it."""

    name: str
    kind: str
    output: tuple[int, ...] | None
    """Of one sample, without the batch; None where the pass does not call the module."""
    parameters: int
    multiply_adds: int


def layer_costs(network: nn.Module, inputs: Sequence[Tensor | None]) -> tuple[LayerCost, ...]:
    """The costs of all layers for these inputs, batch 1, in the order in which the network names its modules.

    Nothing is computed: the network is moved to torch's meta device and stays there, in evaluation mode. What is
    neither a convolution nor linear counts as no multiply-adds, as in the tables of the SPN paper; a layer that runs
    twice counts twice. SPN's kernels count as the four convolutions of the paper's equations, of which two are run.
    """
    network = network.to("meta").eval()
    shapes: dict[nn.Module, tuple[int, ...]] = {}
    adds: dict[nn.Module, int] = {}

    def note(module: nn.Module, given: tuple[Any, ...], made: Any) -> None:
        output = made[0] if isinstance(made, tuple) else made
        if isinstance(output, Tensor):
            shapes[module] = tuple(output.shape[1:])
            adds[module] = adds.get(module, 0) + _multiply_adds(module, given, output)

    owners = {name: module for name, module in network.named_modules() if any(True for _ in module.parameters(False))}
    hooks = [module.register_forward_hook(note) for module in owners.values()]
    try:
        with torch.inference_mode():
            network(*(None if each is None else each.to("meta") for each in inputs))
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(
        LayerCost(
            name=name or "(itself)",
            kind=type(module).__name__,
            output=shapes.get(module),
            parameters=sum(parameter.numel() for parameter in module.parameters(False)),
            multiply_adds=adds.get(module, 0),
        )
        for name, module in owners.items()
    )


def _multiply_adds(module: nn.Module, given: tuple[Any, ...], output: Tensor) -> int:
    for kinds, count in _COUNTS:
        if isinstance(module, kinds):
            return count(module, given, output)
    return 0


_COUNTS: tuple[tuple[tuple[type[nn.Module], ...], Callable[[Any, tuple[Any, ...], Tensor], int]], ...] = (
    ((nn.Conv1d, nn.Conv2d, nn.Linear), lambda layer, _, output: output.numel() * layer.weight[0].numel()),
    ((nn.ConvTranspose2d,), lambda layer, given, _: given[0].numel() * layer.weight[0].numel()),
    ((MaskKernels,), lambda layer, _, output: layer.multiply_adds(output.shape[-2] * output.shape[-1])),
)
