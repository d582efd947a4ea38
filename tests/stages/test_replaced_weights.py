"""Weights that are replaced while a run goes on, and sizes that no picture has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from facesynth.core.errors import UsageError, WeightsError
from facesynth.core.faces import Face
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Origin, Ref
from facesynth.core.styles import Style
from facesynth.inference import networks
from facesynth.inference.encoder import Encoder
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.specs import EncoderSpec, GeneratorSpec, ParserSpec
from facesynth.pipeline import run
from facesynth.stages.encode import EncodeStage
from facesynth.stages.segment import SegmentStage
from facesynth.stages.synthesize import SynthesizeStage
from facesynth.store import ArtifactStore, list_entries

FACE = Face.from_aligned(Photo(np.zeros((64, 64, 3), dtype=np.uint8)))
STAGES: dict[str, Any] = {"segment": SegmentStage, "encode": EncodeStage, "synthesize": SynthesizeStage}
PAINTED = (LabelMap(np.zeros((64, 64), dtype=np.uint8)), Style.from_seed(1))


def write_weights(path: Path, seed: int) -> None:
    """A tiny parser, generator and encoder in one file."""
    torch.manual_seed(seed)
    specs: dict[str, networks.Spec] = {
        "parser": ParserSpec(size=64, pyramid_channels=8, detail_channels=8),
        "generator": GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=8, spade_hidden=4),
        "encoder": EncoderSpec(size=64, style_channels=8, width=4, max_width=8, blocks=4),
    }
    networks.save(path, {name: (spec, networks.build(spec)) for name, spec in specs.items()})


@pytest.mark.parametrize("kind", ["segment", "encode", "synthesize"])
def test_weights_that_are_replaced_before_they_are_loaded_make_nothing(kind: str, tmp_path: Path) -> None:
    """Their results were once cached under the sha256 of the weights before them."""
    path, store = tmp_path / "mine.safetensors", ArtifactStore(tmp_path / "cache")
    write_weights(path, 0)
    stage: Any = STAGES[kind](str(path), device="cpu")
    declared = stage.weights

    def replaced() -> Any:
        write_weights(path, 1)
        return PAINTED if kind == "synthesize" else FACE

    with pytest.raises(WeightsError, match=r"mine\.safetensors: the file changed while it was being read; run again"):
        list(run(stage, [Ref("0" * 64, Origin("face"), replaced)], store))
    assert stage.weights == declared
    assert list(list_entries(store.root, kind)) == []


def test_a_network_is_known_by_the_bytes_that_it_was_made_of(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    write_weights(path, 0)
    for loader, stage in ((Encoder, EncodeStage(str(path))), (Synthesizer, SynthesizeStage(str(path)))):
        (declared,) = stage.weights.values()
        assert loader.load(path, device="cpu").identity == declared
        with pytest.raises(WeightsError, match="run again"):
            loader.load(path, device="cpu", sha256="0" * 64)


@pytest.mark.parametrize("size", [-3, 0, 15, 4097, 100_000])
def test_pictures_of_impossible_sizes_are_refused_before_anything_is_loaded(size: int) -> None:
    with pytest.raises(UsageError, match=f"16 to 4096 pixels wide, not {size}"):
        SynthesizeStage(size=size)
    assert SynthesizeStage(size=16).size == 16 and SynthesizeStage(size=4096).size == 4096
