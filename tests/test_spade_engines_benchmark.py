"""The benchmark's oracle is the same network as ours, and its figures come from all that it names."""

from __future__ import annotations

import importlib
import multiprocessing
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.inference.patterns.painter import PatternPainter
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import GeneratorSpec

PLAIN = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=64, spade_hidden=8, spectral=False)
STYLED = replace(PLAIN, style_affine=True, noise=True, max_width=24)
REGIONS = replace(STYLED, style_regions=True)
FAKE = """
import torch.nn as nn, torch.nn.functional as F
from torch.nn.utils import spectral_norm
class Norm(nn.Module):
    def __init__(s, c, opt):
        super().__init__()
        s.param_free_norm = nn.BatchNorm2d(c, affine=False)
        s.mlp_shared = nn.Sequential(nn.Conv2d(opt.semantic_nc, 128, 3, padding=1), nn.ReLU())
        s.mlp_gamma, s.mlp_beta = nn.Conv2d(128, c, 3, padding=1), nn.Conv2d(128, c, 3, padding=1)
    def forward(s, x, seg):
        a = s.mlp_shared(F.interpolate(seg, size=x.shape[2:], mode="nearest"))
        return s.param_free_norm(x) * (1 + s.mlp_gamma(a)) + s.mlp_beta(a)
class Block(nn.Module):
    def __init__(s, i, o, opt):
        super().__init__()
        m = min(i, o)
        s.norm_0, s.norm_1 = Norm(i, opt), Norm(m, opt)
        s.conv_0 = spectral_norm(nn.Conv2d(i, m, 3, padding=1))
        s.conv_1 = spectral_norm(nn.Conv2d(m, o, 3, padding=1))
        s.learned = i != o
        if s.learned:
            s.conv_s, s.norm_s = spectral_norm(nn.Conv2d(i, o, 1, bias=False)), Norm(i, opt)
    def forward(s, x, seg):
        x_s = s.conv_s(s.norm_s(x, seg)) if s.learned else x
        y = s.conv_0(F.leaky_relu(s.norm_0(x, seg), 0.2))
        return x_s + s.conv_1(F.leaky_relu(s.norm_1(y, seg), 0.2))
class SPADEGenerator(nn.Module):
    def __init__(s, opt):
        super().__init__()
        n, s.side = opt.ngf, opt.crop_size // 32
        s.fc = nn.Linear(opt.z_dim, 16 * n * s.side**2)
        widths = [16, 16, 16, 16, 8, 4, 2, 1]
        s.names = ["head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3"]
        for name, i, o in zip(s.names, widths, widths[1:]):
            s.add_module(name, Block(i * n, o * n, opt))
        s.conv_img = nn.Conv2d(n, 3, 3, padding=1)
    def forward(s, seg, z):
        x = s.fc(z).view(len(z), -1, s.side, s.side)
        for name in s.names:
            if name not in ("head_0", "G_middle_1"):
                x = F.interpolate(x, scale_factor=2)
            x = getattr(s, name)(x, seg)
        return F.tanh(s.conv_img(F.leaky_relu(x, 0.2)))
"""


@pytest.fixture
def speed(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1] / "benchmarks"))
    return importlib.import_module("spade_engines")


def generator_of(spec: GeneratorSpec) -> SpadeGenerator:
    torch.manual_seed(0)
    made = SpadeGenerator(spec)
    for name, parameter in made.named_parameters():
        if "noise" in name:
            nn.init.normal_(parameter)
    made.train()(one_hot(spec, 2), style_of(spec, 2))  # batch statistics
    return made.eval().requires_grad_(False)


def one_hot(spec: GeneratorSpec, count: int = 1) -> Tensor:
    coarse = torch.randint(0, spec.labels, (count, 8, 8), generator=torch.Generator().manual_seed(1))
    ids = coarse.repeat_interleave(spec.size // 8, 1).repeat_interleave(spec.size // 8, 2)
    return F.one_hot(ids, spec.labels).permute(0, 3, 1, 2).float()


def style_of(spec: GeneratorSpec, count: int = 1) -> Tensor:
    return torch.randn(count, *([spec.labels] if spec.style_regions else []), spec.style_channels)


@pytest.mark.parametrize("spec", [PLAIN, STYLED, REGIONS, replace(STYLED, start=1), replace(PLAIN, size=128, start=1)])
def test_the_textbook_paints_what_ours_paints(spec: GeneratorSpec, speed: ModuleType) -> None:
    ours = generator_of(spec)
    theirs = speed.textbook(ours)
    given = one_hot(spec), style_of(spec), [torch.randn(1, 1, side, side) for side in ours.noise_sides]
    torch.testing.assert_close(theirs(*given), ours(*given), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(speed.with_spectral_norm(theirs)(*given), ours(*given), atol=1e-5, rtol=1e-4)


def test_a_checkout_is_given_the_same_weights(
    speed: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(PLAIN, spade_hidden=128)
    (tmp_path / "models/networks").mkdir(parents=True)
    (tmp_path / "models/networks/generator.py").write_text(FAKE)
    monkeypatch.syspath_prepend(str(tmp_path))  # so that it is taken away again
    ours = generator_of(spec)
    theirs = speed.nvlabs_generator(tmp_path, speed.textbook(ours))
    given = one_hot(spec), style_of(spec)
    torch.testing.assert_close(theirs(*given, []), ours(*given), atol=1e-5, rtol=1e-4)
    with pytest.raises(SystemExit, match="neither noise nor styles"):
        speed.nvlabs_generator(tmp_path, speed.textbook(generator_of(STYLED)))


def test_all_arms_are_measured_against_the_first(speed: ModuleType) -> None:
    ours = generator_of(STYLED)
    arms = {
        name: speed.here(speed.by_layers(network, 19), time.perf_counter)
        for name, network in (("first", speed.textbook(ours)), ("second", ours))
    }
    painters = {"ours": speed.here(PatternPainter(ours, torch.float32), time.perf_counter)}
    given = speed.sittings(ours, None, 3)
    assert not np.array_equal(given[1].ids, given[2].ids) and not np.array_equal(given[1].ids, given[1].edited)
    measured = speed.measure(arms, painters, given)
    told = [one.told(measured[0]) for one in measured]
    assert [one["arm"] for one in told] == [
        "first", "second", "ours: new label map", "ours: another style", "ours: edited map",
    ]  # fmt: skip
    assert told[0]["ratio"] == 1 and told[0]["largest_difference"] == 0
    assert all(len(one.seconds) == 2 and 0 < one.largest < 1e-4 for one in measured[1:])
    assert speed.table(told).count("\n") == len(told)
    wrong = speed.by_layers(generator_of(replace(STYLED, labels=20)), 20)
    arms["second"] = speed.here(wrong, time.perf_counter)
    assert speed.measure(arms, {}, given)[1].largest > 1e-2


def test_a_plain_script_paints_in_a_process_of_its_own(speed: ModuleType) -> None:
    ours = speed.Subject(None, 2, 64).generator()
    [given] = speed.sittings(ours, None, 1)
    expected = ours(one_hot_of(given.ids), given.styles[0], given.noise)
    with speed.apart(partial(speed.Subject(None, 2, 64).plain, "textbook"), 1) as arm:
        picture, seconds = arm(given.ids, given.styles[0], given.noise)
    torch.testing.assert_close(picture, expected, atol=1e-5, rtol=1e-4)
    assert seconds > 0 and not multiprocessing.active_children()


def one_hot_of(ids: np.ndarray) -> Tensor:
    return F.one_hot(torch.from_numpy(ids.astype(np.int64)), 19).permute(2, 0, 1)[None].float()
