"""Several ranks, each a process of its own on this CPU, give what one rank with the whole batch gives."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import nn

from facesynth.core.errors import UsageError
from facesynth.models.specs import SegmentationDiscriminatorSpec
from facesynth.training import checkpoint, launch
from facesynth.training.collectives import ranks_of
from facesynth.training.fit_spade import fit_spade
from facesynth.training.joined_norm import join_norms, separate_norms
from facesynth.training.launch import make_fabric, other_ranks
from facesynth.training.loop import Report
from facesynth.training.opening import UNHEARD, Order, opened, unheard
from facesynth.training.place import Place
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.settings import Data, Schedule, Watch
from facesynth.training.runs.spade import DiffAugment, OddMaps, SpadeRun
from facesynth.training.spade.job import SpadeJob
from facesynth.training.start import parser_rank, train_parser, train_spade
from tests.drawn_pairs import write_pairs
from tests.training.shared_batches import furthest, tensors_of
from tests.training.test_runs import ignore, parser_run, spade_run

RANKS = 2


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), 8)


def network() -> nn.Module:
    """Two kinds of batch normalisation, with random parameters."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2, affine=False))
    for parameter in net[1].parameters():
        nn.init.normal_(parameter)
    return net


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures far from 0, where sums of squares would lose digits, and what they should become."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(6, 3, 8, 8, generator=generator) * 3 + 50, torch.randn(6, 2, 6, 6, generator=generator)


def learn(net: nn.Module, x: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
    """What a forward and a backward pass leave behind."""
    x = x.clone().requires_grad_()
    y = net(x)
    (y * wanted).square().mean().backward()
    assert x.grad is not None
    gradients = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
    return {"y": y.detach(), "dx": x.grad, **gradients, **dict(net.named_buffers())}


def learn_as_rank(out: Path, place: Place) -> None:
    fabric = make_fabric("cpu", "float32", place=place)
    ranks = ranks_of(fabric)
    net = network()
    join_norms(net)
    x, wanted = (whole.chunk(RANKS)[place.rank] for whole in batch())
    torch.save(learn(net, x, wanted), out / f"{place.rank}.pt")
    told = ranks.means([float(place.rank)]), ranks.least([float(place.rank)]), ranks.any_of(place.rank == 1, False)
    assert told == ([0.5], [0.0], [True, False])
    value = torch.full((2,), float(place.rank + 1), requires_grad=True)
    total = ranks.total(value * value)
    torch.autograd.backward(total.sum())
    assert total.tolist() == [5.0, 5.0] and value.grad is not None
    # Each rank's loss depends on each rank's value: 2 losses · 2 · value.
    assert value.grad.tolist() == [4.0 * (place.rank + 1)] * 2


def test_joined_normalisation_is_that_of_the_joined_batch(tmp_path: Path) -> None:
    with other_ranks(RANKS, partial(learn_as_rank, tmp_path)) as place:
        learn_as_rank(tmp_path, place)
    x, wanted = batch()
    whole = learn(network(), x, wanted)
    found = [torch.load(tmp_path / f"{rank}.pt") for rank in range(RANKS)]
    for name, expected in whole.items():
        if name == "y":
            joined = torch.cat([each[name] for each in found])
        elif name == "dx":  # each rank's loss is a mean over half as many
            joined = torch.cat([each[name] for each in found]) / RANKS
        elif name in found[0] and "running" not in name and "num_batches" not in name:
            joined = torch.stack([each[name] for each in found]).mean(0)
        else:
            assert all(torch.equal(each[name], found[0][name]) for each in found)
            joined = found[0][name]
        torch.testing.assert_close(joined, expected, rtol=2e-4, atol=2e-5, msg=name)


def test_what_is_separated_is_what_it_was() -> None:
    net, plain = network(), network()
    join_norms(net)
    separate_norms(net)
    assert [type(module) for module in net.modules()] == [type(module) for module in plain.modules()]
    x, _ = batch()
    assert torch.equal(net(x), plain(x))


def trained_on(devices: int, run: SpadeRun | ParserRun, runs: Path, base: Path) -> Path:
    """The folder of a run on so many devices."""
    told: list[Mapping[str, float]] = []
    heard = partial(_hear, told)
    place = runs / str(devices)
    if isinstance(run, SpadeRun):
        path = train_spade(run, place, base=base, device="cpu", devices=devices, report=heard)
    else:
        path = train_parser(run, place, base=base, device="cpu", devices=devices, report=heard)
    assert path is not None and not torch.distributed.is_initialized()
    assert [int(row["nimg"]) for row in statistics(path.parent)] == [8, 16] and len(told) == 2, "the first rank tells"
    return path.parent


def _hear(told: list[Mapping[str, float]], nimg: int, values: Mapping[str, float]) -> None:
    told.append(values)


def statistics(run: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (run / "stats.jsonl").read_text().splitlines()]


def test_a_generator_of_two_ranks_is_that_of_one(pairs: Path, tmp_path: Path) -> None:
    """Data, random numbers, batch normalisation, power iterations, gradients: all that a checkpoint tells.

    Networks stand still, so that gradients can be compared: where one is 0 but for rounding, Adam makes a step of it.
    """
    still = {"generator_learning_rate": 0.0, "discriminator_learning_rate": 0.0}
    run = spade_run(
        pairs,
        images=16,
        diff_augment=DiffAugment(colour=1, translation=0.125, cutout=0.5),
        odd_maps=OddMaps(share=0.5),
        every=Schedule(stats=8, validation=0, samples=0, checkpoint=8),
        **still,
    )
    one, two = (trained_on(devices, run, tmp_path, pairs) for devices in (1, RANKS))
    apart, where = furthest(one, two)
    assert apart < 1e-3, where
    for ours, theirs in zip(statistics(one), statistics(two), strict=True):
        for name, value in ours.items():
            if name.startswith(("loss/", "score/")):
                assert theirs[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


def test_losses_that_are_balanced_over_a_batch_are_so_over_all_ranks(pairs: Path, tmp_path: Path) -> None:
    run = spade_run(
        pairs,
        images=16,
        segmentation_discriminator=SegmentationDiscriminatorSpec(depth=4, width=4, max_width=8),
        discriminator=None,
        odd_maps=OddMaps(share=0.5),
        every=Schedule(stats=8, validation=0, samples=0, checkpoint=8),
    )
    ours, theirs = (statistics(trained_on(devices, run, tmp_path, pairs))[0] for devices in (1, RANKS))
    assert {"loss/segmentation", "loss/label_mix", "score/labelled"} <= ours.keys()
    for name, value in ours.items():
        if name.startswith(("loss/", "score/")):
            assert theirs[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name


def test_a_generator_learns_alike_on_two_ranks_and_is_judged_by_the_first(pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text(json.dumps({"train": [f"00{i}" for i in range(6)], "validation": ["006"]}))
    run = spade_run(
        pairs,
        images=16,
        data=Data(folder=str(pairs), split="split.json"),
        every=Schedule(stats=8, validation=16, samples=16, checkpoint=8),
        watch=Watch(faces=0),
    )
    one, two = (trained_on(devices, run, tmp_path, tmp_path) for devices in (1, RANKS))
    ours, theirs = statistics(one)[-1], statistics(two)[-1]
    for name in ("loss/reconstruction", "loss/kld", "loss/discriminator", "validation/l1"):
        assert theirs[name] == pytest.approx(ours[name], rel=0.02), name
    assert (two / "samples/0000000016.png").is_file() and (two / "tiny-best.safetensors").is_file()


def parser_of_rank(order: Order[ParserRun], place: Place) -> None:
    with patch.dict(launch.PRECISIONS, {"float32": "64-true"}):
        parser_rank(order, place)


def test_a_parser_of_two_ranks_is_that_of_one(pairs: Path, tmp_path: Path) -> None:
    """In float64: drawn faces have flat parts, whose normalisation makes differences of rounding as large as any."""
    still = {"learning_rate": 0.0, "trunk_learning_rate": 0.0}
    every = Schedule(stats=8, validation=0, samples=0, checkpoint=8)
    run = parser_run(pairs, images=8, boundary=1.0, every=every, **still)
    orders = [Order(run, tmp_path / str(devices), pairs, tmp_path / "cache", "cpu") for devices in (1, RANKS)]
    parser_of_rank(orders[0], Place())
    with other_ranks(RANKS, partial(parser_of_rank, orders[1])) as place:
        parser_of_rank(orders[1], place)
    apart, where = furthest(*(order.folder for order in orders))
    assert apart < 1e-4, where


def state_of_rank(order: Order[SpadeRun], out: Path, place: Place) -> None:
    """Train as a rank that was started on its own, and write down all of its networks."""
    jobs: list[SpadeJob] = []
    begin = SpadeJob.__init__

    def noted(self: SpadeJob, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        jobs.append(self)

    SpadeJob.__init__ = noted  # type: ignore[method-assign]
    try:
        with opened(order, place, order.config.packed_size, unheard) as begun:
            fit_spade(order, place, begun, UNHEARD)
    finally:
        SpadeJob.__init__ = begin  # type: ignore[method-assign]
    torch.save(jobs[0].state(), out / f"state-{place.rank}.pt")


def test_ranks_stay_the_very_same(pairs: Path, tmp_path: Path) -> None:
    """Weights, power iterations and running statistics of two ranks that learn, bit for bit; of the averages all but
    the statistics, which the first rank measures alone for what it writes."""
    order = Order(spade_run(pairs, images=12), tmp_path / "runs", pairs, tmp_path / "cache", "cpu")
    with other_ranks(RANKS, partial(state_of_rank, order, tmp_path)) as place:
        state_of_rank(order, tmp_path, place)
    one, two = (dict(tensors_of(torch.load(tmp_path / f"state-{rank}.pt"))) for rank in range(RANKS))
    assert len(one) > 10 and one.keys() == two.keys()
    learnt = [name for name in one if not (name.startswith(".ema") and ".normalise." in name)]
    assert any(name.endswith("._u") for name in learnt)
    assert [name for name in learnt if not torch.equal(one[name], two[name])] == []


def test_a_signal_stops_all_ranks_and_the_same_call_goes_on(pairs: Path, tmp_path: Path) -> None:
    run = spade_run(pairs, images=24, every=Schedule(stats=4, validation=0, samples=0, checkpoint=1_000))

    def stop(nimg: int, values: Mapping[str, float]) -> None:
        if nimg == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    def train(heard: Report, devices: int) -> Path | None:
        return train_spade(run, tmp_path, base=pairs, device="cpu", devices=devices, report=heard)

    assert train(stop, RANKS) is None
    assert [nimg for nimg, _ in checkpoint.found(tmp_path / "tiny")] == [8]
    assert train(ignore, 1) is not None, "on another number of devices"


def test_a_batch_that_cannot_be_shared_out_is_refused(pairs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--devices 3: batch_size: 4 is no multiple of 3 devices times accumulate 1"):
        train_spade(spade_run(pairs), tmp_path, base=pairs, device="cpu", devices=3, report=ignore)
    assert not (tmp_path / "tiny").exists()
    with pytest.raises(ValueError, match="batch_size: 4 is no multiple of accumulate 3"):
        spade_run(pairs, accumulate=3)
