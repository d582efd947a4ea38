"""What an ONNX file says of itself, read without the packages that run it.

An ONNX file is one protobuf message, ModelProto of onnx.proto3, with a graph and metadata, of which each has a key (1)
and a value (2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from facesynth.core.errors import UsageError, WeightsError
from facesynth.core.labels import NUM_LABELS, schema_named
from facesynth.inference.foreign.declaration import InputDeclaration
from facesynth.inference.foreign.graph import GRAPH, METADATA, fields, has_outside_weights, may_answer_logits

FORMAT_KEY, FORMAT = "format", "facesynth-1"
_KEY, _VALUE = 1, 2


ENGINES = ("auto", "onnx", "openvino")
"""What runs an ONNX file; `auto` is ONNX Runtime."""


def refuse_engine(engine: str, path: str | Path) -> None:
    """Raise UsageError for an engine that runs no ONNX file, also where all its results are known already."""
    if engine not in ENGINES:
        raise UsageError(f"the engine {engine} runs no ONNX file", where=path, hint="use --engine onnx or openvino")


def is_foreign(parser: str | Path | None) -> bool:
    """Whether a parser's name is that of an ONNX file."""
    return parser is not None and Path(parser).suffix.lower() == ".onnx"


@dataclass(frozen=True, slots=True)
class ForeignHeader:
    """The order of a foreign parser's classes and what is known of its input."""

    schema: str
    declared: InputDeclaration


def read_metadata(path: Path) -> Mapping[str, str]:
    """The metadata of an ONNX file. Raises WeightsError for a file that cannot be read, and as `metadata_of` does."""
    return metadata_of(_read(path), path)


def metadata_of(data: bytes, where: str | Path) -> Mapping[str, str]:
    """The metadata in an ONNX file's bytes. Raises WeightsError for other bytes, and for weights in other files.

    Those would be looked for in the current folder, and what they make would be cached under this file's sha256 alone.
    """
    found: dict[str, str] = {}
    graphs, elsewhere = 0, False
    try:
        for number, value in fields(memoryview(data)):
            if number == METADATA:
                pair = {inner: bytes(part).decode() for inner, part in fields(value) if inner in (_KEY, _VALUE)}
                found[pair.get(_KEY, "")] = pair.get(_VALUE, "")
            graphs += number == GRAPH
        elsewhere = has_outside_weights(memoryview(data))
    except (IndexError, ValueError):
        graphs = 0
    if not graphs:
        raise WeightsError("is not a whole ONNX file", where=where, hint="name a parser's ONNX export, or its weights")
    if elsewhere:
        hint = f"save it as one file: onnx.save(onnx.load({str(where)!r}), NEW)"
        raise WeightsError("keeps its weights in other files", where=where, hint=hint)
    return found


def refuse_labels_alone(path: Path) -> None:
    """Raise UsageError for a parser's ONNX file that says it answers with labels: there are no probabilities in it."""
    try:
        able = may_answer_logits(memoryview(_read(path)), NUM_LABELS)
    except (IndexError, ValueError):
        return  # what is wrong with it, its metadata's reader tells
    if not able:
        raise no_probabilities(path)


def no_probabilities(where: str | Path | None) -> UsageError:
    """What to raise where probabilities are wanted of a parser that answers with labels."""
    hint = "leave the probabilities out, or export the parser without its argmax"
    return UsageError("this parser answers with labels, not with probabilities", where=where, hint=hint)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot be read ({error.strerror or error})", where=path) from error


def header_of(
    metadata: Mapping[str, str], where: str | Path, *, schema: str | None, declared: InputDeclaration
) -> ForeignHeader:
    """What is known of a parser from its declarations and, where it is facesynth's own export, its file.

    Raises UsageError where nobody says the order of the classes, or where both say it, or what the input is like, and
    differ.
    """
    own = metadata.get(FORMAT_KEY) == FORMAT
    told = metadata.get("labels") if own else None
    if schema is None and told is None:
        hint = "add --schema celebamask-hq, zllrunning, facer or segface"
        raise UsageError("the file does not say in which order its classes are", where=where, hint=hint)
    if schema is not None and told is not None and schema != told:
        raise UsageError(
            f"its classes are in {told}'s order, not in {schema}'s", where=where, hint="leave --schema out"
        )
    chosen = schema_named(schema or told or "").name
    if not own:
        return ForeignHeader(chosen, declared)
    inside = InputDeclaration.parse(f"{key}={metadata[key]}" for key in ("normalisation", "order") if key in metadata)
    given = declared.declared
    for key, value in inside.declared.items():
        if given.get(key, value) != value:
            hint = f"leave --parser-input {key}={given[key]} out"
            raise UsageError(f"its input is of {key}={value}, not of {key}={given[key]}", where=where, hint=hint)
    return ForeignHeader(chosen, declared.over(inside))


def refuse_declarations(parser: str | Path, schema: str | None, declared: InputDeclaration) -> None:
    """Raise UsageError for declarations beside facesynth's own weights, which say themselves what they hold."""
    if schema is not None:
        hint = f"leave --schema out; the order of ids in the label maps that are written is --write-schema {schema}"
        raise UsageError("--schema is the order of a foreign parser's classes, *.onnx", where=parser, hint=hint)
    if declared.declared:
        raise UsageError("--parser-input is for a foreign parser, *.onnx", where=parser, hint="leave it out")
