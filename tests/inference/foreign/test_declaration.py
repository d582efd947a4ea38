"""What is declared of a foreign parser's input."""

from __future__ import annotations

import pytest

from facesynth.core.errors import UsageError
from facesynth.inference.foreign.declaration import InputDeclaration


@pytest.mark.parametrize(
    ("declarations", "said"),
    [
        (["size"], "declares nothing that is known"),
        (["sise=3"], "use size=512"),
        (["size=64", "size=64"], "comes twice"),
        (["size=x"], "is no number of pixels"),
        (["size=3"], "not in 16..4096"),
        (["order=gbr"], "use one of: rgb, bgr"),
        (["normalisation=0-1"], r"use one of: imagenet, 0\.\.1, -1\.\.1, 0\.\.255"),
    ],
)
def test_wrong_declarations_are_told(declarations: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        InputDeclaration.parse(declarations)
