"""Styles of regions through the predictors: a tiny generator and encoder with known numbers in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from facesynth.core.errors import StyleError
from facesynth.core.images import Photo
from facesynth.core.labels import Label, LabelMap
from facesynth.core.styles import CodeSource, RegionsSource, Style
from facesynth.inference.drawn_styles import region_codes
from facesynth.inference.encoder import Encoder
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import EncoderSpec, GeneratorSpec
from tests.drawn_pairs import drawn_face, drawn_labels

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
ENCODER = EncoderSpec(size=64, blocks=4, style_channels=8, width=4, max_width=16, style_regions=True, spectral=False)
IDENTITY = "a" * 64
CPU = torch.device("cpu")
LABELS, FACE = drawn_labels(0), drawn_face(drawn_labels(0), 0)


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    torch.manual_seed(0)
    network = SpadeGenerator(GENERATOR).eval()
    assert network.regions is not None
    nn.init.normal_(network.regions.average)
    return Synthesizer(network, GENERATOR, device=CPU, dtype=torch.float32, identity=IDENTITY)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(1)
    return Encoder(StyleEncoder(ENCODER).eval(), ENCODER, device=CPU, dtype=torch.float32, identity=IDENTITY)


def pixels(synthesizer: Synthesizer, *styles: Style, labels: LabelMap = LABELS) -> list[NDArray[np.int64]]:
    return [photo.pixels.astype(np.int64) for photo in synthesizer([labels] * len(styles), styles)]


def codes_of(style: Style) -> dict[Label, NDArray[np.float32]]:
    ((_, source),) = style.components
    assert isinstance(source, RegionsSource)
    return source.vectors


def test_a_face_is_read_region_by_region_alike_in_any_batch(encoder: Encoder) -> None:
    others = [drawn_labels(seed, 96) for seed in (1, 2)]
    faces = [FACE, *(drawn_face(labels, 7) for labels in others)]
    together = encoder(faces, [LABELS, *others], batch_size=4)
    assert together[0] == encoder([FACE], [LABELS], batch_size=4)[0]
    assert codes_of(together[0]).keys() == set(np.unique(LABELS.ids))
    assert encoder.reads_regions and together[0].encoder == IDENTITY


def test_the_label_map_says_where_a_region_is(encoder: Encoder) -> None:
    ids = LABELS.ids.copy()
    ids[ids == Label.HAIR] = Label.HAT
    hat, hair = codes_of(encoder([FACE], [LabelMap(ids)])[0]), codes_of(encoder([FACE], [LABELS])[0])
    assert Label.HAT in hat and Label.HAIR not in hat
    assert np.array_equal(hat[Label.CLOTH], hair[Label.CLOTH])


def test_an_encoder_of_regions_asks_for_label_maps(encoder: Encoder) -> None:
    with pytest.raises(StyleError, match="was not told where they are; give labels="):
        encoder([FACE])
    with pytest.raises(ValueError, match="1 faces and 2 label maps"):
        encoder([FACE], [LABELS, LABELS])


def test_an_encoder_of_whole_faces_does_not_look_at_label_maps() -> None:
    torch.manual_seed(0)
    spec = replace(ENCODER, style_regions=False)
    whole = Encoder(StyleEncoder(spec).eval(), spec, device=CPU, dtype=torch.float32, identity=IDENTITY)
    assert not whole.reads_regions
    assert whole([FACE], [LABELS]) == whole([FACE])
    assert isinstance(whole([FACE])[0].components[0][1], CodeSource)


def test_hair_of_one_and_the_rest_of_another(synthesizer: Synthesizer, encoder: Encoder) -> None:
    own, other = encoder([FACE, Photo(255 - FACE.pixels)], [LABELS, LABELS])
    codes, missing = region_codes(own.with_regions([Label.HAIR], other), GENERATOR)
    plain, _ = region_codes(own, GENERATOR)
    assert np.array_equal(codes[Label.HAIR], codes_of(other)[Label.HAIR])
    assert np.array_equal(np.delete(codes, Label.HAIR, 0), np.delete(plain, Label.HAIR, 0))
    assert missing[Label.HAT] == 1 and missing[Label.HAIR] == 0
    strong = Style.from_regions({Label.HAIR: np.full(8, 5.0)}, IDENTITY)
    before, after = pixels(synthesizer, own, own.with_regions([Label.HAIR], strong))
    assert not np.array_equal(before, after)


def test_a_region_without_a_style_is_painted_in_the_learned_average(synthesizer: Synthesizer) -> None:
    assert synthesizer.network.regions is not None
    average = synthesizer.network.regions.average.detach().numpy()
    told = Style.from_regions({label: average[label] for label in Label}, IDENTITY)
    half = Style.from_regions({Label.HAIR: average[Label.HAIR]}, IDENTITY)
    mean, all_told, some = pixels(synthesizer, synthesizer.mean_style, told, half)
    assert np.array_equal(mean, all_told) and np.array_equal(mean, some)
    seed, mixed, both = pixels(
        synthesizer,
        Style.from_seed(3),
        Style.mix(half, Style.mix(told, synthesizer.mean_style, 0.3), 0.6),
        Style.mix(Style.from_seed(3), synthesizer.mean_style, 0.5),
    )
    assert np.abs(mean - mixed).max() <= 1  # averages of averages
    assert not np.array_equal(seed, mean) and not np.array_equal(both, mean) and not np.array_equal(both, seed)


def alike(codes: NDArray[np.float32], one: Label, other: Label) -> float:
    """The correlation of two labels' codes, N×19×8."""
    return float(np.corrcoef(codes[:, one].ravel(), codes[:, other].ravel())[0, 1])


def test_a_seed_draws_the_same_for_a_label_on_all_maps() -> None:
    codes, missing = region_codes(Style.from_seed(5), GENERATOR)
    assert codes.shape == (19, 8) and not missing.any()
    assert np.array_equal(codes, region_codes(Style.from_seed(5), GENERATOR)[0])
    many = np.stack([region_codes(Style.from_seed(seed), GENERATOR)[0] for seed in range(1000)])
    assert many.mean() == pytest.approx(0, abs=0.05) and many.std() == pytest.approx(1, abs=0.03)
    assert alike(many, Label.HAIR, Label.SKIN) == pytest.approx(GENERATOR.region_correlation, abs=0.05)


def test_a_seed_draws_the_bare_parts_of_a_face_more_alike_than_the_rest() -> None:
    spec = replace(GENERATOR, region_correlation=0.15, face_correlation=0.6)
    many = np.stack([region_codes(Style.from_seed(seed), spec)[0] for seed in range(2000)])
    assert many.std(axis=(0, 2)) == pytest.approx(np.ones(19), abs=0.04)
    for one, other in ((Label.SKIN, Label.NOSE), (Label.L_EYE, Label.NECK)):
        assert alike(many, one, other) == pytest.approx(0.75, abs=0.03)
    for one, other in ((Label.SKIN, Label.HAIR), (Label.CLOTH, Label.BACKGROUND), (Label.EYE_G, Label.L_EYE)):
        assert alike(many, one, other) == pytest.approx(0.15, abs=0.04)


def test_the_seed_of_one_region_may_be_another(synthesizer: Synthesizer) -> None:
    style = Style.from_seed(1).with_regions([Label.HAIR], Style.from_seed(2))
    codes, _ = region_codes(style, GENERATOR)
    assert np.array_equal(codes[Label.HAIR], region_codes(Style.from_seed(2), GENERATOR)[0][Label.HAIR])
    assert np.array_equal(codes[Label.SKIN], region_codes(Style.from_seed(1), GENERATOR)[0][Label.SKIN])
    one, again = pixels(synthesizer, style), pixels(synthesizer, Style.from_seed(9), style)
    assert np.array_equal(one[0], again[1])  # never a matter of the batch


def test_a_style_that_is_not_the_generators_is_refused(synthesizer: Synthesizer) -> None:
    with pytest.raises(StyleError, match="encode the style face again"):
        synthesizer([LABELS], [Style.from_regions({Label.HAIR: np.zeros(8)}, "b" * 64)])
    with pytest.raises(StyleError, match="of a whole face"):
        synthesizer([LABELS], [Style.from_code(np.zeros(8), IDENTITY)])
    spec = replace(GENERATOR, style_regions=False)
    whole = Synthesizer(SpadeGenerator(spec).eval(), spec, device=CPU, dtype=torch.float32, identity=IDENTITY)
    for style in (synthesizer.mean_style, Style.from_seed(1).with_regions([Label.HAIR], Style.from_seed(2))):
        with pytest.raises(StyleError, match="one style for the whole face"):
            whole([LABELS], [style])
    assert whole([LABELS], [whole.mean_style])[0].width == 64
