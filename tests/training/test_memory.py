"""What a run takes is told before it starts, and too little memory is one error that names a batch which fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facesynth.config import find_pipeline, load_pipeline
from facesynth.core.errors import DeviceError
from facesynth.models.specs import DiscriminatorSpec
from facesynth.training import memory, preflight
from facesynth.training.memory import footprint
from facesynth.training.preflight import check_memory, room_to_train
from facesynth.training.runs.parser import Cycle
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.start import train_spade
from tests.drawn_pairs import write_pairs
from tests.training.test_runs import ignore, parser_run, spade_run

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_parameters_are_those_of_the_papers() -> None:
    run = load_pipeline(find_pipeline("paper-spade-face"))
    assert isinstance(run, SpadeRun)
    taken = footprint(run)
    told = {name: round(count / 1e6, 2) for name, count in taken.parameters.items()}
    assert told == {"generator": 109.21, "encoder": 10.46, "discriminator": 5.57}
    assert taken.state > 4 * 4 * 109e6, "weights, their average, and two moments, in float32"
    assert 2e9 < taken.fixed < 5e9 and 3e8 < taken.sample < 3e9


def test_what_is_in_flight_grows_with_pictures_networks_and_precision() -> None:
    run = spade_run(Path())
    sample = footprint(run).sample
    assert footprint(replace(run, generator=replace(run.generator, width=8))).sample > sample
    assert footprint(replace(run, discriminator=DiscriminatorSpec(layers=3, width=16, max_width=64))).sample > sample
    assert footprint(replace(run, precision="bf16")).sample < sample
    parser = parser_run(Path())
    assert footprint(parser).fixed < footprint(replace(parser, adversarial=1.0)).fixed
    assert 3 < footprint(replace(parser, parser=replace(parser.parser, size=128))).sample / footprint(parser).sample < 5


def test_patterns_of_labels_take_less_than_pixels() -> None:
    run = load_pipeline(find_pipeline("spade-256"))
    assert isinstance(run, SpadeRun)
    dense, patterns = (footprint(replace(run, label_patterns=how)) for how in ("never", "always"))
    assert patterns.sample < 0.85 * dense.sample and patterns.fixed == dense.fixed
    assert footprint(run) == patterns and footprint(run, device="cuda") == dense
    assert footprint(replace(run, compile=True)) == dense


def test_it_draws_no_random_numbers() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    footprint(spade_run(Path()))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_batch_that_does_not_fit_is_refused_with_one_that_does() -> None:
    run = spade_run(Path(), batch_size=16)
    taken = footprint(run)
    room = taken.of(5)
    with pytest.raises(DeviceError, match=r"a batch of 16 takes about .* GB, and cpu has .*--set batch_size=5") as told:
        check_memory(run, CPU, room_of=lambda device: room)
    assert "--set accumulate=4" in str(told.value), "16 in 4 parts are 4 at once"
    assert check_memory(replace(run, accumulate=4), CPU, room_of=lambda device: room) == taken
    assert check_memory(run, CPU, room_of=lambda device: None) == taken, "nobody knows how much is free"
    dense = footprint(run, device="cuda")
    assert check_memory(run, GPU, room_of=lambda device: dense.of(15)) == dense, "a GPU is tried"
    with pytest.raises(DeviceError, match="smaller networks"):
        check_memory(run, GPU, room_of=lambda device: 1_000)


def test_ranks_on_a_cpu_share_its_memory() -> None:
    run = spade_run(Path(), batch_size=8)
    taken = footprint(run)
    room = 2 * taken.of(4)
    assert check_memory(run, CPU, 2, room_of=lambda device: room) == taken
    with pytest.raises(DeviceError, match="a batch of 8"):
        check_memory(run, CPU, 2, room_of=lambda device: room - taken.sample)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_too_little_memory_in_a_step_is_told_the_same_way(error: Exception) -> None:
    run = spade_run(Path(), batch_size=16)
    taken = footprint(run)
    told = r"tiny: a batch of 16 does not fit into the memory of cuda; about 5 fit: --set batch_size=5"
    with pytest.raises(DeviceError, match=told), room_to_train(run, taken, GPU, room_of=lambda device: taken.of(5)):
        raise error
    with pytest.raises(DeviceError, match="about 8 fit"), room_to_train(run, taken, GPU, room_of=lambda device: None):
        raise error
    with pytest.raises(RuntimeError, match="another"), room_to_train(run, taken, GPU):
        raise RuntimeError("another fault")


def test_a_run_that_does_not_fit_does_not_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = write_pairs(tmp_path / "pairs", 4)
    monkeypatch.setattr(preflight.check_memory, "__kwdefaults__", {"room_of": lambda device: 10**6})
    with pytest.raises(DeviceError, match=r"cpu has 0\.0 GB free"):
        train_spade(spade_run(pairs), tmp_path / "runs", base=pairs, device="cpu", report=ignore)
    assert not list((tmp_path / "runs/tiny").glob("checkpoint-*"))


def test_main_memory_is_what_is_available_within_a_container(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:  2000000 kB\nSwapFree: 1000 kB\n")
    assert memory._free_main_memory(tmp_path / "meminfo", tmp_path / "none") == 2_001_000 * 1024
    for name, text in (("max", "1000000000"), ("current", "600000000"), ("stat", "anon 5\ninactive_file 100000000")):
        (tmp_path / f"memory.{name}").write_text(text)
    assert memory._free_main_memory(tmp_path / "meminfo", tmp_path) == 500_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory._free_main_memory(tmp_path / "meminfo", tmp_path) == 2_001_000 * 1024
    assert memory._free_main_memory(tmp_path / "nowhere", tmp_path) is None


def test_a_cycle_takes_its_generator_and_what_is_kept_of_its_photos() -> None:
    plain, spec = parser_run(Path()), spade_run(Path()).generator
    cycle = Cycle(generator="g", folders=("faces",), share=0.25, perceptual=0)
    bare, taken = footprint(plain), footprint(replace(plain, cycle=cycle), spec)
    assert "cycle's generator" in taken.parameters and taken.fixed > bare.fixed and taken.state == bare.state
    half = footprint(replace(plain, cycle=replace(cycle, share=0.5)), spec)
    assert half.sample - bare.sample == pytest.approx(2 * (taken.sample - bare.sample), rel=0.01)
