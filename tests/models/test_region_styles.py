"""Styles of regions in the networks: they act where their label is, and are read where it is."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.region_pooling import pooled, present
from facesynth.models.region_styles import RegionStyles
from facesynth.models.spade import spread
from facesynth.models.specs import EncoderSpec, GeneratorSpec
from tests.models.test_spade import one_hot

GENERATOR = GeneratorSpec(
    size=64,
    start=2,
    style_channels=8,
    width=4,
    max_width=16,
    spade_hidden=8,
    style_affine=True,
    noise=True,
    style_regions=True,
    spectral=False,
)
ENCODER = EncoderSpec(size=64, blocks=4, style_channels=8, width=4, max_width=16, style_regions=True)
LEFT, RIGHT, ISLAND, ABSENT = 13, 1, 4, 18


def halves() -> Tensor:
    """One label on the left, one on the right, and one as an island in the right one."""
    ids = torch.full((1, 64, 64), RIGHT)
    ids[:, :, :32] = LEFT
    ids[:, 20:28, 44:52] = ISLAND
    return nn.functional.one_hot(ids, 19).permute(0, 3, 1, 2).float()


@pytest.fixture(scope="module")
def generator() -> SpadeGenerator:
    torch.manual_seed(0)
    network = SpadeGenerator(GENERATOR)
    network.train()
    with torch.no_grad():
        for seed in range(8):  # or nothing is normalised, and each block is weaker than the one before
            network(one_hot(seed, 4), torch.randn(4, 19, 8))
    return network.eval()


def painted(generator: SpadeGenerator, *labels: int, label_map: Tensor | None = None) -> Tensor:
    """The picture, 3×64×64, with the styles of these labels changed."""
    style = torch.randn(1, 19, 8, generator=torch.Generator().manual_seed(1))
    other = torch.randn(1, 19, 8, generator=torch.Generator().manual_seed(2))
    for label in labels:
        style[:, label] = other[:, label]
    with torch.no_grad():
        picture: Tensor = generator(halves() if label_map is None else label_map, style)[0]
    return picture


def test_numbers_are_spread_over_their_labels() -> None:
    label_map, numbers = one_hot(0, 2, 16), torch.randn(2, 19, 5)
    planes = spread(numbers, label_map)
    ids = label_map.argmax(1)
    for sample in range(2):
        for y, x in ((0, 0), (3, 9), (15, 15)):
            assert torch.equal(planes[sample, :, y, x], numbers[sample, ids[sample, y, x]])


def test_the_style_of_a_region_changes_its_pixels_far_more_than_others(generator: SpadeGenerator) -> None:
    plain = painted(generator)
    for label in (LEFT, RIGHT):
        change = (painted(generator, label) - plain).abs().mean(0)
        inside = halves()[0, label] > 0
        assert change[inside].mean() > 2.5 * change[~inside].mean() > 0  # convolutions reach over the border
    columns = (painted(generator, LEFT) - plain).abs().mean((0, 1))
    assert columns[32:36].mean() > 2 * columns[40:].mean()  # which is felt near it
    assert columns[:32].mean() > 3 * columns[40:].mean()


def test_a_label_that_is_not_on_the_map_changes_nothing(generator: SpadeGenerator) -> None:
    plain = painted(generator)
    assert torch.equal(painted(generator, ABSENT), plain)
    assert not torch.equal(painted(generator, ISLAND), plain)


def test_each_block_may_have_a_style_of_its_own(generator: SpadeGenerator) -> None:
    label_map, (one, other) = halves(), torch.randn(2, 1, 19, 8)
    with torch.no_grad():
        plain, blocks = generator(label_map, one), len(generator.blocks)
        assert torch.equal(generator(label_map, [one] * blocks), plain)
        changes = [
            (generator(label_map, [other if index == at else one for index in range(blocks)]) - plain).abs().mean()
            for at in range(blocks)
        ]
    assert all(change > 0 for change in changes)
    with pytest.raises(ValueError, match=r"3 styles for 7 blocks"):
        generator(label_map, [one] * 3)


def test_styles_of_whole_faces_go_into_blocks_one_by_one_too() -> None:
    torch.manual_seed(0)
    spec = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=16, spade_hidden=8, style_affine=True)
    network, (one, other) = SpadeGenerator(spec).eval(), torch.randn(2, 2, 8)
    label_map = one_hot(0)
    with torch.no_grad():
        assert torch.equal(network(label_map, [one] * 7), network(label_map, one))
        first = network(label_map, [other, *[one] * 6])
    assert not torch.equal(first, network(label_map, one))  # the first layer's is the first block's


def test_what_is_missing_is_the_learned_average() -> None:
    styles = RegionStyles(3, 2)
    nn.init.normal_(styles.average)
    codes = torch.randn(1, 3, 2) * torch.tensor([1.0, 0.0, 0.5])[None, :, None]
    completed = styles.completed(codes, torch.tensor([[0.0, 1.0, 0.5]]))
    assert torch.equal(completed[0, 0], codes[0, 0])
    assert torch.equal(completed[0, 1], styles.average[1])
    torch.testing.assert_close(completed[0, 2], codes[0, 2] + styles.average[2] / 2)


def test_labels_read_their_own_style_alone() -> None:
    torch.manual_seed(0)
    styles = RegionStyles(3, 4)
    codes = torch.randn(1, 3, 4)
    changed = codes.clone()
    changed[0, 1] += 1
    difference = (styles(changed) - styles(codes)).abs().sum(2)[0]
    assert difference[1] > 0 and difference[0] == difference[2] == 0


def test_pooling_is_the_mean_over_each_region() -> None:
    label_map, planes = one_hot(3, 2, 16), torch.randn(2, 5, 16, 16)
    shares = label_map / label_map.sum((2, 3), keepdim=True).clamp_min(1)
    means = pooled(planes, shares)
    ids = label_map.argmax(1)
    for label in set(ids[1].flatten().tolist()):
        torch.testing.assert_close(means[1, label], planes[1][:, ids[1] == label].mean(1))
    assert not means[1][~present(label_map)[1]].any()


def test_regions_that_are_not_there_have_no_code() -> None:
    torch.manual_seed(0)
    encoder = StyleEncoder(ENCODER).eval()
    mean, log_variance = encoder(torch.rand(1, 3, 64, 64) * 2 - 1, halves())
    assert mean.shape == log_variance.shape == (1, 19, 8)
    there = present(halves())[0]
    assert there.nonzero().flatten().tolist() == [RIGHT, ISLAND, LEFT]
    assert mean[0, there].abs().sum(1).min() > 0
    assert not mean[0, ~there].any() and not log_variance[0, ~there].any()


def test_a_few_stray_pixels_are_no_region() -> None:
    ids = torch.zeros(1, 128, 128, dtype=torch.long)
    ids[0, 5, 5:8] = 14
    ids[0, 50, 5:9] = 15
    label_map = nn.functional.one_hot(ids, 19).permute(0, 3, 1, 2).float()
    assert present(label_map)[0].nonzero().flatten().tolist() == [0, 15]


def test_a_code_is_read_where_its_region_is() -> None:
    torch.manual_seed(0)
    encoder = StyleEncoder(ENCODER).eval()
    face = torch.rand(1, 3, 64, 64) * 0.2
    redder = face.clone()
    redder[:, 0, :, :32] += 0.6
    with torch.no_grad():
        change = (encoder(redder, halves())[0] - encoder(face, halves())[0]).norm(dim=2)[0]
    assert change[LEFT] > 2 * change[ISLAND]  # features look a little beyond their region


def test_a_label_map_may_be_of_another_size_than_the_encoder() -> None:
    torch.manual_seed(0)
    encoder, face = StyleEncoder(ENCODER).eval(), torch.rand(1, 3, 64, 64)
    large = nn.functional.interpolate(halves(), scale_factor=2.0)
    with torch.no_grad():
        torch.testing.assert_close(encoder(face, large), encoder(face, halves()))


def test_an_encoder_of_regions_asks_for_label_maps() -> None:
    with pytest.raises(ValueError, match="needs the faces' label maps"):
        StyleEncoder(ENCODER)(torch.zeros(1, 3, 64, 64))


def test_impossible_specs_are_refused() -> None:
    with pytest.raises(ValueError, match="style_regions needs style_affine"):
        GeneratorSpec(size=64, start=2, style_regions=True)
    for correlation in (1.0, -0.1, float("nan")):
        with pytest.raises(ValueError, match="their sum less than 1"):
            GeneratorSpec(size=64, start=2, region_correlation=correlation)
    with pytest.raises(ValueError, match="their sum less than 1"):
        GeneratorSpec(size=64, start=2, region_correlation=0.4, face_correlation=0.6)
    with pytest.raises(ValueError, match="1 to 256 labels, not 0"):
        GeneratorSpec(labels=0)
    with pytest.raises(ValueError, match="1 to 256 labels, not 1000"):
        EncoderSpec(labels=1000)
    for field in ("blocks", "width", "style_channels"):
        with pytest.raises(ValueError, match="must be at least 1"):
            replace(EncoderSpec(), **{field: 0})  # type: ignore[arg-type]
