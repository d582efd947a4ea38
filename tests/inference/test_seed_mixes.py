"""What lies between two seeds is as strong as a seed, and changes evenly."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from facesynth.core.styles import Style
from facesynth.inference import synthesizer as synthesizer_module
from facesynth.inference.drawn_styles import noise_fields, style_code
from facesynth.inference.synthesizer import Synthesizer
from facesynth.jobs.interpolation import style_between
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import GeneratorSpec
from tests.drawn_pairs import drawn_labels

SPEC = GeneratorSpec(size=64, start=2, style_channels=64, width=4, max_width=16, spade_hidden=8, noise=True)
IDENTITY = "a" * 64
STEPS = np.linspace(0, 1, 9)


def codes(first: Style, second: Style) -> NDArray[np.float32]:
    return np.stack([style_code(style_between(first, second, float(t)), SPEC) for t in STEPS])


@pytest.mark.parametrize("seeds", [(0, 1), (3, 7), (12, 5)])
def test_between_two_seeds_styles_keep_their_strength_and_turn_evenly(seeds: tuple[int, int]) -> None:
    path = codes(*(Style.from_seed(seed) for seed in seeds))
    norms = np.linalg.norm(path, axis=1)
    assert 0.85 * min(norms[0], norms[-1]) < norms.min() and norms.max() < 1.15 * max(norms[0], norms[-1])
    straight = np.linalg.norm((path[0] + path[-1]) / 2)
    assert norms[4] == pytest.approx(np.sqrt(2) * straight, rel=1e-5)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    assert steps.max() < 1.4 * steps.min()


def test_the_ends_are_the_styles_themselves() -> None:
    first, second = Style.from_seed(3), Style.from_seed(7)
    assert style_between(first, second, 0.0) == first and style_between(first, second, 1.0) == second
    drawn = np.random.default_rng(3).standard_normal(64, dtype=np.float32)
    assert np.array_equal(style_code(first, SPEC), drawn)


def test_between_faces_and_between_a_face_and_a_seed_lies_a_straight_line() -> None:
    face, other = (Style.from_code(np.full(64, value, dtype=np.float32), IDENTITY) for value in (0.5, -2.0))
    for first, second in ((face, other), (Style.from_seed(3), other)):
        path = codes(first, second)
        np.testing.assert_allclose(path, path[0] + STEPS[:, None] * (path[-1] - path[0]), atol=1e-5)


def test_a_mix_of_seeds_and_a_face_has_seeds_as_strong_as_their_weight() -> None:
    face = Style.from_code(np.zeros(64, dtype=np.float32), IDENTITY)
    both = Style.mix(Style.from_seed(3), Style.from_seed(7), 0.5)
    half = style_code(Style.mix(both, face, 0.5), SPEC)
    np.testing.assert_allclose(half, style_code(both, SPEC) / 2, atol=1e-6)


def test_pictures_change_smoothly_where_noise_drawn_anew_flickers(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = SpadeGenerator(SPEC)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if "noise" in name:
                parameter.fill_(0.5)
    synthesizer = Synthesizer(network.eval(), SPEC, device=torch.device("cpu"), dtype=torch.float32, identity=IDENTITY)
    face = Style.from_code(np.full(64, 0.5, dtype=np.float32), IDENTITY)
    anew = count()

    def bend(second: Style) -> float:
        """How far each picture is from the middle of its neighbours."""
        path = [style_between(Style.from_seed(3), second, float(t)) for t in STEPS]
        pictures = np.stack([picture.pixels.astype(int) for picture in synthesizer([drawn_labels(0)] * 9, path)])
        return float(np.abs(np.diff(pictures, 2, axis=0)).mean())

    smooth = [bend(second) for second in (Style.from_seed(7), face)]
    monkeypatch.setattr(synthesizer_module, "noise_fields", lambda _, sides: noise_fields(seeded(next(anew)), sides))
    flickering = [bend(second) for second in (Style.from_seed(7), face)]
    assert all(one < 0.3 * other for one, other in zip(smooth, flickering, strict=True)), (smooth, flickering)


def seeded(number: int) -> Style:
    return Style.from_seed(100 + number)
