"""Discriminators in a weights file: kept when asked for, and taken up by a run that starts from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from facesynth.core.errors import ConfigError
from facesynth.core.styles import Style
from facesynth.inference import networks
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.specs import DiscriminatorSpec, SegmentationDiscriminatorSpec
from facesynth.training import checkpoint
from facesynth.training.start import train_spade
from tests.drawn_pairs import drawn_labels, write_pairs
from tests.training.test_runs import ignore, spade_run

CRITIC = SegmentationDiscriminatorSpec(depth=4, width=4, max_width=16)
STILL = {"images": 4, "generator_learning_rate": 0.0, "discriminator_learning_rate": 0.0}
BOTH = ("discriminator", "segmentation_discriminator")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), 8)


@pytest.fixture(scope="module")
def kept(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = spade_run(pairs, segmentation_discriminator=CRITIC, keep_discriminators=True, images=16)
    path = train_spade(run, tmp_path_factory.mktemp("runs"), base=pairs, device="cpu", report=ignore)
    assert path is not None
    return path


def parts(path: Path) -> set[str]:
    return {key.partition(".")[0] for key in load_file(path)}


def test_they_are_in_the_file_only_when_asked_for(pairs: Path, kept: Path, tmp_path: Path) -> None:
    assert parts(kept) == {"generator", "encoder", *BOTH}
    run = spade_run(pairs, segmentation_discriminator=CRITIC, images=16)
    without = train_spade(run, tmp_path, base=pairs, device="cpu", report=ignore)
    assert without is not None and parts(without) == {"generator", "encoder"}
    mine, theirs = load_file(kept), load_file(without)
    assert all(np.array_equal(mine[key], theirs[key]) for key in theirs)
    picture = Synthesizer.load(kept, device="cpu")([drawn_labels(0)], [Style.from_seed(0)])[0]
    assert picture.width == 64  # who paints with the file minds nothing of it


def test_the_file_holds_what_was_trained(kept: Path) -> None:
    found = networks.load(kept, BOTH, torch.device("cpu"))
    state = checkpoint.load_latest(kept.parent)
    assert state is not None and found["segmentation_discriminator"][0] == CRITIC
    trained = networks.build(CRITIC)
    trained.load_state_dict(state["segmentation"]["network"])
    pictures = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        expected, loaded = trained.eval()(pictures), found["segmentation_discriminator"][1](pictures)
    torch.testing.assert_close(loaded, expected, atol=0.02, rtol=0.02)  # half precision in the file


def begun(pairs: Path, runs: Path, initial: Path | None, **changes: object) -> dict[str, torch.Tensor]:
    """A segmentation discriminator's last layer, and the patch discriminator's, before the first step of a run."""
    run = spade_run(pairs, initial=None if initial is None else str(initial), **STILL, **changes)
    assert train_spade(run, runs, base=pairs, device="cpu", report=ignore) is not None
    state = checkpoint.load_latest(runs / "tiny")
    assert state is not None
    found = {"discriminator": state["discriminator"]["scales.0.score.weight"]} if "discriminator" in state else {}
    segmentation = state.get("segmentation")
    return found | ({"segmentation_discriminator": segmentation["network"]["classify.weight"]} if segmentation else {})


def test_a_run_that_starts_from_the_file_takes_up_those_it_has(pairs: Path, kept: Path, tmp_path: Path) -> None:
    stored = load_file(kept)
    last = {
        "discriminator": torch.tensor(stored["discriminator.scales.0.score.weight"]).float(),
        "segmentation_discriminator": torch.tensor(stored["segmentation_discriminator.classify.weight"]).float(),
    }
    both = begun(pairs, tmp_path / "a", kept, segmentation_discriminator=CRITIC)
    assert all(torch.equal(both[part], last[part]) for part in BOTH)
    patches = begun(pairs, tmp_path / "b", kept)
    assert patches.keys() == {"discriminator"} and torch.equal(patches["discriminator"], last["discriminator"])
    alone = begun(pairs, tmp_path / "c", kept, segmentation_discriminator=CRITIC, discriminator=None)
    assert alone.keys() == {"segmentation_discriminator"}
    assert torch.equal(alone["segmentation_discriminator"], last["segmentation_discriminator"])


def test_what_a_file_does_not_hold_starts_anew(pairs: Path, tmp_path: Path) -> None:
    bare = train_spade(spade_run(pairs, images=8), tmp_path / "bare", base=pairs, device="cpu", report=ignore)
    assert bare is not None
    found = begun(pairs, tmp_path / "a", bare, segmentation_discriminator=CRITIC)
    anew = begun(pairs, tmp_path / "b", None, segmentation_discriminator=CRITIC)
    assert all(torch.equal(found[part], anew[part]) for part in BOTH)


def test_a_discriminator_of_another_size_is_named(pairs: Path, kept: Path, tmp_path: Path) -> None:
    for changes, said in (
        ({"discriminator": DiscriminatorSpec(layers=3, width=8, max_width=16)}, "its discriminator has width 4, not 8"),
        (
            {"segmentation_discriminator": SegmentationDiscriminatorSpec(depth=5, width=4, max_width=16)},
            "its segmentation_discriminator has depth 4, not 5",
        ),
    ):
        run = spade_run(pairs, initial=str(kept), **changes)
        with pytest.raises(ConfigError, match=said):
            train_spade(run, tmp_path, base=pairs, device="cpu", report=ignore)
