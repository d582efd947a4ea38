"""What a residual generator's run takes, told before it starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facesynth.config import find_pipeline, load_pipeline
from facesynth.core.errors import DeviceError
from facesynth.training.appraisal import appraised
from facesynth.training.memory import footprint
from facesynth.training.preflight import check_memory
from facesynth.training.runs.spn import SpnRun
from tests.training.spn.tiny import MEMBERS, networks, spn_run

CPU = torch.device("cpu")


def test_parameters_are_those_of_the_paper() -> None:
    run = load_pipeline(find_pipeline("spn/table-6"), arm="spn")
    assert isinstance(run, SpnRun)
    taken = footprint(run)
    assert taken.parameters == {"generator": 4_522_240, "discriminator": 1_037_313}
    assert 1e6 < taken.sample < 1e8, "of an image, and of its share of the generator's batch"


@pytest.mark.parametrize("member", MEMBERS)
def test_it_is_known_of_every_member_and_grows_with_both_batches(member: str) -> None:
    run = spn_run(Path(), **networks(member))  # type: ignore[arg-type]
    sample = footprint(run).sample
    assert sample > 0
    assert footprint(replace(run, generator_batch_size=80)).sample > 4 * sample
    assert footprint(replace(run, generator_batch_size=4, precision="bf16")).sample < sample


def test_a_batch_that_does_not_fit_is_refused_with_both_that_do() -> None:
    run = spn_run(Path(), batch_size=16, generator_batch_size=32)
    room = footprint(run).of(5)
    told = r"a batch of 16 takes .*about 5 fit: --set batch_size=5 --set generator_batch_size=10, .*accumulate=4"
    with pytest.raises(DeviceError, match=told):
        check_memory(run, CPU, room_of=lambda device: room)
    assert check_memory(replace(run, accumulate=4), CPU, room_of=lambda device: room).sample


def test_a_dry_run_tells_networks_images_and_memory() -> None:
    lines = list(appraised(spn_run(Path()), 1_000_000, "cpu", 2))
    assert lines[0].startswith("networks: generator 0.0") and "discriminator" in lines[0]
    assert lines[1].endswith("192 MB of packed images"), "8·8·3 bytes each"
    assert "for 2 samples at once on each of 2 devices" in lines[2]
