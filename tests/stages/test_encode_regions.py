"""The stage that reads the style of each region: a golden result, and keys that hold the label map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from facesynth.core.errors import StyleError
from facesynth.core.faces import Face
from facesynth.core.labels import Label, LabelMap
from facesynth.core.refs import Done, Failed, Item, Origin, PairRef, Ref
from facesynth.core.styles import CodeSource, RegionsSource, Style
from facesynth.inference import networks
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import EncoderSpec, GeneratorSpec
from facesynth.pipeline import run
from facesynth.stages.encode import EncodeRegionsStage, EncodeStage, reads_regions
from facesynth.stages.synthesize import SynthesizeStage
from facesynth.store import ArtifactStore
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.inference.test_region_styles import ENCODER, GENERATOR

LABELS = drawn_labels(0)
GOLDEN = {
    "skin": [-0.8054, 0.0179, 0.7129],
    "hair": [-0.5606, -0.5847, 0.8251],
    "l_eye": [-1.1301, 0.0902, 0.9128],
    "cloth": [0.7936, -0.6041, -0.5372],
}
WHOLE = [0.9860, -0.2740, -0.9156]
FACE = Face.from_aligned(drawn_face(LABELS, 0))


def with_known_numbers(network: nn.Module) -> nn.Module:
    """The network with parameters that are the same in every version of torch."""
    for parameter in network.parameters():
        count = parameter.numel()
        parameter.data = torch.sin(torch.arange(count) * 1.7 + count).view_as(parameter) / max(1, parameter[0].numel())
    return network.eval()


def weights_file(folder: Path, painted: GeneratorSpec, read: EncoderSpec) -> str:
    """A weights file of a tiny generator and its encoder."""
    parts: dict[str, Any] = {
        "generator": (painted, with_known_numbers(SpadeGenerator(painted))),
        "encoder": (read, with_known_numbers(StyleEncoder(read))),
    }
    networks.save(folder / "tiny.safetensors", parts, half=False)
    return str(folder / "tiny.safetensors")


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of regions."""
    return weights_file(tmp_path_factory.mktemp("regions"), GENERATOR, ENCODER)


@pytest.fixture(scope="module")
def whole_face(tmp_path_factory: pytest.TempPathFactory) -> str:
    """With one style for the whole face."""
    specs = replace(GENERATOR, style_regions=False), replace(ENCODER, style_regions=False)
    return weights_file(tmp_path_factory.mktemp("whole"), *specs)


def test_encode_regions_version_1(generator: str) -> None:
    (style,) = EncodeRegionsStage(generator, device="cpu")([(FACE, LABELS)])
    assert isinstance(style, Style)
    ((_, source),) = style.components
    assert isinstance(source, RegionsSource)
    assert EncodeRegionsStage.version == 1
    found = {label.name.lower(): vector[:3] for label, vector in source.vectors.items()}
    for label, expected in GOLDEN.items():
        assert found[label] == pytest.approx(expected, abs=0.002), "the result changed: raise the stage's version"


def item(labels: LabelMap) -> Item[tuple[Face, LabelMap]]:
    known = Ref(labels.ids.tobytes().hex()[-64:], Origin("labels"), lambda: labels)
    return PairRef(Ref("0" * 64, Origin("face"), lambda: FACE), known)


def test_results_come_back_from_the_cache_for_the_same_label_map_alone(generator: str, tmp_path: Path) -> None:
    ids = LABELS.ids.copy()
    ids[-1, :] = Label.BACKGROUND
    maps = [LABELS, LABELS, LabelMap(ids)]
    stage, store = EncodeRegionsStage(generator, device="cpu"), ArtifactStore(tmp_path)
    results = [next(run(stage, [item(labels)], store)) for labels in maps]
    assert all(isinstance(result, Done) for result in results)
    first, second, other = (result for result in results if isinstance(result, Done))
    assert [first.cached, second.cached, other.cached] == [False, True, False]
    assert first.ref.load() == second.ref.load() != other.ref.load()
    assert first.ref.digest == first.ref.load().digest()


def test_what_was_read_is_what_is_painted(generator: str) -> None:
    (style,) = EncodeRegionsStage(generator, device="cpu")([(FACE, LABELS)])
    assert isinstance(style, Style)
    changed = style.with_regions([Label.HAIR], Style.from_seed(1))
    one, other = SynthesizeStage(generator, device="cpu")([(LABELS, style), (LABELS, changed)])
    assert not np.array_equal(one.pixels, other.pixels)  # type: ignore[union-attr]


def test_encode_version_1(whole_face: str) -> None:
    (style,) = EncodeStage(whole_face, device="cpu")([FACE])
    assert isinstance(style, Style)
    ((_, source),) = style.components
    assert isinstance(source, CodeSource) and EncodeStage.version == 1
    assert source.vector[:3] == pytest.approx(WHOLE, abs=0.002), "the result changed: raise the stage's version"


def test_a_file_tells_which_stage_reads_its_faces(generator: str, whole_face: str) -> None:
    assert reads_regions(generator) and not reads_regions(whole_face)
    stage: EncodeStage = EncodeStage(generator, device="cpu")
    result = next(run(stage, [Ref("0" * 64, Origin("face"), lambda: FACE)], None))
    assert isinstance(result, Failed) and isinstance(result.error, StyleError)
    assert EncodeRegionsStage(generator).weights == stage.weights
    assert EncodeRegionsStage(generator, precision="bf16").config != EncodeRegionsStage(generator).config
    assert EncodeRegionsStage(generator, device="cuda", batch_size=2).config == EncodeRegionsStage(generator).config
