"""Painting by patterns is what the generator's layers paint, whatever was painted before, within bounded memory."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from facesynth.core.errors import UsageError
from facesynth.core.labels import LabelMap
from facesynth.core.styles import Style
from facesynth.inference.patterns import PatternsName
from facesynth.inference.patterns.painter import PatternPainter
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.folded_spade.modulation import FoldedSpade
from facesynth.models.folded_spade.places import Neighbourhoods
from facesynth.models.specs import GeneratorSpec
from tests.drawn_pairs import drawn_labels
from tests.inference.painting.networks import (
    NORMAL,
    PLAIN,
    REGIONS,
    STYLED,
    dense,
    generator_of,
    noise_of,
    style_of,
)
from tests.odd_label_maps import KINDS, odd_ids

MOST = replace(PLAIN, size=128, start=1)
IDENTITY = "a" * 64
Ids = NDArray[np.uint8]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("spec", [PLAIN, STYLED, REGIONS], ids=["plain", "styled", "regions"])
def test_it_paints_what_the_layers_paint(spec: GeneratorSpec, kind: str) -> None:
    network, ids, style = generator_of(spec), odd_ids(kind, 64), style_of(spec)
    noise = noise_of(network)
    for most in (4096, 200, 0):  # by patterns, some sides pixel by pixel, all
        painted = PatternPainter(network, torch.float32, most=most)(ids, style, noise)
        torch.testing.assert_close(painted, dense(network, ids, style, noise), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("spec", [NORMAL, MOST], ids=["normal", "most"])
def test_with_other_doublings_without_noise_and_with_a_style_a_block(spec: GeneratorSpec) -> None:
    network, ids = generator_of(spec), odd_ids("face", spec.size)
    styles = [style_of(spec, seed) for seed in range(len(network.blocks))]
    painted = PatternPainter(network, torch.float32)(ids, styles, None)
    torch.testing.assert_close(painted, dense(network, ids, styles, None), atol=1e-5, rtol=1e-4)


def test_wide_layers_are_computed_in_another_way() -> None:
    spec = GeneratorSpec(size=128, start=4, style_channels=8, width=32, max_width=512, spade_hidden=4, spectral=False)
    network, ids, style = generator_of(spec), odd_ids("face", 128), style_of(spec)
    painter = PatternPainter(network, torch.float32)
    torch.testing.assert_close(painter(ids, style, None), dense(network, ids, style, None), atol=2e-4, rtol=0)


def test_in_bf16_it_is_near() -> None:
    network, ids, style = generator_of(STYLED), odd_ids("face", 64), style_of(STYLED)
    noise = noise_of(network)
    exact = dense(network, ids, style, noise)
    with torch.autocast("cpu", torch.bfloat16):
        usual = (dense(network, ids, style, noise) - exact).abs().mean().item()
    error = (PatternPainter(network, torch.bfloat16)(ids, style, noise) - exact).abs().mean().item()
    assert 0 < error < 1.5 * usual


def test_what_was_painted_before_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    network, style = generator_of(REGIONS), style_of(REGIONS)
    noise = noise_of(network)
    maps = [odd_ids("face", 64), odd_ids("every label", 64), np.array(drawn_labels(2, 64).ids)]
    edited = maps[0].copy()
    edited[20:24, 30:41] = 14
    fresh = [PatternPainter(network, torch.float32)(ids, style, noise) for ids in (*maps, edited)]

    computed: list[int] = []
    plain = FoldedSpade.rows

    def counted(self: FoldedSpade, patterns: Neighbourhoods) -> Tensor:
        computed.append(len(patterns.outer))
        return plain(self, patterns)

    monkeypatch.setattr(FoldedSpade, "rows", counted)
    painter = PatternPainter(network, torch.float32)
    counts: list[int] = []
    for ids, expected in zip((*maps, edited), fresh, strict=True):
        computed.clear()
        assert torch.equal(painter(ids, style, noise), expected)
        counts.append(sum(computed))
    assert 0 < counts[3] < counts[0] / 3  # of an edited map, patterns that are new
    computed.clear()
    assert torch.equal(painter(maps[0], style, noise), fresh[0])
    assert not torch.equal(painter(maps[0], style_of(REGIONS, 1), noise), fresh[0])
    assert not computed  # with another style, none


def test_what_is_kept_is_bounded() -> None:
    network, style = generator_of(PLAIN), style_of(PLAIN)
    maps = [np.array(drawn_labels(seed, 64).ids) for seed in range(6)]
    alone = PatternPainter(network, torch.float32)
    expected = [alone(ids, style, None) for ids in maps]
    one = alone.kept.size / len(maps)
    few, none = (PatternPainter(network, torch.float32, kept_bytes=size) for size in (int(2.5 * one), 0))
    for ids, painted in zip(maps, expected, strict=True):
        assert torch.equal(few(ids, style, None), painted)
        assert torch.equal(none(ids, style, None), painted)
        assert few.kept.size <= 2.5 * one and none.kept.size == 0
    assert few.kept.size > one


def test_threads_paint_the_same() -> None:
    network = generator_of(STYLED)
    noise = noise_of(network)
    work = [(np.array(drawn_labels(seed % 3, 64).ids), style_of(STYLED, seed)) for seed in range(12)]
    alone = PatternPainter(network, torch.float32)
    expected = [alone(ids, style, noise) for ids, style in work]
    shared = PatternPainter(network, torch.float32, kept_bytes=int(alone.kept.size / 2))
    with ThreadPoolExecutor(4) as pool:
        painted = list(pool.map(lambda one: shared(one[0], one[1], noise), work))
    assert all(torch.equal(one, other) for one, other in zip(painted, expected, strict=True))


def synthesizer_of(patterns: PatternsName, spec: GeneratorSpec = REGIONS, device: str = "cpu") -> Synthesizer:
    network = generator_of(spec)
    where = torch.device(device)
    return Synthesizer(network, spec, device=where, dtype=torch.float32, identity=IDENTITY, patterns=patterns)


def test_the_synthesizers_pictures_are_the_same_but_for_rounding() -> None:
    labels = [LabelMap(odd_ids(kind, 64)) for kind in KINDS]
    styles = [Style.from_seed(seed) for seed in range(len(labels))]
    quick, slow = (synthesizer_of(patterns) for patterns in ("always", "never"))
    painted = [
        np.stack([photo.pixels.astype(int) for photo in synthesizer(labels, styles)]) for synthesizer in (quick, slow)
    ]
    assert np.abs(painted[0] - painted[1]).max() <= 1
    assert (painted[0] == painted[1]).mean() > 0.998
    again = [photo.pixels for photo in quick(labels[::-1], styles[::-1], batch_size=4)]
    assert np.array_equal(np.stack(again[::-1]), painted[0])


def test_patterns_are_for_cpus() -> None:
    with pytest.raises(UsageError, match="label patterns are for CPUs"):
        synthesizer_of("always", device="meta")
    synthesizer_of("auto", device="meta")
