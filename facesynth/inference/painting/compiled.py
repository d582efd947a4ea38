"""Generators compiled by PyTorch."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

import torch
from torch import Tensor

from facesynth.inference.engines.torch_engines import compiler_error
from facesynth.inference.painting.seam import PaintEngine, Style
from facesynth.inference.painting.signature import FlatPaintGraph, Signature
from facesynth.models.folded_spade.generator import Rows
from facesynth.models.folded_spade.places import Places
from facesynth.models.generator import SpadeGenerator

Network = Callable[[Tensor, Tensor, Sequence[Tensor]], Tensor]


def compiled_painting(generator: SpadeGenerator, dtype: torch.dtype) -> PaintEngine:
    """Painting from rows as one program for any number of patterns, on a CPU. Its first picture compiles it.

    Follows no later change of the generator: its weights are laid out in the program.
    """
    import torch.fx.experimental._config as shape_settings  # seconds, which only those who compile shall wait

    signature = Signature(generator)
    program = _quietly(FlatPaintGraph(generator, dtype).eval(), {"freezing": True})

    def paint(places: Mapping[int, Places], rows: Rows, style: Style, noise: Sequence[Tensor] | None) -> Tensor:
        given = signature.of_rows(places, rows, style, noise)
        # A program is for tensors that were made in inference mode, or for those that were not.
        given = {name: each if each.is_inference() else each.clone() for name, each in given.items()}
        for name in signature.open_axes(list(given)):
            torch._dynamo.maybe_mark_dynamic(given[name], 0)
        # Numbers of patterns that happen to be equal in one label map are not so in the next.
        with shape_settings.patch(use_duck_shape=False), _told():  # type: ignore[attr-defined]
            return program(*given.values())

    return PaintEngine("compile", dtype, paint)


def compiled_network(generator: SpadeGenerator, device: torch.device) -> Network:
    """The generator's own layers as a program; on a GPU its kernels are started as one CUDA graph."""
    options = {"triton.cudagraphs": True} if device.type == "cuda" else {}
    program = _quietly(generator, options)

    def run(label_map: Tensor, style: Tensor, noise: Sequence[Tensor]) -> Tensor:
        with _told():
            return program(label_map, style, noise).clone()  # of a CUDA graph the next run takes the memory

    return run


def _quietly(network: torch.nn.Module, options: dict[str, bool]) -> Callable[..., Tensor]:
    logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)  # it misses a CUDA that nobody asked for
    program: Callable[..., Tensor] = torch.compile(network, options=options)  # type: ignore[arg-type]
    return program


@contextlib.contextmanager
def _told() -> Iterator[None]:
    from torch._dynamo.exc import BackendCompilerFailed

    try:
        yield
    except BackendCompilerFailed as error:
        raise compiler_error(error) from error
