"""A generator's inputs as flat lists of named tensors, as graphs take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from facesynth.inference.painting.seam import Style
from facesynth.inference.patterns.graph_inputs import pattern_inputs
from facesynth.models.folded_spade.generator import Rows, res_blocks, spade_layers
from facesynth.models.folded_spade.graph import PaintGraph, RowsGraph
from facesynth.models.folded_spade.places import Neighbourhoods, Places
from facesynth.models.generator import SpadeGenerator

OUTPUT = "picture"


class Signature:
    """The names of a generator's inputs, in order.

    `style`; `index_SIDE` and for a style a region `labels_SIDE` for each of its sides; then what tells of patterns:
    `inner_SIDE` and `outer_SIDE`, or `rows_NUMBER` for each of its layers; last, where it takes noise, `noise_NUMBER`
    for each block.
    """

    def __init__(self, generator: SpadeGenerator) -> None:
        self.sides = sorted(set(generator.sides))
        self._blocks = [
            (side, len(spade_layers(block))) for side, block in zip(generator.sides, res_blocks(generator), strict=True)
        ]
        self._regions = generator.regions is not None
        self._labels, self._noise = generator.spec.labels, len(generator.noise_sides)
        self._affine = generator.spec.style_affine

    @property
    def _by_label(self) -> bool:
        """Whether a row's label is asked for."""
        return self._regions and self._affine

    def of_rows(
        self, places: Mapping[int, Places], rows: Rows, style: Style, noise: Sequence[Tensor] | None
    ) -> dict[str, Tensor]:
        """What a graph that paints from rows is given. Raises TypeError for a style a block."""
        if not isinstance(style, Tensor):
            raise TypeError("this engine takes one style for all blocks")
        own = {f"rows_{number}": each for number, each in enumerate(each for block in rows for each in block)}
        return {"style": style, **self._placed(places), **own, **self._noises(noise)}

    def of_patterns(self, ids: NDArray[np.uint8], style: Tensor, noise: Sequence[Tensor] | None) -> dict[str, Tensor]:
        """What a whole graph is given for size×size ids."""
        found = pattern_inputs(ids, self.sides, self._labels)
        kinds = ("index", *(("labels",) if self._by_label else ()), "inner", "outer")
        told = {f"{kind}_{side}": torch.from_numpy(found[f"{kind}_{side}"]) for kind in kinds for side in self.sides}
        return {"style": style, **told, **self._noises(noise)}

    def open_axes(self, names: Sequence[str]) -> dict[str, dict[int, str]]:
        """Of inputs: those whose length is a number of patterns, each called what it counts."""
        counts = {f"labels_{side}": f"patterns_{side}" for side in self.sides}
        counts |= {f"outer_{side}": f"patterns_{side}" for side in self.sides}
        counts |= {f"inner_{side}": f"inner_patterns_{side}" for side in self.sides}
        sides = [side for side, layers in self._blocks for _ in range(layers)]
        counts |= {f"rows_{number}": f"patterns_{side}" for number, side in enumerate(sides)}
        return {name: {0: counts[name]} for name in names if name in counts}

    def from_rows(self, tensors: Sequence[Tensor]) -> tuple[dict[int, Places], Rows, Tensor, list[Tensor]]:
        """What `of_rows` made flat."""
        left = iter(tensors)
        style, places = next(left), self._places(left)
        rows = [list(islice(left, layers)) for _, layers in self._blocks]
        return places, rows, style, list(left)

    def from_patterns(
        self, tensors: Sequence[Tensor]
    ) -> tuple[dict[int, Places], dict[int, Neighbourhoods], Tensor, list[Tensor]]:
        """What `of_patterns` made flat."""
        left = iter(tensors)
        style, places = next(left), self._places(left)
        inner, outer = list(islice(left, len(self.sides))), list(islice(left, len(self.sides)))
        patterns = {side: Neighbourhoods(*both) for side, *both in zip(self.sides, inner, outer, strict=True)}
        return places, patterns, style, list(left)

    def _placed(self, places: Mapping[int, Places]) -> dict[str, Tensor]:
        own = {f"index_{side}": _index(places[side]) for side in self.sides}
        labels = {f"labels_{side}": places[side].labels for side in self.sides} if self._by_label else {}
        return own | labels

    def _places(self, left: Iterator[Tensor]) -> dict[int, Places]:
        index = list(islice(left, len(self.sides)))
        labels = list(islice(left, len(self.sides))) if self._by_label else index  # nobody asks
        return {side: Places(side, *both) for side, *both in zip(self.sides, labels, index, strict=True)}

    def _noises(self, noise: Sequence[Tensor] | None) -> dict[str, Tensor]:
        """None at all is noise that is zero."""
        if not self._noise:
            return {}
        given = noise or [torch.zeros(1, 1, side, side) for side, _ in self._blocks]
        return {f"noise_{number}": each for number, each in enumerate(given)}


class FlatPaintGraph(nn.Module):
    """A `PaintGraph` that takes what `Signature.of_rows` tells, in that order."""

    def __init__(self, generator: SpadeGenerator, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self._signature, self.paint = Signature(generator), PaintGraph(generator, dtype)

    def forward(self, *tensors: Tensor) -> Tensor:
        """1×3×S×S in -1..1."""
        painted: Tensor = self.paint(*self._signature.from_rows(tensors))
        return painted


class WholeGraph(nn.Module):
    """A generator that takes what `Signature.of_patterns` tells, in that order."""

    def __init__(self, generator: SpadeGenerator) -> None:
        super().__init__()
        self._signature = Signature(generator)
        self.rows, self.paint = RowsGraph(generator), PaintGraph(generator)

    def forward(self, *tensors: Tensor) -> Tensor:
        """1×3×S×S in -1..1."""
        places, patterns, style, noise = self._signature.from_patterns(tensors)
        painted: Tensor = self.paint(places, self.rows(patterns), style, noise)
        return painted


def _index(places: Places) -> Tensor:
    return torch.arange(places.side**2) if places.index is None else places.index
