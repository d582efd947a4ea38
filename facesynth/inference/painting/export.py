"""Generators as files for other programs: graphs from a label map's patterns, a style and noise to the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facesynth import weights
from facesynth.core.errors import UsageError, WeightsError
from facesynth.inference import networks
from facesynth.inference.engines import onnx_runtime, openvino_runtime
from facesynth.inference.engines.graphs import traced
from facesynth.inference.engines.openvino_library import openvino_library
from facesynth.inference.export import described
from facesynth.inference.foreign.header import is_foreign
from facesynth.inference.graph_files import GraphFile
from facesynth.inference.painting.seam import PROGRAMS, Example, PictureAgreement, example
from facesynth.inference.painting.signature import OUTPUT, Signature, WholeGraph
from facesynth.models.generator import SpadeGenerator


@dataclass(frozen=True, slots=True)
class ExportedGenerator:
    """What was written: the files, the graph's metadata, and how its pictures compare with PyTorch's."""

    files: tuple[Path, ...]
    metadata: Mapping[str, str]
    agreement: PictureAgreement


def export_generator(source: str | Path, target: Path, form: str, *, replace: bool = False) -> ExportedGenerator:
    """Write a SPADE generator as one `.onnx` file, or as OpenVINO's `.xml` with its `.bin` beside it, in float32.

    It takes what `pattern_inputs` finds in a label map, `style` (1×style_channels, or 1×labels×style_channels where
    each region has its own) and, if it knows noise, `noise_NUMBER` for each block (1×1×side×side), and gives `picture`,
    1×3×size×size in -1..1. The metadata say sizes and sides. The file to be paints two drawn label maps and is compared
    with the generator's own layers before anything appears. Raises UsageError, OutputError, WeightsError where it
    paints something else or `source` holds no such generator, and DependencyMissing.
    """
    file = GraphFile(target, form)
    path = weights.locate(source)
    if is_foreign(path):
        raise UsageError("is an ONNX graph already", where=source, hint="name weights: facesynth weights list")
    digest = weights.sha256_of(path)
    metadata = described(path, str(source), "generator", digest)
    _, network = networks.load(path, ("generator",), torch.device("cpu"), sha256=digest)["generator"]
    if not isinstance(network, SpadeGenerator):
        what = "its generator takes no label maps, and only those that do can be exported"
        raise WeightsError(what, where=path, hint="run: facesynth weights list")
    metadata |= _told(network)
    shown = [example(network, seed) for seed in range(2)]  # with other numbers of patterns
    signature = Signature(network)
    given = [signature.of_patterns(one.ids, one.style, one.noise) for one in shown]
    axes = signature.open_axes(list(given[0]))
    graph = traced(WholeGraph(network), given[0], OUTPUT, open_axes=axes, where=str(path))
    with file.published(graph, metadata, replace=replace) as draft:
        run = _runner(draft, form)
        found = [_compared(run, inputs, one) for inputs, one in zip(given, shown, strict=True)]
        agreement = max(found, key=lambda each: each.largest).require(PROGRAMS[form], torch.float32, str(path))
        del run
    return ExportedGenerator(file.files, MappingProxyType(metadata), agreement)


Runner = Callable[[Mapping[str, NDArray[np.generic]]], NDArray[np.float32]]


def _compared(run: Runner, inputs: Mapping[str, Tensor], shown: Example) -> PictureAgreement:
    picture = run({name: each.contiguous().numpy() for name, each in inputs.items()})
    return PictureAgreement.of(torch.from_numpy(picture), shown.picture)


def _told(network: SpadeGenerator) -> dict[str, str]:
    """How the graph is fed."""
    spec = network.spec
    return {
        "size": str(spec.size),
        "sides": ",".join(str(side) for side in sorted(set(network.sides))),
        "style_channels": str(spec.style_channels),
        "style_regions": str(network.regions is not None).lower(),
        "noise_sides": ",".join(str(side) for side in network.noise_sides),
    }


def _runner(path: Path, form: str) -> Runner:
    if form == "onnx":
        session = onnx_runtime.open_session(path.read_bytes(), str(path))
        return lambda given: session.run(None, dict(given))[0]
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    program = openvino_library().Core().compile_model(openvino_runtime.read_file(path), "CPU", settings)
    return lambda given: program(dict(given))[0]
