"""What a style does to a painted face: its vector, and its noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesynth.core.errors import FacesynthError
from facesynth.core.styles import Style
from facesynth.inference.drawn_styles import noise_fields
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import GeneratorSpec
from tests.drawn_pairs import drawn_labels

SPEC = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=16, spade_hidden=8, noise=True)
IDENTITY = "a" * 64


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    torch.manual_seed(0)
    network = SpadeGenerator(SPEC)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "noise" in name:
                parameter.fill_(0.5)
    return Synthesizer(network.eval(), SPEC, device=torch.device("cpu"), dtype=torch.float32, identity=IDENTITY)


def noise_of(synthesizer: Synthesizer, style: Style) -> NDArray[np.float32]:
    return np.concatenate([field.ravel() for field in noise_fields(style, synthesizer.network.noise_sides)])


def face_style(value: float) -> Style:
    return Style.from_code(np.full(8, value, dtype=np.float32), IDENTITY)


def test_the_style_of_a_face_is_painted_with_the_noise_of_seed_0(synthesizer: Synthesizer) -> None:
    noise = noise_of(synthesizer, face_style(0.3))
    assert np.array_equal(noise, noise_of(synthesizer, Style.from_seed(0)))
    assert np.array_equal(noise, noise_of(synthesizer, face_style(-1.0)))
    assert noise.std() == pytest.approx(1.0, abs=0.02)
    assert not np.array_equal(noise, noise_of(synthesizer, Style.from_seed(1)))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_a_mix_of_styles_has_noise_as_strong_as_one(synthesizer: Synthesizer, share: float) -> None:
    mixed = Style.mix(Style.from_seed(3), Style.from_seed(4), 1 - share)
    assert noise_of(synthesizer, mixed).std() == pytest.approx(1.0, abs=0.03)
    of_faces = Style.mix(face_style(0.1), face_style(0.9), 1 - share)
    np.testing.assert_allclose(noise_of(synthesizer, of_faces), noise_of(synthesizer, face_style(0.0)), atol=1e-5)


def test_a_network_that_answers_with_no_numbers_paints_nothing() -> None:
    network = SpadeGenerator(SPEC).eval()
    with torch.no_grad():
        network.picture.weight[0, 0, 0, 0] = float("nan")
    damaged = Synthesizer(network, SPEC, device=torch.device("cpu"), dtype=torch.float32, identity=IDENTITY)
    with pytest.raises(FacesynthError, match="the generator answers with what are no numbers"):
        damaged([drawn_labels(0)], [Style.from_seed(0)])
