"""Whole training runs on drawn faces: they learn, resume exactly, refuse what does not fit, and their weights load."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from facesynth.core.errors import ConfigError, InputError, TrainingError, UsageError, WeightsDamaged
from facesynth.core.labels import LabelMap
from facesynth.core.stop_signals import STOP_SIGNALS
from facesynth.core.styles import Style
from facesynth.inference import networks
from facesynth.inference.encoder import Encoder
from facesynth.inference.parser import Parser
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.specs import BisenetSpec, DiscriminatorSpec, EncoderSpec, GeneratorSpec, ParserSpec
from facesynth.training import checkpoint
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.settings import Augment, Data, Schedule
from facesynth.training.runs.spade import GanLosses, SpadeRun
from facesynth.training.start import train_parser, train_spade
from tests.drawn_pairs import drawn_face, drawn_labels, write_pairs

QUIET = Schedule(stats=8, validation=0, samples=0, checkpoint=16)


def ignore(nimg: int, values: Mapping[str, float]) -> None:
    """A report that nobody reads."""


def spade_run(folder: Path, **changes: object) -> SpadeRun:
    run = SpadeRun(
        name="tiny",
        data=Data(folder=str(folder)),
        generator=GeneratorSpec(
            size=64, start=2, style_channels=8, width=4, max_width=16, spade_hidden=8, style_affine=True, noise=True
        ),
        encoder=EncoderSpec(size=64, blocks=4, style_channels=8, width=4, max_width=16),
        discriminator=DiscriminatorSpec(layers=3, width=4, max_width=16),
        perceptual="none",
        images=32,
        batch_size=4,
        losses=GanLosses(kld=0.02, reconstruction=10.0),
        every=QUIET,
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def parser_run(folder: Path, **changes: object) -> ParserRun:
    run = ParserRun(
        name="tiny-parser",
        data=Data(folder=str(folder)),
        parser=ParserSpec(size=64, pyramid_channels=16, detail_channels=8),
        backbone=None,
        images=16,
        batch_size=4,
        warmup_images=0,
        every=QUIET,
    )
    return replace(run, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), 8)


@pytest.fixture(scope="module")
def trained(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(the run's folder, its weights) of 32 images in one go."""
    runs = tmp_path_factory.mktemp("runs")
    path = train_spade(spade_run(pairs), runs, base=pairs, device="cpu", report=ignore)
    assert path is not None
    return runs / "tiny", path


def test_resuming_gives_the_very_same_weights(pairs: Path, trained: tuple[Path, Path], tmp_path: Path) -> None:
    train_spade(spade_run(pairs, images=16), tmp_path, base=pairs, device="cpu", report=ignore)
    resumed = train_spade(spade_run(pairs, images=32), tmp_path, base=pairs, device="cpu", report=ignore)
    assert resumed is not None
    once, twice = load_file(trained[1]), load_file(resumed)
    assert once.keys() == twice.keys()
    assert all(np.array_equal(once[name], twice[name]) for name in once)


def test_statistics_name_every_loss_and_samples_are_drawn(pairs: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.json"
    split.write_text(json.dumps({"train": [f"00{i}" for i in range(6)], "validation": ["006", "007"]}))
    data = Data(folder=str(pairs), split="split.json")
    every = Schedule(stats=8, validation=16, samples=16, checkpoint=16)
    train_spade(
        spade_run(pairs, data=data, images=16, every=every), tmp_path, base=tmp_path, device="cpu", report=ignore
    )
    rows = [json.loads(line) for line in (tmp_path / "tiny/stats.jsonl").read_text().splitlines()]
    assert [row["nimg"] for row in rows] == [8, 16]
    for name in ("adversarial", "feature_matching", "kld", "reconstruction", "discriminator"):
        assert all(np.isfinite(row[f"loss/{name}"]) for row in rows)
    assert 0 < rows[-1]["validation/l1"] < 255
    assert (tmp_path / "tiny/samples/0000000016.png").is_file()
    assert any((tmp_path / "tiny/tensorboard").iterdir())


def test_weights_paint_and_a_picture_depends_on_its_seed_never_on_its_batch(trained: tuple[Path, Path]) -> None:
    synthesizer, encoder = Synthesizer.load(trained[1], device="cpu"), Encoder.load(trained[1], device="cpu")
    labels = [drawn_labels(seed, 96) for seed in range(5)]
    face_style = encoder([drawn_face(labels[0], 0)])[0]
    styles = [
        Style.from_seed(3),
        face_style,
        Style.mix(Style.from_seed(1), Style.from_seed(2), 0.3),
        Style.from_seed(3),
    ]
    styles.append(Style.mix(face_style, Style.from_seed(9), 0.5))
    together = synthesizer(labels, styles)
    for index in range(5):
        alone = synthesizer([labels[index]], [styles[index]])[0]
        assert np.array_equal(alone.pixels, together[index].pixels)
    assert together[0].width == together[0].height == 64
    again = synthesizer([labels[0]], [Style.from_seed(4)])[0]
    assert not np.array_equal(again.pixels, together[0].pixels)


def test_a_style_of_another_encoder_is_refused(trained: tuple[Path, Path]) -> None:
    synthesizer = Synthesizer.load(trained[1], device="cpu")
    foreign = Style.from_code(np.zeros(8, dtype=np.float32), "f" * 64)
    with pytest.raises(Exception, match="encode the style face again"):
        synthesizer([drawn_labels(0)], [foreign])
    assert synthesizer([drawn_labels(0)], [synthesizer.mean_style])[0].width == 64


def test_a_damaged_weights_file_is_named(trained: tuple[Path, Path], tmp_path: Path) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(trained[1].read_bytes()[:-1000])
    with pytest.raises(WeightsDamaged, match=r"broken\.safetensors"):
        Synthesizer.load(broken, device="cpu")


def test_other_settings_do_not_go_on_from_a_run(pairs: Path, trained: tuple[Path, Path]) -> None:
    with pytest.raises(TrainingError, match="other settings: batch_size"):
        train_spade(spade_run(pairs, batch_size=2), trained[0].parent, base=pairs, device="cpu", report=ignore)


def test_a_run_without_data_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--data"):
        train_parser(parser_run(tmp_path, data=Data()), tmp_path, base=tmp_path, device="cpu", report=ignore)


def test_divergence_stops_the_run_and_keeps_the_checkpoint(pairs: Path, tmp_path: Path) -> None:
    every = Schedule(stats=1_000, validation=0, samples=0, checkpoint=4)
    wild = spade_run(pairs, generator_learning_rate=1e30, discriminator_learning_rate=1e30, every=every)
    with pytest.raises(TrainingError, match=r"diverged at image 8: loss/.*, of image 4, is kept.*--set name=NEW"):
        train_spade(wild, tmp_path, base=pairs, device="cpu", report=ignore)
    [saved] = [nimg for nimg, _ in checkpoint.found(tmp_path / "tiny")]
    state = checkpoint.load_latest(tmp_path / "tiny")
    assert saved == 4 and state is not None
    assert all(tensor.isfinite().all() for tensor in (*state["painter"].values(), *state["ema"].values()))
    assert not (tmp_path / "tiny/tiny.safetensors").exists()


def test_impossible_settings_are_refused_before_anything_is_read(pairs: Path) -> None:
    for name in ("images", "batch_size", "ema_half_life"):
        with pytest.raises(ValueError, match=f"{name} is 0"):
            spade_run(pairs, **{name: 0})
    with pytest.raises(ValueError, match="names a folder"):
        spade_run(pairs, name="../evil")
    with pytest.raises(ValueError, match="8 style channels, the generator takes 256"):
        spade_run(pairs, generator=GeneratorSpec(size=64, start=2))


def test_held_out_pairs_may_not_come_back_as_extra_ones(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(json.dumps({"train": ["000"], "validation": ["001"]}))
    data = Data(folder=str(pairs), split="split.json", extra=(str(pairs),))
    with pytest.raises(ConfigError, match="held out by the split"):
        train_spade(spade_run(pairs, data=data), tmp_path, base=tmp_path, device="cpu", report=ignore)


def test_the_parser_learns_drawn_faces(pairs: Path, tmp_path: Path) -> None:
    config = parser_run(pairs, images=800, batch_size=8, learning_rate=5e-3, trunk_learning_rate=5e-3, ema_half_life=40)
    config = replace(config, augment=Augment(rotation=5, shift=0.02, scale=1.05, colour=0, grey=0, blur=0))
    path = train_parser(config, tmp_path, base=pairs, device="cpu", report=ignore)
    assert path is not None
    parser = Parser.load(path, device="cpu")
    truth = [drawn_labels(seed) for seed in range(4)]
    parsed = parser([drawn_face(labels, seed) for seed, labels in enumerate(truth)])
    agreement = np.mean([(a.ids == b.ids).mean() for a, b in zip(parsed, truth, strict=True)])
    assert agreement > 0.8
    alone = parser([drawn_face(truth[2], 2)])[0]
    assert np.array_equal(alone.ids, parsed[2].ids)
    probabilities = parser.probabilities([drawn_face(truth[0], 0).resized(40, 56)])[0]
    assert probabilities.shape == (19, 56, 40)
    assert np.allclose(probabilities.sum(0), 1, atol=1e-4)
    assert isinstance(parsed[0], LabelMap)


@pytest.mark.parametrize("number", [number for number in STOP_SIGNALS if signal.getsignal(number) != signal.SIG_IGN])
def test_a_signal_between_two_looks_at_it_loses_nothing(pairs: Path, tmp_path: Path, number: signal.Signals) -> None:
    told: list[int] = []

    def stop_at_the_first(nimg: int, values: Mapping[str, float]) -> None:
        if not told:
            os.kill(os.getpid(), number)
        told.append(nimg)

    every = Schedule(stats=4, validation=0, samples=0, checkpoint=1_000_000)
    run = spade_run(pairs, images=40, every=every)
    assert train_spade(run, tmp_path, base=pairs, device="cpu", report=stop_at_the_first) is None
    assert [path.name for path in (tmp_path / "tiny").glob("checkpoint-*.pt")] == [f"checkpoint-{told[-1]:010}.pt"]


def _train_until_stopped(pairs: Path, runs: Path) -> None:
    every = Schedule(stats=4, validation=0, samples=0, checkpoint=1_000_000)
    train_spade(spade_run(pairs, images=1_000_000, every=every), runs, base=pairs, device="cpu", report=ignore)


def test_sigterm_saves_the_state_and_the_same_call_goes_on(pairs: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_train_until_stopped, args=(pairs, tmp_path), daemon=True)  # ends with us
    process.start()
    stats = tmp_path / "tiny/stats.jsonl"
    deadline = time.monotonic() + 300
    while not (stats.is_file() and stats.read_text().count("\n") >= 2):
        assert process.is_alive()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGTERM)
    process.join(60)
    assert process.exitcode == 0
    (saved,) = (tmp_path / "tiny").glob("checkpoint-*.pt")
    shown = int(saved.stem.rpartition("-")[2])
    every = Schedule(stats=4, validation=0, samples=0, checkpoint=1_000_000)
    done = train_spade(
        spade_run(pairs, images=shown + 8, every=every), tmp_path, base=pairs, device="cpu", report=ignore
    )
    assert done is not None
    rows = [json.loads(line)["nimg"] for line in stats.read_text().splitlines()]
    assert rows == sorted(set(rows))
    assert rows[-1] == shown + 8


def test_a_first_start_that_failed_binds_nothing(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "pairs", 4)
    image = folder / "images" / "002.png"
    good = image.read_bytes()
    image.write_bytes(good[:200])
    with pytest.raises(InputError, match=r"002\.png"):
        train_parser(parser_run(folder, images=8), tmp_path / "runs", base=tmp_path, device="cpu", report=ignore)
    image.write_bytes(good)
    config = parser_run(folder, images=8)
    assert train_parser(config, tmp_path / "runs", base=tmp_path, device="cpu", report=ignore) is not None


def test_weights_with_other_layers_are_no_start(pairs: Path, trained: tuple[Path, Path], tmp_path: Path) -> None:
    initial = str(trained[1])
    larger = spade_run(pairs, initial=initial, generator=replace(spade_run(pairs).generator, size=256))
    deeper = spade_run(pairs, initial=initial, encoder=replace(spade_run(pairs).encoder, size=128))  # type: ignore[type-var]
    for config, part in ((larger, "generator"), (deeper, "encoder")):
        with pytest.raises(ConfigError, match=rf"{part} of size 64 has other layers"):
            train_spade(config, tmp_path, base=pairs, device="cpu", report=ignore)


def test_weights_of_another_architecture_are_no_start(pairs: Path, tmp_path: Path) -> None:
    spec = BisenetSpec(width=4)
    networks.save(tmp_path / "bisenet.safetensors", {"parser": (spec, networks.build(spec))})
    config = parser_run(pairs, backbone=None, initial=str(tmp_path / "bisenet.safetensors"))
    with pytest.raises(ConfigError, match=r"bisenet\.safetensors: its parser is of another architecture"):
        train_parser(config, tmp_path, base=pairs, device="cpu", report=ignore)


def _unexpected(*_: object) -> NoReturn:
    raise RuntimeError("[enforce fail at inline_container.cc:671] . unexpected pos 64 vs 0\nframe 1")


def _full(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


FAULTS = [("torch.save", _unexpected), ("torch.save", _full), ("os.fsync", _full), ("os.replace", _full)]
"""How a full disk shows, by torch's writer and by the system, before, while and after all was written."""


@pytest.mark.parametrize(("name", "fault"), FAULTS)
def test_a_full_disk_keeps_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[..., NoReturn]
) -> None:
    checkpoint.save(tmp_path, 8, {"x": 1})
    with monkeypatch.context() as broken:
        broken.setattr(name, fault)
        with pytest.raises(TrainingError, match=r"cannot be written .* MB are free on that disk; make room"):
            checkpoint.save(tmp_path, 16, {"x": 2})
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint-0000000008.pt"]
    assert checkpoint.load_latest(tmp_path) == {"nimg": 8, "x": 1}


def test_a_run_whose_disk_was_full_goes_on_from_the_checkpoint_before(
    pairs: Path, trained: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = Schedule(stats=8, validation=0, samples=0, checkpoint=8)
    save, saved = torch.save, list[Path]()

    def fills_up(state: object, draft: Path) -> None:
        if saved:
            draft.write_bytes(b"half a checkpoint")
            _full()
        saved.append(draft)
        save(state, draft)

    with monkeypatch.context() as broken:
        broken.setattr("torch.save", fills_up)
        with pytest.raises(TrainingError, match=r"No space left on device\).*goes on from the checkpoint before"):
            train_spade(spade_run(pairs, every=every), tmp_path, base=pairs, device="cpu", report=ignore)
    assert [nimg for nimg, _ in checkpoint.found(tmp_path / "tiny")] == [8]
    assert not list((tmp_path / "tiny").glob("*.tmp"))
    path = train_spade(spade_run(pairs, every=every), tmp_path, base=pairs, device="cpu", report=ignore)
    assert path is not None
    once, again = load_file(trained[1]), load_file(path)
    assert all(np.array_equal(once[name], again[name]) for name in once)


def test_statistics_on_a_full_disk_are_no_traceback(pairs: Path, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no device that is always full")
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny/stats.jsonl").symlink_to(full)
    with pytest.raises(TrainingError, match=r"stats\.jsonl: cannot be written \(No space left on device\); make room"):
        train_spade(spade_run(pairs), tmp_path, base=pairs, device="cpu", report=ignore)
