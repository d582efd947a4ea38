"""Faces painted from the patterns of their label maps: what the generator's own layers paint, in a fraction of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facesynth.inference.painting.seam import PaintEngine, Style
from facesynth.inference.patterns.finding import label_patterns
from facesynth.inference.patterns.kept import KeptTables, MapTables
from facesynth.inference.patterns.reuse import plan
from facesynth.models.folded_spade.generator import FoldedGenerator, folded_layers
from facesynth.models.folded_spade.modulation import FoldedSpade
from facesynth.models.folded_spade.places import Places
from facesynth.models.generator import SpadeGenerator

_KEPT_BYTES = 256 << 20
"""Some four label maps at the paper's width of 64 channels, a hundred of a small generator."""
_ASKED = 4
"""Kept label maps that are asked for the patterns of a new one."""
_MOST_INNER = 4096
"""3×3 patterns of a label map that is not looked at pixel by pixel: real ones have below 1,000, noise one a pixel."""


class PatternPainter:
    """A generator in evaluation mode, on a CPU: equal to its layers to rounding, whatever the label map.

    A picture's bytes depend on its label map, style and noise alone, not on what was painted before. Tables of the
    latest label maps are kept, so that another style on one of them needs none, and a map that was edited only those
    of patterns that are new. Several threads may paint at once. Follows no later change of the generator.
    """

    def __init__(
        self,
        generator: SpadeGenerator,
        dtype: torch.dtype,
        *,
        engine: PaintEngine | None = None,
        kept_bytes: int = _KEPT_BYTES,
        most: int = _MOST_INNER,
    ) -> None:
        """`kept_bytes`: for tables. `most`: 3×3 patterns; a label map with more is computed pixel by pixel.

        `engine`: what paints from the tables, in whatever precision it is made for; by default it is eager PyTorch,
        in `dtype`.
        """
        with torch.no_grad():
            self._layers = folded_layers(generator, dtype if engine is None else engine.rows)
            self._paint = FoldedGenerator(generator, self._layers, dtype).paint if engine is None else engine.paint
        self._labels, self._most = generator.spec.labels, most
        self._sides, self._size = sorted(set(generator.sides)), generator.spec.size
        self.kept = KeptTables(kept_bytes)

    def __call__(self, ids: NDArray[np.uint8], style: Style, noise: Sequence[Tensor] | None) -> Tensor:
        """size×size ids, a style and noise of one face → 1×3×size×size in -1..1."""
        with torch.inference_mode():
            tables = self._tables(ids)
            return self._paint(tables.places, tables.rows, style, noise)

    def _tables(self, ids: NDArray[np.uint8]) -> MapTables:
        digest = hashlib.sha256(ids.tobytes()).digest()
        found = self.kept.get(digest)
        if found is None:
            found = self._made(ids)
            self.kept.put(digest, found)
        return found

    def _made(self, ids: NDArray[np.uint8]) -> MapTables:
        others = self.kept.latest(_ASKED)
        places: dict[int, Places] = {}
        known: dict[int, Mapping[bytes, int]] = {}
        make: dict[int, Callable[[FoldedSpade, Sequence[Tensor]], Tensor]] = {}
        for side in self._sides:
            step = self._size // side
            scaled = ids[::step, ::step]  # by nearest labels: the side divides the size
            patterns = label_patterns(scaled, self._labels, most=self._most)
            if patterns is None:
                places[side] = Places(side, torch.from_numpy(scaled.reshape(-1).astype(np.int64)), None)
                make[side] = _dense(scaled, self._labels)
            else:
                places[side] = Places(side, torch.from_numpy(patterns.middle), torch.from_numpy(patterns.index))
                known[side] = {key: row for row, key in enumerate(patterns.keys)}
                make[side] = plan(patterns, [other.known.get(side, {}) for other in others]).rows
        rows = [
            [
                make[block.side](layer, [other.rows[index][number] for other in others])
                for number, layer in enumerate(block.layers)
            ]
            for index, block in enumerate(self._layers)
        ]
        return MapTables(places, known, rows)


def _dense(ids: NDArray[np.uint8], labels: int) -> Callable[[FoldedSpade, Sequence[Tensor]], Tensor]:
    label_map = F.one_hot(torch.from_numpy(ids.astype(np.int64)), labels).permute(2, 0, 1)[None].float()
    return lambda layer, others: layer.dense_rows(label_map)
