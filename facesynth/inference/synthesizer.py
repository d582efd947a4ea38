"""Label maps and styles in, painted faces out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from facesynth import weights
from facesynth.core.errors import LabelMapError, UsageError
from facesynth.core.images import Photo
from facesynth.core.labels import NUM_LABELS, LabelMap
from facesynth.core.refs import Digest
from facesynth.core.styles import Style
from facesynth.inference import networks
from facesynth.inference.device import resolve_batch_size, resolve_precision, room_for
from facesynth.inference.drawn_styles import noise_fields, region_codes, style_code
from facesynth.inference.engines import CPU_ENGINES
from facesynth.inference.engines.choice import engine_device
from facesynth.inference.finite import finite
from facesynth.inference.painting.choice import pattern_painter
from facesynth.inference.painting.compiled import Network, compiled_network
from facesynth.inference.patterns import PatternsName
from facesynth.inference.patterns.painter import PatternPainter
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import GeneratorSpec


class Synthesizer:
    """Paints faces. A picture depends on its label map, its style and the weights, never on its batch.

    Nor on what was painted before, though tables of the latest label maps are kept. Several threads may paint at once.
    """

    def __init__(
        self,
        network: SpadeGenerator,
        spec: GeneratorSpec,
        *,
        device: torch.device,
        dtype: torch.dtype,
        identity: str,
        patterns: PatternsName = "never",
        engine: str = "eager",
        where: Path | None = None,
    ) -> None:
        """`identity` is the sha256 of the weights file; styles read by another encoder are refused.

        `engine` is what paints, one of facesynth.inference.engines; `auto` is eager, which is the fastest. All but
        eager follow no later change of the network. `where` names its file in errors.

        `patterns`: whether to compute what depends on labels alone once for each pattern of them, and the rest from
        copies of the weights as they are now; equal to the network's own layers to rounding. `auto` does so on a CPU;
        `always` raises UsageError elsewhere; `never` follows a network that is still being trained.
        """
        self.network, self.spec, self.device, self.dtype, self.identity = network, spec, device, dtype, identity
        if patterns == "always" and device.type != "cpu":
            raise UsageError(
                f"label patterns are for CPUs, not for {device}", hint="use --device cpu, or patterns auto"
            )
        on_patterns = patterns != "never" and device.type == "cpu"
        self.engine = "eager" if engine == "auto" else engine
        if not on_patterns and self.engine in CPU_ENGINES:
            raise UsageError(
                f"the engine {engine} paints by label patterns",
                hint="use patterns auto, or the engine eager or compile",
            )
        self._painter: PatternPainter | None = None
        self._layers: Network = network
        if on_patterns:
            self._painter = pattern_painter(self.engine, network, dtype, None if where is None else str(where))
        elif self.engine == "compile":
            self._layers = compiled_network(network, device)

    @classmethod
    def load(
        cls,
        name: str | Path | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        sha256: Digest | None = None,
        patterns: PatternsName = "auto",
        engine: str = "auto",
    ) -> Synthesizer:
        """Load a generator by weights name or file (default: the bundled one).

        `engine` is one of facesynth.inference.engines: but for eager, which `auto` is, each is compared with eager when
        it is loaded. Raises DependencyMissing, UsageError and DeviceError where it cannot work here, and WeightsError.
        `sha256` is the one that its results are known by: a file that is another by now raises WeightsError.
        """
        where = engine_device(engine, device)
        chosen = name or weights.default_name("generator")
        identity = sha256 or weights.sha256_of(chosen)
        path = weights.locate(chosen)
        spec, network = networks.load(path, ("generator",), where, sha256=identity)["generator"]
        assert isinstance(network, SpadeGenerator)
        dtype = resolve_precision(precision, where)
        return cls(
            network, spec, device=where, dtype=dtype, identity=identity, patterns=patterns, engine=engine, where=path
        )

    def laid_out_here(self) -> Synthesizer:
        """One that paints the same in eager PyTorch, its weights laid out for as many threads as there are here.

        Both share the tables of the latest label maps.
        """
        on_patterns = self._painter is not None
        made = Synthesizer(
            self.network,
            self.spec,
            device=self.device,
            dtype=self.dtype,
            identity=self.identity,
            patterns="auto" if on_patterns else "never",
        )
        if made._painter is not None and self._painter is not None:
            made._painter.kept = self._painter.kept
        return made

    @property
    def mean_style(self) -> Style:
        """The style of nobody in particular: the middle of the prior, or of regions the learned average of each."""
        if self.spec.style_regions:
            return Style.from_regions({}, self.identity)
        return Style.from_code(np.zeros(self.spec.style_channels, dtype=np.float32), self.identity)

    @torch.inference_mode()
    def __call__(
        self, labels: Sequence[LabelMap], styles: Sequence[Style], *, batch_size: int | None = None
    ) -> list[Photo]:
        """Paint one face a (label map, style), size×size; StyleError for a style of another encoder.

        Regions that a style knows nothing of are painted in the learned average.
        Label maps of any square size are scaled by their nearest labels; LabelMapError for one that is not square,
        FacesynthError where the network answers with what are no numbers.
        Batches are padded to one size, so that their make-up changes nothing; by label patterns each is its own.
        """
        if len(labels) != len(styles):
            raise ValueError(f"{len(labels)} label maps and {len(styles)} styles")
        for one in labels:
            if one.width != one.height:
                raise LabelMapError(f"the label map is {one.width}×{one.height}, a face is square")
        if self._painter is not None:
            pairs = zip(labels, styles, strict=True)
            return [Photo(self._paint_one(self._painter, *pair)) for pair in pairs]
        pictures: list[Photo] = []
        size, batch_size = self.spec.size, resolve_batch_size(batch_size, self.device)
        for start in range(0, len(labels), batch_size):
            group = range(start, min(start + batch_size, len(labels)))
            ids = np.zeros((batch_size, size, size), dtype=np.int64)
            codes = torch.zeros(batch_size, *self._code_shape)
            noise = [np.zeros((batch_size, 1, side, side), dtype=np.float32) for side in self.network.noise_sides]
            for row, index in enumerate(group):
                ids[row] = labels[index].resized(size, size).ids
                codes[row] = self._code(styles[index])
                for plane, field in zip(noise, noise_fields(styles[index], self.network.noise_sides), strict=True):
                    plane[row, 0] = field
            painted = self._paint(torch.from_numpy(ids), codes, [torch.from_numpy(n) for n in noise])
            pictures += [Photo(pixels) for pixels in painted[: len(group)]]
        return pictures

    def _paint(self, ids: Tensor, z: Tensor, noise: list[Tensor]) -> NDArray[np.uint8]:
        label_map = F.one_hot(ids.to(self.device), NUM_LABELS).permute(0, 3, 1, 2).float()
        lower = torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)
        with room_for(len(ids)), lower:
            x = self._layers(label_map, z.to(self.device), [field.to(self.device) for field in noise])
        return _pixels(x)

    def _paint_one(self, painter: PatternPainter, labels: LabelMap, style: Style) -> NDArray[np.uint8]:
        noise = noise_fields(style, self.network.noise_sides)
        ids = labels.resized(self.spec.size, self.spec.size).ids
        with room_for(1):
            x = painter(ids, self._code(style)[None], [torch.from_numpy(field)[None, None] for field in noise])
        pixels: NDArray[np.uint8] = _pixels(x)[0]
        return pixels

    @property
    def _code_shape(self) -> tuple[int, ...]:
        channels = self.spec.style_channels
        return (self.spec.labels, channels) if self.spec.style_regions else (channels,)

    def _code(self, style: Style) -> Tensor:
        """A style as the network takes it, without its batch: style_channels, or labels×style_channels."""
        regions = self.network.regions
        style.require(self.identity, self.spec.style_channels, regions=regions is not None)
        if regions is None:
            return torch.from_numpy(style_code(style, self.spec))
        codes, missing = (torch.from_numpy(part)[None].to(self.device) for part in region_codes(style, self.spec))
        return regions.completed(codes, missing)[0].cpu()


def _pixels(x: Tensor) -> NDArray[np.uint8]:
    """N×3×H×W in -1..1 → N×H×W×3 in 0..255."""
    x = finite(x, "the generator")
    levels = ((x.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return np.ascontiguousarray(levels.permute(0, 2, 3, 1).cpu().numpy())
