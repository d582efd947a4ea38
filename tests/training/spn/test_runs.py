"""Whole runs of residual generators: exact resuming, what arms share, budgets of time, and what is refused."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor

from facesynth.core.errors import ConfigError, InputError, TrainingError, UsageError
from facesynth.inference.sampler import Sampler
from facesynth.models.resnet_gan.specs import GanNormalisation
from facesynth.training import checkpoint
from facesynth.training.runs.settings import Schedule
from facesynth.training.runs.spn import ImageData, SampleWatch
from facesynth.training.spn.batches import Batches
from facesynth.training.start import train_spn
from facesynth.weights import read_header
from tests.datasets.image_sets.drawn import write_attributes, write_classes, write_image
from tests.training.shared_batches import tensors_of
from tests.training.spn.tiny import CLASSES, MEMBERS, ignore, networks, spn_run, trained


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images a class, 8×8."""
    folder = tmp_path_factory.mktemp("images")
    for seed, name in enumerate(f"{name}/{number}.png" for name in CLASSES for number in range(6)):
        write_image(folder / name, seed, 8, 8)
    return folder


def state_of(run: Path) -> dict[str, Tensor]:
    return dict(tensors_of(checkpoint.load_latest(run)))


def rows_of(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("member", MEMBERS)
def test_resuming_gives_the_very_same_state_and_weights(images: Path, tmp_path: Path, member: GanNormalisation) -> None:
    run = spn_run(images, **networks(member), data=ImageData(folder=str(images), flip=True))
    once = trained(run, tmp_path / "once")
    trained(replace(run, images=16), tmp_path / "twice")
    twice = trained(run, tmp_path / "twice")
    ours, theirs = load_file(once), load_file(twice)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if not np.array_equal(ours[name], theirs[name])] == []
    ours_state, theirs_state = state_of(once.parent), state_of(twice.parent)
    assert len(ours_state) > 20
    assert [name for name in ours_state if not torch.equal(ours_state[name], theirs_state[name])] == []


def test_runs_of_one_seed_see_the_same_images_and_the_same_noise(images: Path, tmp_path: Path) -> None:
    """Whatever the generator, its classes, and the length of the run."""
    seen: dict[str, list[Tensor]] = {}
    original_images, original_drawn = Batches.images, Batches._drawn
    for name, member, seed in (("a", "batch", 0), ("b", "spn", 0), ("c", "cspn", 0), ("d", "spn", 1)):
        told = seen.setdefault(name, [])
        with pytest.MonkeyPatch.context() as patch:

            def images_noted(self: Batches, nimg: int, told: list[Tensor] = told) -> object:
                found = original_images(self, nimg)
                told.append(found.pictures)
                return found

            def drawn_noted(self: Batches, *given: int, told: list[Tensor] = told) -> object:
                found = original_drawn(self, *given)
                told.append(found.noise)
                return found

            patch.setattr(Batches, "images", images_noted)
            patch.setattr(Batches, "_drawn", drawn_noted)
            run = spn_run(images, name=name, seed=seed, images=24, **networks(member))  # type: ignore[arg-type]
            trained(replace(run, data=ImageData(folder=str(images), flip=True)), tmp_path)
    # Three steps of (images, noise) twice and noise once; then the averaged generator's statistics are measured.
    first = 3 * 5
    for other in ("b", "c"):
        assert all(torch.equal(a, b) for a, b in zip(seen["a"][:first], seen[other][:first], strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(seen["a"][:first], seen["d"][:first], strict=True))


def test_discriminators_of_one_seed_begin_alike(images: Path, tmp_path: Path) -> None:
    still = {"generator_learning_rate": 0.0, "discriminator_learning_rate": 0.0, "images": 8}
    states = []
    for member in ("batch", "spn"):
        run = spn_run(images, name=member, **still, **networks(member))
        states.append(state_of(trained(run, tmp_path).parent))
    names = [name for name in states[0] if name.startswith(".discriminator.network") and "original" in name]
    assert names and all(torch.equal(states[0][name], states[1][name]) for name in names)


def test_weights_hold_the_generator_and_the_names_of_its_classes(images: Path, tmp_path: Path) -> None:
    path = trained(spn_run(images, images=16, **networks("cspn"), keep_discriminators=True), tmp_path)
    header = read_header(path)
    assert json.loads(header["classes"]) == list(CLASSES) and header["images_shown"] == "16"
    assert "targets" not in header, "one class an image"
    assert json.loads(header["budget"]) == {"images": 16, "seconds": None, "decay_images": 0}
    assert {key.partition(".")[0] for key in load_file(path)} == {"generator", "discriminator"}
    sampler = Sampler.load(path, device="cpu")
    assert sampler.classes == CLASSES
    one, other = sampler([3, 3], [0, 2])
    assert one.width == one.height == 8 and not np.array_equal(one.pixels, other.pixels)
    plain = trained(spn_run(images, images=16, name="plain"), tmp_path)
    assert "classes" not in read_header(plain) and not [key for key in load_file(plain) if key.startswith("disc")]


def test_statistics_scores_and_sheets(images: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch_fidelity")
    every = Schedule(stats=8, validation=16, samples=16, checkpoint=16)
    run = spn_run(images, **networks("cbn"), every=every, watch=SampleWatch(images=12, features="parser"))
    path = trained(run, tmp_path)
    rows = rows_of(path.parent)
    assert [row["nimg"] for row in rows] == [8, 16, 24, 32]
    for row in rows:
        for name in ("loss/discriminator", "loss/generator", "score/real", "score/fake"):
            assert np.isfinite(row[name])
    scored = [row for row in rows if any(name.startswith("validation/frechet/") for name in row)]
    assert [row["nimg"] for row in scored] == [16, 32] and all(row["validation/diversity"] > 0 for row in scored)
    assert (path.parent / "samples/0000000032.png").is_file() and (path.parent / "tiny-best.safetensors").is_file()
    assert not (path.parent / "tiny-last.safetensors").exists()


@pytest.mark.parametrize("loss", ["hinge", "cross-entropy", "least-squares"])
@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_every_loss_trains_in_either_precision(images: Path, tmp_path: Path, loss: str, precision: str) -> None:
    path = trained(spn_run(images, images=16, loss=loss, precision=precision, **networks("cspn")), tmp_path)
    assert all(np.isfinite(value).all() for value in load_file(path).values())


def test_attributes_are_drawn_from_images_and_summed(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    for seed in range(6):
        write_image(folder / "img" / f"{seed}.png", seed, 8, 8)
    rows = [(1, -1, 1), (1, 1, -1), (-1, -1, -1), (1, 1, 1), (-1, 1, -1), (-1, -1, 1)]
    write_attributes(folder, [(f"{number}.png", row) for number, row in enumerate(rows)])
    every = Schedule(stats=8, validation=0, samples=16, checkpoint=16)
    run = spn_run(folder, **networks("cspn"), images=16, every=every)
    path = trained(run, tmp_path / "runs")
    header = read_header(path)
    assert json.loads(header["classes"]) == ["Bald", "Eyeglasses", "Smiling"] and header["targets"] == "attributes"
    assert (path.parent / "samples/0000000016.png").is_file()
    sampler = Sampler.load(path, device="cpu")
    assert not np.array_equal(sampler([0], [(1, 0, 1)])[0].pixels, sampler([0], [(0, 1, 0)])[0].pixels)


def test_a_run_ends_with_its_time_and_a_resumed_one_has_used_what_it_used(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("facesynth.training.budget.time.monotonic", lambda: now[0])
    from facesynth.training.spn.job import SpnJob

    step, validate = SpnJob.step, SpnJob.validate

    def slow(self: SpnJob, nimg: int) -> Mapping[str, Tensor]:
        now[0] += 1.0
        return step(self, nimg)

    def slower(self: SpnJob) -> Mapping[str, float]:
        now[0] += 100.0
        return validate(self)

    monkeypatch.setattr(SpnJob, "step", slow)
    monkeypatch.setattr(SpnJob, "validate", slower)
    every = Schedule(stats=8, validation=8, samples=0, checkpoint=8)
    run = spn_run(images, images=800, seconds=3.0, every=every)

    def stop(nimg: int, values: Mapping[str, float]) -> None:
        if nimg == 8:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train_spn(run, tmp_path, base=tmp_path, device="cpu", report=stop) is None
    used = checkpoint.load_latest(tmp_path / "tiny")
    assert used is not None and used["seconds"] == 2.0, "a validation takes none of it"
    path = trained(run, tmp_path)
    assert read_header(path)["images_shown"] == "24"
    assert [row["seconds"] for row in rows_of(path.parent)][-1] == 3.0
    again = trained(run, tmp_path)
    assert read_header(again)["images_shown"] == "24", "it has no time left"


def test_a_signal_saves_and_the_same_call_goes_on(images: Path, tmp_path: Path) -> None:
    def stop(nimg: int, values: Mapping[str, float]) -> None:
        if nimg == 8:
            os.kill(os.getpid(), signal.SIGTERM)

    run = spn_run(images, every=Schedule(stats=8, validation=0, samples=0, checkpoint=0))
    assert train_spn(run, tmp_path, base=images, device="cpu", report=stop) is None
    assert [nimg for nimg, _ in checkpoint.found(tmp_path / "tiny")] == [16]
    assert read_header(trained(run, tmp_path))["images_shown"] == "32"


def test_a_run_that_diverges_keeps_its_last_checkpoint(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(spn_run(images, images=16), tmp_path)
    run = spn_run(images, generator_learning_rate=2e-4)
    monkeypatch.setattr("facesynth.training.spn.job.pace_at", lambda *given: float("nan"))
    with pytest.raises(TrainingError, match=r"diverged at image \d+: .*last good checkpoint, of image 16, is kept"):
        train_spn(run, tmp_path, base=images, device="cpu", report=ignore)
    assert [nimg for nimg, _ in checkpoint.found(tmp_path / "tiny")] == [16]


def test_another_recipe_is_refused_and_a_longer_one_is_not(images: Path, tmp_path: Path) -> None:
    trained(spn_run(images, images=16), tmp_path)
    with pytest.raises(TrainingError, match="other settings: n_dis"):
        trained(spn_run(images, n_dis=1), tmp_path)
    with pytest.raises(TrainingError, match=r"other settings: .*generator\.normalisation"):
        trained(spn_run(images, **networks("batch")), tmp_path)
    trained(spn_run(images, images=24, seconds=1000.0), tmp_path)


def test_another_recipe_is_refused_before_its_images_are_packed(images: Path, tmp_path: Path) -> None:
    crop = ImageData(folder=str(images), fit="crop")
    trained(spn_run(images, images=16, data=crop), tmp_path)
    packed: list[int] = []
    larger = spn_run(images, data=crop, **networks("spn", size=16))
    with pytest.raises(TrainingError, match=r"other settings: .*generator\.size"):
        trained(larger, tmp_path, on_packed=lambda done, total: packed.append(done))
    assert packed == []


def test_classes_of_images_and_networks_have_to_agree(images: Path, tmp_path: Path) -> None:
    two = write_classes(tmp_path / "two", ("a", "b"), 3)
    fix = "--set generator.classes=2 --set discriminator.classes=2"
    with pytest.raises(ConfigError, match=f"two: has 2 classes, and the networks are told 3; {fix}"):
        trained(spn_run(two, **networks("cbn")), tmp_path)
    flat = tmp_path / "flat"
    for seed in range(4):
        write_image(flat / f"{seed}.png", seed, 8, 8)
    with pytest.raises(ConfigError, match="flat: its images are of no classes, and the networks are told 3"):
        trained(spn_run(flat, **networks("cspn")), tmp_path)
    assert not (tmp_path / "tiny" / "run.json").exists(), "it has not begun"
    trained(spn_run(images, images=8, name="without"), tmp_path)  # classes that nobody is told do no harm


def test_images_that_cannot_be_trained_on_are_refused(images: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no training data named; add --data DIR"):
        trained(spn_run(images, data=ImageData()), tmp_path)
    write_image(tmp_path / "one" / "a.png", 0, 8, 8)
    with pytest.raises((ConfigError, InputError, UsageError), match="one"):
        trained(spn_run(tmp_path / "one"), tmp_path)
    mixed = tmp_path / "mixed"
    for seed, side in enumerate((8, 8, 9)):
        write_image(mixed / f"{seed}.png", seed, side, side)
    with pytest.raises((ConfigError, InputError), match=r"data\.fit=crop"):
        trained(spn_run(mixed), tmp_path)
    path = trained(spn_run(mixed, images=8, data=ImageData(folder=str(mixed), fit="crop")), tmp_path)
    assert path.is_file(), "and a batch larger than the data goes round"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"n_dis": 0}, "n_dis is 0"),
        ({"generator_batch_size": 0}, "generator_batch_size is 0"),
        ({"images": 7}, "images must be at least that, not 7"),
        ({"seconds": 0.0}, "seconds is 0"),
        ({"betas": (0.0, 1.0)}, "betas are"),
        ({"accumulate": 3}, "batch_size: 4 is no multiple of accumulate 3"),
        ({"generator": networks("cbn")["generator"]}, "both are told the same classes"),
    ],
)
def test_impossible_runs_are_refused(images: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        spn_run(images, **changes)
