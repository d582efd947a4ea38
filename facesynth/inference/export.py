"""Parsers as files for other programs: ONNX and OpenVINO graphs that say in their metadata how to feed them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch

from facesynth import weights
from facesynth.core.errors import UsageError, WeightsError
from facesynth.core.labels import STANDARD
from facesynth.core.refs import Digest
from facesynth.inference import networks
from facesynth.inference.engines import onnx_runtime, openvino_runtime
from facesynth.inference.engines.graphs import onnx_graph
from facesynth.inference.engines.seam import Agreement, Engine, Task, checked
from facesynth.inference.foreign.header import FORMAT, FORMAT_KEY, is_foreign
from facesynth.inference.graph_files import GraphFile


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the files, the graph's metadata, and how its logits compare with PyTorch's."""

    files: tuple[Path, ...]
    metadata: Mapping[str, str]
    agreement: Agreement


def export_parser(source: str | Path, target: Path, form: str, *, replace: bool = False) -> Exported:
    """Write a parser as one `.onnx` file, or as OpenVINO's `.xml` with its `.bin` beside it, in float32.

    The file to be is run and compared with PyTorch before anything appears. It takes float32 N×3×size×size, rgb,
    normalised by ImageNet's mean and deviation; its metadata say so. Raises UsageError, OutputError, WeightsError where
    it computes something else or `source` holds no parser, and DependencyMissing.
    """
    file = GraphFile(target, form)
    path = weights.locate(source)
    if is_foreign(path):
        raise UsageError("is an ONNX graph already", where=source, hint="name weights: facesynth weights list")
    metadata = described(path, str(source), "parser", weights.sha256_of(path))
    spec, network = networks.load(path, ("parser",), torch.device("cpu"), sha256=metadata["sha256"])["parser"]
    task = Task(network=network, shape=(1, 3, spec.size, spec.size), device=torch.device("cpu"), where=str(path))
    metadata |= {"size": str(spec.size), "normalisation": "imagenet", "order": "rgb"}
    with file.published(onnx_graph(task), metadata, replace=replace) as draft:
        engine = _runner(draft, form)
        checked(task, engine, form)
        agreement = checked(dataclasses.replace(task, shape=(2, *task.shape[1:])), engine, form)  # its batch is open
    return Exported(file.files, MappingProxyType(metadata), agreement)


def described(path: Path, name: str, kind: str, digest: Digest) -> dict[str, str]:
    """What a weights file says of itself. Raises WeightsError for one that does not hold a network of this kind."""
    held = held_networks(path)
    if held and kind not in held:
        what = f"holds {', '.join(held)}, and no {kind}"
        raise WeightsError(what, where=path, hint="run: facesynth weights list")
    header = weights.read_header(path)
    return {
        FORMAT_KEY: FORMAT,
        "labels": header.get("labels", STANDARD),
        "licence": header.get("licence", "unstated"),
        "name": Path(name).stem if Path(name).suffix else name,
        "sha256": digest,
    }


def held_networks(path: Path) -> tuple[str, ...]:
    """What a weights file's header names; nothing where it names none, and of an ONNX graph."""
    if is_foreign(path):
        return ()
    try:
        return tuple(json.loads(weights.read_header(path).get("specs", "{}")))
    except ValueError:
        return ()


def _runner(path: Path, form: str) -> Engine:
    """What runs the file."""
    if form == "onnx":
        return onnx_runtime.runner(onnx_runtime.open_session(path.read_bytes(), str(path)), str(path))
    return openvino_runtime.runner(openvino_runtime.read_file(path), torch.float32, str(path))
