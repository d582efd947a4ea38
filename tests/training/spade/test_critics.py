"""The discriminators in training: they learn to tell, lead the painter, and go on from their state."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from facesynth.models.discriminator import Discriminator
from facesynth.models.segmentation_discriminator import SegmentationDiscriminator
from facesynth.models.specs import SegmentationDiscriminatorSpec
from facesynth.training.runs.spade import GanLosses, SpadeRun
from facesynth.training.sampling import generator_at
from facesynth.training.spade.batches import View
from facesynth.training.spade.critics import PatchCritic, SegmentationCritic
from facesynth.training.start import make_fabric
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.training.test_runs import spade_run

TINY = SegmentationDiscriminatorSpec(depth=3, width=8, max_width=32)


@pytest.fixture
def config(tmp_path: Path) -> SpadeRun:
    return spade_run(tmp_path, segmentation_discriminator=TINY, discriminator_learning_rate=5e-3)


def view(side: int = 32) -> View:
    """Drawn faces, and grey noise as what was painted."""
    labels = [drawn_labels(seed, side) for seed in range(3)]
    faces = torch.stack([torch.tensor(drawn_face(each, 0).pixels).permute(2, 0, 1) for each in labels]) / 127.5 - 1
    own = F.one_hot(torch.stack([torch.tensor(each.ids).long() for each in labels]), 19).permute(0, 3, 1, 2).float()
    noise = torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0)) * 0.3
    everywhere = torch.ones(3, 1, side, side)
    return View(noise, faces, own, own, own, None, everywhere, everywhere)


def critic_of(config: SpadeRun, seed: int = 0) -> SegmentationCritic:
    torch.manual_seed(seed)
    return SegmentationCritic(SegmentationDiscriminator(TINY), config, make_fabric("cpu", "float32"))


def test_the_segmentation_critic_learns_labels_and_to_know_painted_pixels(config: SpadeRun) -> None:
    critic, shown = critic_of(config), view()
    told = [critic.learn(shown, generator_at(0, step)) for step in range(100)]
    loss = [each["loss/segmentation_discriminator"].item() for each in told]
    assert loss[-1] < 0.5 * loss[0]
    assert told[-1]["score/labelled"] > 0.3 and told[-1]["score/unmasked"] > 0.9
    assert all(torch.isfinite(each["loss/label_mix"]) for each in told)


def test_the_painter_is_drawn_towards_its_labels(config: SpadeRun) -> None:
    critic, shown = critic_of(config), view()
    for step in range(60):
        critic.learn(shown, generator_at(0, step))
    picture = shown.painted.clone().requires_grad_()
    before = [parameter.clone() for parameter in critic.network.parameters()]
    for _ in range(40):
        asked = View(picture, shown.faces, shown.own, shown.own, shown.own, None, shown.visible, shown.shared)
        weight, loss = critic.opinion(asked)["segmentation"]
        [gradient] = torch.autograd.grad(loss, picture)
        picture = (picture - 20 * gradient).detach().requires_grad_()
    assert weight == config.losses.segmentation
    asked = View(shown.faces, shown.faces, shown.own, shown.own, shown.own, None, shown.visible, shown.shared)
    first = critic.opinion(view())["segmentation"][1]
    assert loss < first and critic.opinion(asked)["segmentation"][1] < first
    assert all(torch.equal(a, b) for a, b in zip(before, critic.network.parameters(), strict=True))
    assert all(parameter.requires_grad for parameter in critic.network.parameters())


def test_label_mixing_acts_on_the_critic_and_only_where_both_share_a_label_map(config: SpadeRun) -> None:
    def after(weight: float, shared: float) -> torch.Tensor:
        changed = spade_run(
            Path(),
            segmentation_discriminator=TINY,
            discriminator_learning_rate=5e-3,
            losses=GanLosses(label_mix=weight),
        )
        critic, shown = critic_of(changed), view()
        shown = View(
            shown.painted, shown.faces, shown.own, shown.own, shown.own, None, shown.visible, shared * shown.visible
        )
        told = critic.learn(shown, generator_at(0, 0))
        assert ("loss/label_mix" in told) == bool(weight)
        return torch.cat([parameter.detach().flatten() for parameter in critic.network.parameters()])

    assert not torch.equal(after(10.0, 1.0), after(1.0, 1.0))
    torch.testing.assert_close(after(10.0, 0.0), after(1.0, 0.0))


def test_a_critic_goes_on_from_its_state(config: SpadeRun) -> None:
    one, other, shown = critic_of(config), critic_of(config, seed=1), view()
    one.learn(shown, generator_at(0, 0))
    other.load(copy.deepcopy(one.state()))
    for critic in (one, other):
        critic.learn(shown, generator_at(0, 1))
    pairs = zip(one.network.state_dict().values(), other.network.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_pace_0_keeps_a_critic_as_it_is(config: SpadeRun) -> None:
    assert config.discriminator is not None
    patches = PatchCritic(Discriminator(config.discriminator), config, make_fabric("cpu", "float32"))
    before = [parameter.clone() for parameter in patches.network.parameters()]
    patches.set_pace(0)
    patches.learn(view(64))
    assert all(torch.equal(a, b) for a, b in zip(before, patches.network.parameters(), strict=True))
    patches.set_pace(1)
    patches.learn(view(64))
    assert not all(torch.equal(a, b) for a, b in zip(before, patches.network.parameters(), strict=True))
