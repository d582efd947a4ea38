"""The stages that parse share what they load, for as long as one of them is there."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import pytest

from facesynth.inference.parser import Parser
from facesynth.stages.segment import ProbabilitiesStage, SegmentStage
from tests.stages.test_replaced_weights import FACE, write_weights


def test_stages_with_the_same_settings_hold_one_parser_and_nobody_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, loaded, load = tmp_path / "mine.safetensors", list[weakref.ref[Parser]](), Parser.load

    def counted(*arguments: Any, **settings: Any) -> Parser:
        parser = load(*arguments, **settings)
        loaded.append(weakref.ref(parser))
        return parser

    monkeypatch.setattr(Parser, "load", counted)
    write_weights(path, 0)
    how: dict[str, Any] = {"parser": str(path), "device": "cpu", "engine": "eager"}
    stages: list[Any] = []

    def loaded_by(stage: Any) -> int:
        stages.append(stage)
        stage([FACE])
        return len(loaded)

    assert loaded_by(SegmentStage(**how)) == 1
    assert loaded_by(ProbabilitiesStage(**how)) == 1
    assert loaded_by(SegmentStage(**how | {"precision": "bf16"})) == 2, "other settings are another parser"
    assert loaded_by(ProbabilitiesStage(**how | {"batch_size": 2})) == 3
    write_weights(path, 1)
    assert loaded_by(SegmentStage(**how)) == 4, "and so are other weights"
    stages.clear()
    gc.collect()
    assert [parser() for parser in loaded] == [None] * 4
