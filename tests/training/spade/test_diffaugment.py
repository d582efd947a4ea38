"""DiffAugment: nothing at strength 0, label maps move with pictures, gradients pass, and each sample is its own."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from facesynth.training.runs.spade import DiffAugment
from facesynth.training.spade.diffaugment import Disturbance, drawn

CPU = torch.device("cpu")
MOVES = DiffAugment(translation=0.125, cutout=0.5)


def disturbance(config: DiffAugment, count: int = 6, side: int = 32, seed: int = 0) -> Disturbance:
    return drawn(config, count, side, torch.Generator().manual_seed(seed), CPU)


def told_by_red(count: int = 6, side: int = 32) -> tuple[Tensor, Tensor]:
    """Pictures that tell the label by their red, and the one-hot label maps."""
    labels = torch.randint(0, 19, (count, side, side), generator=torch.Generator().manual_seed(1))
    pictures = ((labels + 1) / 20)[:, None].repeat(1, 3, 1, 1)
    return pictures, F.one_hot(labels, 19).permute(0, 3, 1, 2).float()


def test_nothing_happens_at_strength_0() -> None:
    pictures, label_map = told_by_red()
    still = disturbance(DiffAugment())
    assert torch.equal(still.moved(still.recoloured(pictures)), pictures)
    assert torch.equal(still.moved(label_map), label_map)


def test_label_maps_move_with_their_pictures() -> None:
    pictures, label_map = told_by_red()
    disturbed = disturbance(MOVES)
    seen, labels = disturbed.moved(pictures), disturbed.moved(label_map)
    assert not torch.equal(seen, pictures)
    blank = labels.sum(1) == 0
    assert blank.any() and (seen[:, 0][blank] == 0).all()
    told = (seen[:, 0] * 20 - 1).round().long()
    assert torch.equal(told[~blank], labels.argmax(1)[~blank])


def test_shifts_and_holes_are_within_their_bounds_and_differ_by_sample() -> None:
    many = disturbance(MOVES, count=400)
    assert many.shifts is not None and many.kept is not None
    downs = [down for down, _ in many.shifts]
    assert set(downs) == set(range(-4, 5))  # an eighth of 32
    holes = 1 - many.kept.mean((1, 2, 3))
    assert holes.max() <= 0.25 + 1e-6 and holes.min() > 0
    assert len(set(holes.flatten().tolist())) > 3
    down = Disturbance(None, ((3, -2),), None).moved(torch.arange(64.0).view(1, 1, 8, 8))[0, 0]
    assert down[3, 0] == 2 and (down[:3] == 0).all() and (down[:, 6:] == 0).all()


def test_colours_are_the_papers_ranges_and_grow_with_strength() -> None:
    for strength in (0.3, 1.0):
        colours = disturbance(DiffAugment(colour=strength), count=2000).colours
        assert colours is not None
        for values, low, high in zip(
            colours,
            (-0.5 * strength, 1 - strength, 1 - strength / 2),
            (0.5 * strength, 1 + strength, 1 + strength / 2),
            strict=True,
        ):
            assert low <= values.min() < low + 0.02 and high - 0.02 < values.max() <= high
    grey = torch.full((1, 3, 4, 4), 0.2)
    one, two = torch.ones(1, 1, 1, 1), torch.full((1, 1, 1, 1), 2.0)
    torch.testing.assert_close(Disturbance((one, two, two), None, None).recoloured(grey), grey + 1)  # no contrast in it
    red = torch.tensor([0.9, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 4, 4)
    none = torch.zeros(1, 1, 1, 1)
    torch.testing.assert_close(
        Disturbance((none, none, one), None, None).recoloured(red), red.mean().expand(1, 3, 4, 4)
    )


def test_gradients_pass_to_what_is_still_seen() -> None:
    pictures = torch.rand(6, 3, 32, 32, requires_grad=True)
    disturbed = disturbance(DiffAugment(colour=1, translation=0.125, cutout=0.5))
    seen = disturbed.moved(disturbed.recoloured(pictures))
    seen.square().sum().backward()  # type: ignore[no-untyped-call]
    assert pictures.grad is not None and (pictures.grad.abs().flatten(1).sum(1) > 0).all()
    alone = torch.rand(6, 3, 32, 32, requires_grad=True)
    disturbance(MOVES).moved(alone).sum().backward()  # type: ignore[no-untyped-call]
    assert alone.grad is not None
    assert set(alone.grad.flatten().tolist()) == {0.0, 1.0}  # seen once, or not at all


def test_the_generator_decides() -> None:
    pictures, _ = told_by_red()
    config = DiffAugment(colour=1, translation=0.125, cutout=0.5)
    one, same, other = (disturbance(config, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.moved(one.recoloured(pictures)), same.moved(same.recoloured(pictures)))
    assert not torch.equal(one.moved(one.recoloured(pictures)), other.moved(other.recoloured(pictures)))
