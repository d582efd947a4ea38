"""A batch that is gone through in parts teaches what it teaches at once, where no sample's result depends on others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file
from torch import Tensor, nn

from facesynth.models.normalisation.statistics import BatchStatistics
from facesynth.models.specs import SegmentationDiscriminatorSpec
from facesynth.training.parts import tossed_before
from facesynth.training.rows import Rows, rows_of
from facesynth.training.runs.settings import Schedule
from facesynth.training.runs.spade import DiffAugment, OddMaps
from facesynth.training.spade.segmentation_losses import label_mixture
from facesynth.training.start import train_parser, train_spade
from facesynth.training.strategies import Parts
from tests.drawn_pairs import write_pairs
from tests.training.shared_batches import furthest
from tests.training.test_runs import ignore, parser_run, spade_run

EACH = Schedule(stats=8, validation=0, samples=0, checkpoint=8)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs"), 8)


@pytest.fixture
def normalised_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batch normalisation that looks at no batch: it is the one thing in which parts differ from the whole."""

    def alone(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
        return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias, False)

    for kind in (nn.BatchNorm2d, BatchStatistics):
        monkeypatch.setattr(kind, "forward", alone)


@pytest.mark.usefixtures("normalised_alone")
def test_four_parts_of_a_generator_s_batch_are_the_batch(pairs: Path, tmp_path: Path) -> None:
    """With spectral normalisation, whose power iterations are those of one step, DiffAugment and odd label maps."""
    options = {
        "diff_augment": DiffAugment(colour=1, translation=0.125, cutout=0.5),
        "odd_maps": OddMaps(share=0.5),
        "generator_learning_rate": 0.0,  # gradients are compared: Adam makes a step of what is 0 but for rounding
        "discriminator_learning_rate": 0.0,
    }
    for parts in (1, 4):
        run = spade_run(pairs, images=16, accumulate=parts, every=EACH, **options)
        assert train_spade(run, tmp_path / str(parts), base=pairs, device="cpu", report=ignore)
    apart, where = furthest(tmp_path / "1/tiny", tmp_path / "4/tiny")
    assert apart < 1e-3, where
    one, four = (json.loads((tmp_path / f"{n}/tiny/stats.jsonl").read_text().splitlines()[-1]) for n in (1, 4))
    assert one["nimg"] == four["nimg"] == 16, "progress is counted in images"
    for name, value in one.items():
        if name.startswith(("loss/", "score/")):
            assert four[name] == pytest.approx(value, rel=1e-3, abs=1e-5), name


def test_parts_resume_exactly_and_other_parts_are_another_run(pairs: Path, tmp_path: Path) -> None:
    critic = SegmentationDiscriminatorSpec(depth=4, width=4, max_width=16)
    options = {"accumulate": 2, "segmentation_discriminator": critic}
    whole = train_spade(spade_run(pairs, images=16, **options), tmp_path / "w", base=pairs, device="cpu", report=ignore)
    for images in (8, 16):
        run = spade_run(pairs, images=images, **options)
        halves = train_spade(run, tmp_path / "h", base=pairs, device="cpu", report=ignore)
    plain = train_spade(
        spade_run(pairs, images=16, segmentation_discriminator=critic),
        tmp_path / "p",
        base=pairs,
        device="cpu",
        report=ignore,
    )
    assert whole is not None and halves is not None and plain is not None
    one, other, different = load_file(whole), load_file(halves), load_file(plain)
    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not all(np.array_equal(one[name], different[name]) for name in one), "batch normalisation sees two at a time"


def test_a_parser_learns_in_parts(pairs: Path, tmp_path: Path) -> None:
    run = parser_run(pairs, images=8, accumulate=2, every=EACH)
    assert train_parser(run, tmp_path, base=pairs, device="cpu", report=ignore)
    [row] = [json.loads(line) for line in (tmp_path / "tiny-parser/stats.jsonl").read_text().splitlines()]
    assert row["nimg"] == 8 and np.isfinite(row["loss/cross_entropy"])


def test_an_optimizer_steps_with_the_last_part_by_the_mean() -> None:
    weight = nn.Parameter(torch.zeros(3))
    sgd = torch.optim.SGD([weight], lr=1.0)
    parts = Parts(2)
    for first, second in ((1.0, 3.0), (0.0, 4.0)):
        for given, last in ((first, False), (second, True)):
            sgd.zero_grad(set_to_none=True)
            torch.autograd.backward(given * weight.sum())
            assert parts.add(sgd) is last
        assert weight.grad is not None and weight.grad.tolist() == [2.0] * 3


def test_rows_are_all_of_a_batch_once_and_in_order() -> None:
    found = [rows.of(torch.arange(12)) for rank in range(3) for rows in rows_of(12, rank, 3, 2)]
    assert torch.equal(torch.cat(found), torch.arange(12)) and {len(each) for each in found} == {2}
    with pytest.raises(ValueError, match="a batch of 6 cannot be shared out to 4 devices"):
        rows_of(6, 0, 4, 1)
    assert rows_of(4, 0, 1, 1)[0].of(whole := [torch.zeros(4)]) is whole


def test_rows_lie_in_their_places_and_gradients_come_back() -> None:
    x = torch.ones(2, 3, requires_grad=True)
    whole = Rows(1, 2, 5).among_zeros(x)
    assert whole.sum(1).tolist() == [0, 3, 3, 0, 0]
    torch.autograd.backward((whole * torch.arange(5.0)[:, None]).sum())
    assert x.grad is not None and x.grad[:, 0].tolist() == [1, 2]


def test_coins_of_label_mixing_are_those_of_the_whole_batch() -> None:
    label_map = F.one_hot(torch.randint(0, 19, (6, 8, 8)), 19).permute(0, 3, 1, 2).float()
    whole = label_mixture(label_map, torch.Generator().manual_seed(5))
    for rows in rows_of(6, 0, 1, 3):
        generator = torch.Generator().manual_seed(5)
        tossed_before(rows, 19, generator)
        assert torch.equal(label_mixture(rows.of(label_map), generator), rows.of(whole))


def test_no_parts_are_refused(pairs: Path) -> None:
    with pytest.raises(ValueError, match="accumulate is 0"):
        spade_run(pairs, accumulate=0)


def test_compiled_networks_learn_the_same_and_their_files_are_the_same(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Captured by torch.compile, but run as they are: to make programs of them takes minutes."""
    captured, capture = [], nn.Module.compile

    def quickly(module: nn.Module) -> None:
        captured.append(type(module).__name__)
        capture(module, backend="eager")

    monkeypatch.setattr(nn.Module, "compile", quickly)
    files = []
    for compiled in (False, True):
        run = spade_run(pairs, images=8, compile=compiled, every=EACH)
        files.append(train_spade(run, tmp_path / str(compiled), base=pairs, device="cpu", report=ignore))
    assert captured == ["Painter", "Discriminator"]
    plain, compiled_too = (load_file(path) for path in files if path is not None)
    assert plain.keys() == compiled_too.keys()
    for name, tensor in plain.items():
        np.testing.assert_allclose(compiled_too[name].astype(float), tensor.astype(float), atol=2e-2, err_msg=name)
