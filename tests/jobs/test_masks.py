"""The job behind `facesynth masks`: what it makes, what it finds again, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesynth.core.errors import FacesynthError, UsageError
from facesynth.core.faces import Face
from facesynth.core.labels import Label, LabelMap
from facesynth.core.refs import Outcome
from facesynth.evaluation.masks.findings import MaskFindings
from facesynth.inference.mask_reading import MaskedLayer, masked_layers, read_masks
from facesynth.inference.residual_weights import read_residual_weights
from facesynth.inference.sampler import Sampler
from facesynth.jobs.execution import Execution
from facesynth.jobs.masks import MOST_SEEDS, Drawing, attributes_told, check_masks, chosen_layers, masks
from facesynth.jobs.session import Session
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec
from facesynth.stages.sample import SampleStage
from facesynth.stages.segment import SegmentStage
from facesynth.store import ArtifactStore
from tests.jobs.conftest import Listener
from tests.tiny_generators import PETS, tiny_spec, write_generator

Run = Callable[..., tuple[MaskFindings | None, Session]]
FILES = {"overview.png", "masks.json", "report.html", "report.json"}


class Bright(SegmentStage):
    """Takes what is brighter than a picture's median for skin; cannot parse the picture of `refused`."""

    refused: bytes | None = None

    @property
    def weights(self) -> dict[str, str]:
        return {"parser": "f" * 64}

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[LabelMap]]:
        found: list[Outcome[LabelMap]] = []
        for face in batch:
            if face.photo.pixels.tobytes() == self.refused:
                raise FacesynthError("cannot be parsed")
            light = face.photo.pixels.mean(2)
            head = light > np.median(light)
            found.append(LabelMap(np.where(head, Label.SKIN, Label.BACKGROUND).astype(np.uint8)))
        return found


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Carry out the job on a tiny generator, into a folder called `out`."""

    def carried_out(
        spec: ResnetGeneratorSpec | None = None,
        parser: SegmentStage | None = None,
        dry_run: bool = False,
        **drawing: Any,
    ) -> tuple[MaskFindings | None, Session]:
        spec = spec or tiny_spec()
        path = write_generator(tmp_path / "tiny.safetensors", spec, PETS if spec.classes else ())
        told = read_residual_weights(path)
        execution = Execution(store=ArtifactStore(tmp_path / "cache"), progress=Listener(), dry_run=dry_run)
        with Session("masks", [path], tmp_path / "out", execution, suffixes=frozenset({".safetensors"})) as session:
            sample = SampleStage(str(path), spec.size, device="cpu")
            found = masks(session, sample, parser, told, range(10), Drawing(**{"channels": 2, "rows": 3, **drawing}))
        return found, session

    return carried_out


@pytest.mark.parametrize("spec", [tiny_spec(), tiny_spec("cspn", 3), tiny_spec(mask="one")], ids=["spn", "cspn", "one"])
def test_every_layer_is_drawn_and_measured(spec: ResnetGeneratorSpec, tmp_path: Path, run: Run) -> None:
    found, session = run(spec, Bright("bright"))
    names = [f"blocks.{block}.norm_{norm}" for block in (0, 1) for norm in (0, 1)]
    assert found is not None and [layer.layer.name for layer in found.layers] == names
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES | {"layers"}
    assert {path.stem for path in (tmp_path / "out" / "layers").iterdir()} == set(names)
    told = json.loads((tmp_path / "out" / "masks.json").read_text("utf-8"))
    assert told["best"]["skin"] is not None and told["best"]["hair"] is None and told["seeds"] == list(range(10))
    [row] = session.report.rows
    assert row.part == "masks" and set(row.outputs) == {f"layers/{name}.png" for name in names} | FILES - {
        "report.json"
    }
    assert session.report.weights["segment/parser"] == "f" * 64
    progress = session.execution.progress
    assert isinstance(progress, Listener) and progress.done == progress.total


def test_layers_and_channels_that_are_wanted_are_drawn_alone(tmp_path: Path, run: Run) -> None:
    found, _ = run(layers=("last", "1"), channels=3)
    assert found is not None and found.parser is None and "nothing was parsed" in found.headline()
    assert {path.stem for path in (tmp_path / "out" / "layers").iterdir()} == {"blocks.0.norm_0", "blocks.1.norm_1"}
    assert [len(channels) for channels in found.drawn.values()] == [3, 3]


def test_a_dry_run_counts_pictures_and_label_maps(tmp_path: Path, run: Run) -> None:
    found, session = run(parser=Bright("bright"), dry_run=True)
    assert found is None and session.estimate.missing == {"sample": 10, "segment": 10}
    assert not (tmp_path / "out").exists()


def test_a_picture_that_cannot_be_parsed_is_left_out_and_told(run: Run) -> None:
    whole, _ = run(parser=Bright("bright"))
    parser = Bright("other")
    parser.refused = Sampler.load(whole_path(run), device="cpu")([4])[0].pixels.tobytes()
    parser.precision = "bf16"  # another key: nothing is found
    found, session = run(parser=parser)
    assert whole is not None and found is not None and found.seeds == tuple(n for n in range(10) if n != 4)
    [problem] = session.report.rows.problems
    assert problem.part == "seed 4" and session.report.exit_code == 3


def whole_path(run: Run) -> Path:
    """The weights that the fixture's runs are of."""
    _, session = run()
    return Path(session.inputs[0])


def test_attributes_are_those_of_every_picture_and_of_what_is_read_of_it(tmp_path: Path) -> None:
    path = write_generator(tmp_path / "tiny.safetensors", tiny_spec("cspn", 3), PETS, multi=True)
    told = read_residual_weights(path)
    with pytest.raises(UsageError, match="give --attributes"):
        attributes_told(told, None)
    execution = Execution(store=ArtifactStore(tmp_path / "cache"), progress=Listener())
    variation = []
    for name, attributes in (("one", {"dog": 1.0}), ("two", {"dog": 1.0, "cat": 1.0})):
        weights = attributes_told(told, attributes)
        with Session("masks", [path], tmp_path / name, execution, suffixes=frozenset({".safetensors"})) as session:
            stage = SampleStage(str(path), 16, device="cpu")
            found = masks(session, stage, None, told, range(3), Drawing(2, 3, ("last",)), weights)
        assert found is not None and len(found.layers) == 1
        variation.append(found.layers[0].variation)
    sampler = Sampler.load(path, device="cpu")
    layer = masked_layers(sampler)[-1]
    read = read_masks(sampler, range(3), [(1.0, 1.0, 0.0)] * 3, {layer.name: range(layer.masks)})[layer.name]
    np.testing.assert_allclose(variation[1], read.astype(float).std((2, 3)).mean(0), atol=1e-4)
    assert np.abs(variation[0] - variation[1]).max() > 1e-3


def test_generators_without_masks_are_refused_and_so_are_too_many_seeds(tmp_path: Path) -> None:
    for name, spec in (("batch", tiny_spec("batch")), ("ccbn", tiny_spec("cspn", 3, starred=0))):
        told = read_residual_weights(write_generator(tmp_path / f"{name}.safetensors", spec))
        with pytest.raises(UsageError, match=f"no masks: its blocks normalise by {name}"):
            check_masks(told, range(4))
    told = read_residual_weights(write_generator(tmp_path / "spn.safetensors", tiny_spec()))
    check_masks(told, range(MOST_SEEDS))
    with pytest.raises(UsageError, match="at most 256"):
        check_masks(told, range(MOST_SEEDS + 1))


def test_layers_are_named_or_numbered() -> None:
    layers = [MaskedLayer(name, 8, 4, 4) for name in ("a.norm", "b.norm", "c.norm")]
    assert [layer.name for layer in chosen_layers(layers, ("last", "1", "a.norm"))] == ["a.norm", "c.norm"]
    assert len(chosen_layers(layers, ())) == 3
    with pytest.raises(UsageError, match=r"4: no layer.*1 a\.norm, 2 b\.norm"):
        chosen_layers(layers, ("4",))
