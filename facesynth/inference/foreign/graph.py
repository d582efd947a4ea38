"""An ONNX file's bytes as protobuf, and what they tell of its graph: weights elsewhere, and outputs.

The numbers of fields are onnx.proto3's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

GRAPH, METADATA = 7, 14
"""A model's fields."""

# By the kind of a message: which of its fields hold which kind, on the way to all tensors, in subgraphs too.
_INSIDE: Mapping[str, Mapping[int, str]] = MappingProxyType(
    {
        "model": {GRAPH: "graph", 25: "function"},
        "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
        "function": {7: "node", 11: "attribute"},
        "node": {5: "attribute"},
        "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
        "sparse tensor": {1: "tensor", 2: "tensor"},
    }
)
_DATA_LOCATION, _EXTERNAL = 14, 1
_OUTPUT = 12
_FLOATS = (1, 10, 11, 16)
"""Types of elements: float32, float16, float64, bfloat16."""


def fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """The fields of a protobuf message: each one's number and bytes. Raises IndexError or ValueError for none."""
    place = 0
    while place < len(message):
        tag, start = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            _, end = _varint(message, start)
        elif kind in (1, 5):
            end = start + (8 if kind == 1 else 4)
        elif kind == 2:
            length, start = _varint(message, start)
            end = start + length
        else:
            raise ValueError(f"wire type {kind}")
        if end > len(message) or number == 0:
            raise IndexError(end)
        yield number, message[start:end]
        place = end


def has_outside_weights(model: memoryview) -> bool:
    """Whether a tensor of a model lies in another file. Raises as `fields` does."""
    left = [("model", model)]  # no recursion: a file may nest as deep as it likes
    while left:
        kind, message = left.pop()
        for number, value in fields(message):
            if kind == "tensor":
                if number == _DATA_LOCATION and _varint(value, 0)[0] == _EXTERNAL:
                    return True
            elif number in _INSIDE[kind]:
                left.append((_INSIDE[kind][number], value))
    return False


def may_answer_logits(model: memoryview, classes: int) -> bool:
    """Whether an output of a model is, or may be, numbers for so many classes. Raises as `fields` does.

    What it does not say of its shape may be so: only when it runs is that known.
    """
    return any(
        _may_be_logits(output, classes)
        for number, graph in fields(model)
        if number == GRAPH
        for inner, output in fields(graph)
        if inner == _OUTPUT
    )


def _may_be_logits(output: memoryview, classes: int) -> bool:
    tensor = _field(_field(output, 2), 1)  # its type, as that of a tensor
    element, shape = _field(tensor, 1), _field(tensor, 2)
    if element is not None and _varint(element, 0)[0] not in _FLOATS:
        return False
    if shape is None:
        return True
    sides = [_field(side, 1) for number, side in fields(shape) if number == 1]
    known = [None if side is None else _varint(side, 0)[0] for side in sides]
    return len(known) == 4 and any(known[axis] in (None, classes) for axis in (1, 3))


def _field(message: memoryview | None, wanted: int) -> memoryview | None:
    """The last field of that number, which counts; None for none."""
    found = None
    for number, value in () if message is None else fields(message):
        found = value if number == wanted else found
    return found


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of up to 64 bits, 7 in a byte, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number of more than 64 bits")
