"""What an ONNX file says of itself, and what may be declared beside that."""

from __future__ import annotations

import pytest

from facesynth.core.errors import UsageError
from facesynth.inference.foreign.declaration import InputDeclaration
from facesynth.inference.foreign.header import header_of

OWN = {"format": "facesynth-1", "labels": "celebamask-hq", "normalisation": "imagenet", "order": "rgb"}


def declared_of(metadata: dict[str, str], *declarations: str) -> InputDeclaration:
    schema = None if metadata else "facer"
    return header_of(metadata, "p.onnx", schema=schema, declared=InputDeclaration.parse(declarations)).declared


@pytest.mark.parametrize("declaration", ["order=bgr", "normalisation=0..1"])
def test_what_contradicts_our_own_export_is_refused(declaration: str) -> None:
    key, _, value = declaration.partition("=")
    said = rf"p\.onnx: its input is of {key}={OWN[key]}, not of {key}={value}; leave --parser-input {key}={value} out"
    with pytest.raises(UsageError, match=said):
        declared_of(OWN, "size=64", declaration)
    assert declared_of({}, declaration) == InputDeclaration.parse([declaration]), "another's file says nothing"


def test_what_our_own_export_says_too_or_leaves_open_may_be_declared() -> None:
    both = InputDeclaration(normalisation="imagenet", order="rgb")
    assert declared_of(OWN) == declared_of(OWN, "order=rgb") == both
    assert declared_of(OWN, "size=64").size == 64
    older = {key: value for key, value in OWN.items() if key != "order"}
    assert declared_of(older, "order=bgr").order == "bgr"
