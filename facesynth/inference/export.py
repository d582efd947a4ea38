"""Parsers as files for other programs: ONNX and OpenVINO graphs that say in their metadata how to feed them."""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch

from facesynth import weights
from facesynth.core.errors import DependencyMissing, OutputError, UsageError, WeightsError
from facesynth.core.labels import STANDARD
from facesynth.core.refs import Digest
from facesynth.inference import networks
from facesynth.inference.engines import onnx_runtime, openvino_runtime
from facesynth.inference.engines.graphs import onnx_graph
from facesynth.inference.engines.seam import Agreement, Engine, Task, checked
from facesynth.inference.foreign.header import FORMAT, FORMAT_KEY, is_foreign


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
    suffix, write, load = _form(form)
    if target.suffix.lower() != suffix:
        raise UsageError(f"a file of format {form} is called *{suffix}", where=target)
    path = weights.locate(source)
    if is_foreign(path):
        raise UsageError("is an ONNX graph already", where=source, hint="name weights: facesynth weights list")
    metadata = _metadata(path, str(source), weights.sha256_of(path))
    spec, network = networks.load(path, ("parser",), torch.device("cpu"), sha256=metadata["sha256"])["parser"]
    task = Task(network=network, shape=(1, 3, spec.size, spec.size), device=torch.device("cpu"), where=str(path))
    metadata |= {"size": str(spec.size), "normalisation": "imagenet", "order": "rgb"}
    target_files = (target, target.with_suffix(".bin")) if form == "openvino" else (target,)
    taken = [file for file in target_files if file.exists()]
    if taken and not replace:
        raise OutputError("is there already", where=taken[0], hint="name another file, or add --force")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".facesynth-", dir=target.parent) as folder:
            draft = Path(folder) / target.name
            write(onnx_graph(task), metadata, draft)
            engine = load(draft)
            checked(task, engine, form)
            agreement = checked(
                dataclasses.replace(task, shape=(2, *task.shape[1:])), engine, form
            )  # its batch is open
            for file in reversed(target_files):  # the graph last: whoever sees it finds the rest
                os.replace(Path(folder) / file.name, file)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror or error})", where=target) from error
    return Exported(target_files, MappingProxyType(metadata), agreement)


def _metadata(path: Path, name: str, digest: Digest) -> dict[str, str]:
    """What the weights file says of itself. Raises WeightsError for one without a parser, such as a generator's."""
    header = weights.read_header(path)
    try:
        held = json.loads(header.get("specs", "{}"))
    except ValueError:
        held = {}
    if held and "parser" not in held:
        what = f"holds {', '.join(held)}: the export of generators is not there yet, only that of parsers"
        raise WeightsError(what, where=path, hint="run: facesynth weights list")
    return {
        FORMAT_KEY: FORMAT,
        "labels": header.get("labels", STANDARD),
        "licence": header.get("licence", "unstated"),
        "name": Path(name).stem if Path(name).suffix else name,
        "sha256": digest,
    }


Writer = Callable[[bytes, Mapping[str, str], Path], None]


def _form(form: str) -> tuple[str, Writer, Callable[[Path], Engine]]:
    """A format's suffix, what writes it and what runs the file. Raises UsageError for an unknown one."""
    if form == "onnx":
        return ".onnx", _write_onnx, _run_onnx
    if form == "openvino":
        return ".xml", _write_openvino, _run_openvino
    raise UsageError(f"unknown format {form!r}", hint="use onnx or openvino")


def _write_onnx(graph: bytes, metadata: Mapping[str, str], path: Path) -> None:
    try:
        import onnx
    except ImportError as error:
        raise DependencyMissing("onnx", "engines") from error
    model = onnx.load_from_string(graph)
    model.producer_name = "facesynth"
    onnx.helper.set_model_props(model, dict(metadata))
    path.write_bytes(model.SerializeToString(deterministic=True))


def _run_onnx(path: Path) -> Engine:
    return onnx_runtime.runner(onnx_runtime.open_session(path.read_bytes(), str(path)), str(path))


def _write_openvino(graph: bytes, metadata: Mapping[str, str], path: Path) -> None:
    model = openvino_runtime.read_graph(graph, str(path))
    for key, value in metadata.items():
        model.set_rt_info(value, ["facesynth", key])
    openvino_runtime.write_file(model, path)


def _run_openvino(path: Path) -> Engine:
    return openvino_runtime.runner(openvino_runtime.read_file(path), torch.float32, str(path))
