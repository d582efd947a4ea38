"""Whole runs with every option of the SPADE job: exact resuming, both discriminators or one, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from facesynth.config import find_pipeline, load_pipeline
from facesynth.core.errors import TrainingError, UsageError
from facesynth.models.pattern_spade.finding import BatchPatterns, batch_patterns
from facesynth.models.specs import DiscriminatorSpec, SegmentationDiscriminatorSpec
from facesynth.training import checkpoint, fit_spade
from facesynth.training.runs.spade import DiffAugment, OddMaps, SpadeRun
from facesynth.training.start import train_spade
from tests.drawn_pairs import write_pairs
from tests.training.test_runs import ignore, spade_run

CRITIC = SegmentationDiscriminatorSpec(depth=4, width=4, max_width=16)
EVERYTHING: dict[str, object] = {
    "segmentation_discriminator": CRITIC,
    "diff_augment": DiffAugment(colour=1, translation=0.125, cutout=0.5),
    "odd_maps": OddMaps(share=0.5),
}
ROWS = ("segmentation", "segmentation-alone", "diffaugment", "odd-maps", "regions", "style-mixing", "all")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), 8)


def state_after(run: SpadeRun, runs: Path, base: Path) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """(the weights, the whole last checkpoint) of a run, or of the rest of it."""
    path = train_spade(run, runs, base=base, device="cpu", report=ignore)
    state = checkpoint.load_latest(runs / run.name)
    assert path is not None and state is not None
    return load_file(path), state


def same(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return (
        torch.equal(one, other) if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor) else one == other
    )


@pytest.mark.parametrize("regions", [False, True])
def test_patterns_of_labels_give_the_gradients_of_pixels(pairs: Path, tmp_path: Path, regions: bool) -> None:
    run = spade_run(pairs, images=4, style_mixing=0.5, **EVERYTHING)
    assert run.encoder is not None
    if regions:
        run = replace(
            run,
            generator=replace(run.generator, style_regions=True),
            encoder=replace(run.encoder, style_regions=True),
        )
    wanted, found = (
        _gradients(state_after(replace(run, label_patterns=how), tmp_path / how, pairs)[1])
        for how in ("never", "always")
    )
    assert len(wanted) > 100
    for name, dense in wanted.items():
        assert (found[name] - dense).abs().max() <= 1e-4 * dense.abs().max() + 1e-7, name


def test_patterns_of_labels_are_found_where_they_are_meant_to_be(pairs: Path, tmp_path: Path) -> None:
    seen: list[torch.Size] = []

    def noted(ids: torch.Tensor, labels: int) -> BatchPatterns:
        seen.append(ids.shape)
        return batch_patterns(ids, labels)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_spade, "batch_patterns", noted)
        state_after(spade_run(pairs, images=4, label_patterns="never"), tmp_path, pairs)
        assert not seen
        state_after(spade_run(pairs, images=8), tmp_path, pairs)  # the same run goes on by patterns
    assert {tuple(shape[1:]) for shape in seen} == {(64, 64)}, "below, most pixels have a pattern of their own"
    assert spade_run(pairs, compile=True).by_patterns("cpu") is False
    assert spade_run(pairs).by_patterns("cuda") is False
    assert spade_run(pairs, label_patterns="always").by_patterns("cuda") is True
    with pytest.raises(ValueError, match="label_patterns: always and compile: true exclude each other"):
        spade_run(pairs, label_patterns="always", compile=True)


def _gradients(state: dict[str, object]) -> dict[int, torch.Tensor]:
    """Those of the last step, of encoder and generator: with β₁ = 0 Adam's first moment is the gradient."""
    adam = state["adam_g"]
    assert isinstance(adam, dict)
    return {name: each["exp_avg"] for name, each in adam["state"].items()}


@pytest.mark.parametrize("changes", [EVERYTHING, {**EVERYTHING, "discriminator": None}], ids=["both", "alone"])
def test_resuming_is_exact_with_every_option(pairs: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    whole = state_after(spade_run(pairs, images=24, **changes), tmp_path / "whole", pairs)
    state_after(spade_run(pairs, images=12, **changes), tmp_path / "halves", pairs)
    halves = state_after(spade_run(pairs, images=24, **changes), tmp_path / "halves", pairs)
    assert all(np.array_equal(whole[0][name], halves[0][name]) for name in whole[0])
    assert same(whole[1], halves[1])


def test_every_option_changes_the_run_and_a_run_without_any_is_as_before(pairs: Path, tmp_path: Path) -> None:
    plain, state = state_after(spade_run(pairs, images=8), tmp_path / "plain", pairs)
    assert set(state) == {"nimg", "painter", "ema", "adam_g", "discriminator", "adam_d"}
    for name, option in EVERYTHING.items():
        changed, _ = state_after(spade_run(pairs, images=8, **{name: option}), tmp_path / name, pairs)
        assert changed.keys() == plain.keys()
        assert not all(np.array_equal(changed[key], plain[key]) for key in plain)
    off = {"diff_augment": DiffAugment(), "odd_maps": OddMaps(redrawn=1.0)}
    again, _ = state_after(spade_run(pairs, images=8, **off), tmp_path / "off", pairs)
    assert all(np.array_equal(again[key], plain[key]) for key in plain)


def test_the_other_networks_start_alike_with_and_without_a_segmentation_discriminator(
    pairs: Path, tmp_path: Path
) -> None:
    still = {"images": 4, "generator_learning_rate": 0.0, "discriminator_learning_rate": 0.0}
    _, plain = state_after(spade_run(pairs, **still), tmp_path / "plain", pairs)
    _, beside = state_after(spade_run(pairs, segmentation_discriminator=CRITIC, **still), tmp_path / "beside", pairs)
    assert same(plain["painter"], beside["painter"]) and same(plain["discriminator"], beside["discriminator"])


def test_statistics_name_the_losses_of_each_discriminator(pairs: Path, tmp_path: Path) -> None:
    def told(name: str, **changes: object) -> dict[str, float]:
        state_after(spade_run(pairs, name=name, images=8, **changes), tmp_path, pairs)
        [row] = [json.loads(line) for line in (tmp_path / name / "stats.jsonl").read_text().splitlines()]
        assert all(np.isfinite(value) for value in row.values())
        return dict(row)

    patch = {"loss/adversarial", "loss/feature_matching", "loss/discriminator", "score/real", "score/fake"}
    segmentation = {"loss/segmentation", "loss/segmentation_discriminator", "loss/label_mix"}
    segmentation |= {"score/labelled", "score/unmasked"}
    both, alone, plain = told("both", **EVERYTHING), told("alone", **{**EVERYTHING, "discriminator": None}), told("p")
    assert both.keys() >= patch | segmentation
    assert alone.keys() >= segmentation and not alone.keys() & patch
    assert plain.keys() >= patch and not plain.keys() & segmentation


def test_a_run_does_not_go_on_with_other_discriminators(pairs: Path, tmp_path: Path) -> None:
    state_after(spade_run(pairs, images=8), tmp_path, pairs)
    with pytest.raises(TrainingError, match="other settings: segmentation_discriminator"):
        train_spade(spade_run(pairs, **EVERYTHING), tmp_path, base=pairs, device="cpu", report=ignore)


def test_a_run_of_before_these_options_goes_on(pairs: Path, tmp_path: Path) -> None:
    state_after(spade_run(pairs, images=8), tmp_path, pairs)
    recipe = tmp_path / "tiny/run.json"
    told = json.loads(recipe.read_text())
    for key in ("segmentation_discriminator", "keep_discriminators", "diff_augment", "odd_maps"):
        del told["config"][key]
    for key in ("segmentation", "label_mix"):
        del told["config"]["losses"][key]
    recipe.write_text(json.dumps(told))
    _, state = state_after(spade_run(pairs, images=16, keep_discriminators=False), tmp_path, pairs)
    assert state["nimg"] == 16


def test_a_painter_learns_from_the_segmentation_discriminator_alone(pairs: Path, tmp_path: Path) -> None:
    """Without any comparison with the photos its pictures come to be taken for their labels more and more."""
    run = spade_run(
        pairs,
        generator=replace(spade_run(pairs).generator, size=32, start=1),
        discriminator=None,
        segmentation_discriminator=replace(CRITIC, width=8, max_width=32),
        images=320,
        generator_learning_rate=2e-3,
        discriminator_learning_rate=2e-3,
    )
    run = replace(run, losses=replace(run.losses, reconstruction=0.0), every=replace(run.every, stats=80))
    state_after(run, tmp_path, pairs)
    rows = [json.loads(line) for line in (tmp_path / "tiny/stats.jsonl").read_text().splitlines()]
    for name in ("loss/segmentation", "loss/segmentation_discriminator"):
        assert rows[-1][name] < 0.7 * rows[0][name]
    assert rows[-1]["score/labelled"] > rows[0]["score/labelled"] + 0.05


def test_impossible_discriminators_are_refused(pairs: Path) -> None:
    with pytest.raises(ValueError, match="both null: a run needs one"):
        spade_run(pairs, discriminator=None)
    with pytest.raises(ValueError, match=r"depth is 7: generator\.size 64 is no multiple of 128"):
        spade_run(pairs, segmentation_discriminator=replace(CRITIC, depth=7))
    for changes in (
        {"discriminator": DiscriminatorSpec(labels=11)},
        {"segmentation_discriminator": replace(CRITIC, labels=20)},
    ):
        with pytest.raises(ValueError, match="label maps have 19 labels"):
            spade_run(pairs, **changes)
    with pytest.raises(ValueError, match=r"cutout is 1\.5"):
        DiffAugment(cutout=1.5)
    with pytest.raises(ValueError, match="share is nan"):
        OddMaps(share=float("nan"))


@pytest.mark.parametrize("row", ROWS)
def test_rows_of_the_ablation_differ_in_what_they_are_named_after(row: str) -> None:
    plain = load_pipeline(find_pipeline("ablation/spade-128-plain"))
    run = load_pipeline(find_pipeline(f"ablation/spade-128-{row}"))
    assert isinstance(plain, SpadeRun) and isinstance(run, SpadeRun)
    assert (run.segmentation_discriminator is not None) == ("segmentation" in row or row == "all")
    assert (run.discriminator is None) == (row == "segmentation-alone")
    assert (run.diff_augment != DiffAugment()) == (row in ("diffaugment", "all"))
    assert (run.odd_maps.share > 0) == (row in ("odd-maps", "all"))
    assert (run.style_mixing > 0) == (row == "style-mixing")
    assert run.generator.style_regions == (row == "regions")
    assert run.encoder is not None
    told: dict[str, object] = {
        "name": plain.name,
        "generator": replace(run.generator, style_regions=False),
        "encoder": replace(run.encoder, style_regions=False),
        "discriminator": plain.discriminator,
        "segmentation_discriminator": None,
        "diff_augment": DiffAugment(),
        "odd_maps": OddMaps(),
        "style_mixing": 0.0,
    }
    assert replace(run, **told) == plain  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [128, 256])
def test_the_preset_face_has_noise_in_every_block_and_mixes_styles_with_regions_or_without(size: int) -> None:
    file = find_pipeline(f"face-spade-{size}")
    regions = ("generator.style_regions=true", "encoder.style_regions=true")
    for run in (load_pipeline(file), load_pipeline(file, regions)):
        assert isinstance(run, SpadeRun) and run.encoder is not None
        assert run.generator.size == run.encoder.size == size
        assert run.generator.noise and run.generator.style_affine and run.style_mixing > 0
    with pytest.raises(UsageError, match=r"encoder\.style_regions has to be too"):
        load_pipeline(file, regions[:1])
