"""Random numbers of styles: pure functions of the step, and styles that cross over once, at every depth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facesynth.training.runs.spade import SpadeRun
from facesynth.training.spade.style_draws import StyleDraws, of_blocks, style_draws
from tests.training.test_runs import spade_run

BLOCKS = 7


def by_regions(**changes: object) -> SpadeRun:
    run = spade_run(Path("pairs"))
    assert run.encoder is not None
    regions: dict[str, object] = {
        "generator": replace(run.generator, style_regions=True),
        "encoder": replace(run.encoder, style_regions=True),
    }
    return replace(run, **(regions | changes))  # type: ignore[arg-type]


def draws_of(config: SpadeRun, nimg: int = 8, count: int = 64) -> StyleDraws:
    return style_draws(config, nimg, count, sides=[2, 4], blocks=BLOCKS, device=torch.device("cpu"))


def test_a_step_draws_the_same_again_and_another_step_something_else() -> None:
    config = by_regions(style_mixing=0.5, region_dropping=0.3)
    one, again, other = draws_of(config), draws_of(config), draws_of(config, nimg=12)
    for name in ("normal", "kept", "other", "crossed"):
        assert torch.equal(getattr(one, name), getattr(again, name))
        assert not torch.equal(getattr(one, name), getattr(other, name))
    assert [field.shape for field in one.noise] == [(64, 1, 2, 2), (64, 1, 4, 4)]


def test_without_options_there_is_one_style_a_face() -> None:
    draws = draws_of(spade_run(Path("pairs")))
    assert draws.normal.shape == (64, 8)
    assert draws.kept is draws.other is draws.crossed is draws.own is None
    style = torch.randn(64, 8)
    assert of_blocks(style, draws) is style


def test_options_do_not_change_what_is_drawn_beside_them() -> None:
    plain, mixed = draws_of(by_regions()), draws_of(by_regions(style_mixing=0.9))
    assert torch.equal(plain.normal, mixed.normal)
    assert all(torch.equal(a, b) for a, b in zip(plain.noise, mixed.noise, strict=True))
    assert plain.kept is not None and mixed.kept is not None and torch.equal(plain.kept, mixed.kept)


def test_styles_cross_over_once_at_any_depth_in_either_order() -> None:
    draws = draws_of(spade_run(Path("pairs"), style_mixing=1.0), count=400)
    assert draws.crossed is not None and draws.own is not None and not draws.own.any()
    changes = draws.crossed[:, 1:] != draws.crossed[:, :-1]
    assert (changes.sum(1) == 1).all()
    assert changes.any(0).all()  # every depth
    assert 100 < draws.crossed[:, 0].sum() < 300  # either style first


@pytest.mark.parametrize("regions", [False, True])
def test_blocks_take_the_style_that_is_theirs(regions: bool) -> None:
    config = by_regions(style_mixing=0.5) if regions else spade_run(Path("pairs"), style_mixing=0.5)
    draws = draws_of(config)
    style = torch.zeros_like(draws.normal)
    styles = of_blocks(style, draws)
    assert isinstance(styles, list) and len(styles) == BLOCKS
    assert draws.crossed is not None and draws.other is not None and draws.own is not None
    assert 0.3 < draws.own.float().mean() < 0.7
    for index, block in enumerate(styles):
        for sample in range(64):
            expected = draws.other if draws.crossed[sample, index] else style
            assert torch.equal(block[sample], expected[sample])


def test_regions_are_dropped_as_often_as_asked() -> None:
    for share in (0.0, 0.25, 1.0):
        kept = draws_of(by_regions(region_dropping=share), count=300).kept
        assert kept is not None and kept.shape == (300, 19)
        assert 1 - kept.float().mean() == pytest.approx(share, abs=0.02)
