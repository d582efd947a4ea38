"""Graphs as files for other programs: ONNX and OpenVINO, with what they say of themselves in their metadata."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import DependencyMissing, OutputError, UsageError
from facesynth.inference.engines import openvino_runtime

SUFFIXES = {"onnx": ".onnx", "openvino": ".xml"}


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A file to be: `path` *.onnx, or *.xml with its *.bin beside it."""

    path: Path
    form: str

    def __post_init__(self) -> None:
        """Raises UsageError for an unknown format, and for a path that does not end as the format does."""
        if self.form not in SUFFIXES:
            raise UsageError(f"unknown format {self.form!r}", hint="use onnx or openvino")
        if self.path.suffix.lower() != SUFFIXES[self.form]:
            raise UsageError(f"a file of format {self.form} is called *{SUFFIXES[self.form]}", where=self.path)

    @property
    def files(self) -> tuple[Path, ...]:
        """The one or both."""
        return (self.path, self.path.with_suffix(".bin")) if self.form == "openvino" else (self.path,)

    @contextlib.contextmanager
    def published(self, graph: bytes, metadata: Mapping[str, str], *, replace: bool) -> Iterator[Path]:
        """Write an ONNX graph and its metadata aside, to be tried there; what is tried without an error appears.

        Raises OutputError where a file is there already and `replace` does not say so, or it cannot be written.
        """
        taken = [file for file in self.files if file.exists()]
        if taken and not replace:
            raise OutputError("is there already", where=taken[0], hint="name another file, or add --force")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".facesynth-", dir=self.path.parent) as folder:
                draft = Path(folder) / self.path.name
                (_write_openvino if self.form == "openvino" else _write_onnx)(graph, metadata, draft)
                yield draft
                for file in reversed(self.files):  # the graph last: whoever sees it finds the rest
                    os.replace(Path(folder) / file.name, file)
        except OSError as error:
            raise OutputError(f"cannot be written ({error.strerror or error})", where=self.path) from error


def _write_onnx(graph: bytes, metadata: Mapping[str, str], path: Path) -> None:
    try:
        import onnx
    except ImportError as error:
        raise DependencyMissing("onnx", "engines") from error
    model = onnx.load_from_string(graph)
    model.producer_name = "facesynth"
    onnx.helper.set_model_props(model, dict(metadata))
    path.write_bytes(model.SerializeToString(deterministic=True))


def _write_openvino(graph: bytes, metadata: Mapping[str, str], path: Path) -> None:
    model = openvino_runtime.read_graph(graph, str(path))
    for key, value in metadata.items():
        model.set_rt_info(value, ["facesynth", key])
    openvino_runtime.write_file(model, path)
