"""Whole runs with styles of regions and with mixed styles: what they learn, exact resuming, files, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from facesynth.core.errors import ConfigError, TrainingError
from facesynth.core.labels import Label
from facesynth.core.styles import RegionsSource, Style
from facesynth.inference import networks
from facesynth.inference.encoder import Encoder
from facesynth.inference.synthesizer import Synthesizer
from facesynth.training.runs.settings import Schedule
from facesynth.training.runs.spade import GanLosses, OddMaps, SpadeRun
from facesynth.training.start import train_spade
from tests.drawn_pairs import drawn_face, drawn_labels, write_pairs
from tests.training.spade.test_runs import same, state_after
from tests.training.spade.test_style_draws import by_regions
from tests.training.test_runs import ignore, spade_run


def region_run(pairs: Path, **changes: object) -> SpadeRun:
    return by_regions(data=spade_run(pairs).data, **changes)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), 8)


@pytest.fixture(scope="module")
def trained(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a run of 400 images that may tell much of a face."""
    every = Schedule(stats=200, validation=0, samples=400, checkpoint=400)
    rates = {"generator_learning_rate": 3e-3, "discriminator_learning_rate": 1e-3}
    losses = GanLosses(kld=0.001, reconstruction=10.0)
    run = region_run(pairs, images=400, style_mixing=0.2, every=every, ema_half_life=40, losses=losses, **rates)
    path = train_spade(run, tmp_path_factory.mktemp("runs"), base=pairs, device="cpu", report=ignore)
    assert path is not None
    return path


def own_style(encoder: Encoder, seed: int) -> Style:
    labels = drawn_labels(seed)
    return encoder([drawn_face(labels, seed)], [labels])[0]


def test_the_hair_of_another_face_changes_the_hair(trained: Path) -> None:
    synthesizer, encoder = Synthesizer.load(trained, device="cpu"), Encoder.load(trained, device="cpu")
    labels, own = drawn_labels(0), own_style(encoder, 0)
    black = np.zeros_like(drawn_face(labels, 0).pixels)
    dark = encoder([replace(drawn_face(labels, 0), pixels=black)], [labels])[0]
    plain, changed = synthesizer([labels] * 2, [own, own.with_regions([Label.HAIR], dark)])
    change = np.abs(changed.pixels.astype(float) - plain.pixels).mean(2)
    inside = labels.ids == Label.HAIR
    assert change[inside].mean() > 2 * change[~inside].mean() > 0


def test_statistics_and_samples(trained: Path) -> None:
    rows = [json.loads(line) for line in (trained.parent / "stats.jsonl").read_text().splitlines()]
    assert all(np.isfinite(value) for row in rows for value in row.values())
    assert rows[-1]["loss/kld"] > 0.1  # nats per image: the posterior tells something
    assert rows[-1]["loss/reconstruction"] < rows[0]["loss/reconstruction"]
    assert (trained.parent / "samples/0000000400.png").is_file()


def test_the_average_is_learned_for_labels_that_are_seen(trained: Path) -> None:
    generator = networks.load(trained, ("generator",), torch.device("cpu"))["generator"][1]
    sizes = generator.get_parameter("regions.average").abs().mean(1)
    assert sizes[[Label.SKIN, Label.HAIR]].min() > 2 * sizes[[Label.HAT, Label.EYE_G]].max()  # drawn faces have neither


def test_a_file_tells_its_regions_and_gives_the_same_pictures(trained: Path, tmp_path: Path) -> None:
    (spec, generator), (encoder_spec, encoder) = networks.load(
        trained, ("generator", "encoder"), torch.device("cpu")
    ).values()
    assert spec.style_regions and encoder_spec.style_regions
    copy = tmp_path / "copy.safetensors"
    networks.save(copy, {"generator": (spec, generator), "encoder": (encoder_spec, encoder)}, half=True)
    labels = drawn_labels(3)
    one, other = (Synthesizer.load(path, device="cpu")([labels], [Style.from_seed(5)])[0] for path in (trained, copy))
    assert np.array_equal(one.pixels, other.pixels)  # halved once, halved for good


def test_codes_are_those_of_the_labels_that_a_face_shows(trained: Path) -> None:
    style = own_style(Encoder.load(trained, device="cpu"), 1)
    ((_, source),) = style.components
    assert isinstance(source, RegionsSource)
    assert {label for label, _ in source.codes} == set(np.unique(drawn_labels(1).ids))


@pytest.mark.parametrize("changes", [{}, {"encoder": None}], ids=["encoder", "none"])
def test_resuming_is_exact(pairs: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    changes |= {"style_mixing": 0.5, "region_dropping": 0.3, "odd_maps": OddMaps(share=0.5)}
    whole = state_after(region_run(pairs, images=24, **changes), tmp_path / "whole", pairs)
    state_after(region_run(pairs, images=12, **changes), tmp_path / "halves", pairs)
    halves = state_after(region_run(pairs, images=24, **changes), tmp_path / "halves", pairs)
    assert all(np.array_equal(whole[0][name], halves[0][name]) for name in whole[0])
    assert same(whole[1], halves[1])


def test_mixing_changes_a_run_with_whole_styles_and_only_then(pairs: Path, tmp_path: Path) -> None:
    plain, _ = state_after(spade_run(pairs, images=8), tmp_path / "plain", pairs)
    mixed, _ = state_after(spade_run(pairs, images=8, style_mixing=0.9), tmp_path / "mixed", pairs)
    off, _ = state_after(spade_run(pairs, images=8, style_mixing=0.0, region_dropping=0.7), tmp_path / "off", pairs)
    assert plain.keys() == mixed.keys()
    assert not all(np.array_equal(plain[key], mixed[key]) for key in plain)
    assert all(np.array_equal(plain[key], off[key]) for key in plain)


def test_a_run_starts_from_weights_of_its_kind_alone(pairs: Path, trained: Path, tmp_path: Path) -> None:
    path, _ = state_after(region_run(pairs, images=4, initial=str(trained)), tmp_path / "on", pairs)
    assert path
    with pytest.raises(ConfigError, match=r"its generator has .*style_regions True, not False"):
        state_after(spade_run(pairs, images=4, initial=str(trained)), tmp_path / "other", pairs)
    with pytest.raises(TrainingError, match="other settings"):
        state_after(spade_run(pairs, images=8), tmp_path / "on", pairs)


def test_what_does_not_go_together_is_refused(pairs: Path) -> None:
    run, regions = spade_run(pairs), region_run(pairs)
    assert run.encoder is not None and regions.encoder is not None
    with pytest.raises(ValueError, match=r"encoder\.style_regions is true: generator\.style_regions has to be too"):
        replace(run, encoder=regions.encoder)
    with pytest.raises(ValueError, match=r"generator\.style_regions is true: encoder\.style_regions has to be too"):
        replace(run, generator=regions.generator)
    with pytest.raises(ValueError, match=r"style_mixing needs generator\.style_affine"):
        spade_run(pairs, generator=replace(run.generator, style_affine=False), style_mixing=0.5)
    for name in ("style_mixing", "region_dropping"):
        for value in (-0.1, 1.5, float("nan")):
            with pytest.raises(ValueError, match=f"{name} is"):
                spade_run(pairs, **{name: value})
    with pytest.raises(ValueError, match="give generator and encoder as many"):
        spade_run(pairs, generator=replace(run.generator, labels=11))
    with pytest.raises(ValueError, match="give generator and encoder as many"):
        replace(regions, encoder=replace(regions.encoder, labels=20))
