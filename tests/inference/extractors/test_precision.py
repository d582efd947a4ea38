"""Full float32 while an extractor computes: TF32 is off inside and as it was outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event, Thread
from typing import Any

import pytest
import torch
from torch import nn

from facesynth.inference.extractors.inception import InceptionFeatures
from facesynth.inference.extractors.perceptual import Lpips, TrunkDistance
from facesynth.inference.extractors.precision import full_float32
from facesynth.inference.extractors.trunk import TrunkFeatures, TrunkMaps
from tests.drawn_pairs import drawn_face, drawn_labels

PICTURES = [drawn_face(drawn_labels(seed, 64), seed) for seed in range(2)]


def allowed() -> tuple[bool, bool]:
    return torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32


@pytest.fixture(autouse=True)
def rounding() -> Iterator[None]:
    """A process that lets everything round to TF32."""
    held = allowed()
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = True, True
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = held


class Noting(nn.Module):
    """A network that notes what it is allowed to round to."""

    def __init__(self, answer: Callable[[torch.Tensor], Any]) -> None:
        super().__init__()
        self.seen: list[tuple[bool, bool]] = []
        self.answer = answer

    def forward(self, x: torch.Tensor, *_: torch.Tensor) -> Any:
        self.seen.append(allowed())
        return self.answer(x)


def test_no_extractor_rounds_to_tf32_and_each_leaves_the_setting_as_it_was() -> None:
    cpu = torch.device("cpu")
    inception = Noting(lambda x: (torch.zeros(len(x), 4), torch.zeros(len(x), 3)))
    InceptionFeatures(inception, cpu)(PICTURES)
    lpips = Noting(lambda x: torch.zeros(len(x)))
    Lpips(lpips, cpu)([(PICTURES[0], PICTURES[1])])
    trunk = Noting(lambda x: [x, x[..., ::2, ::2]])
    maps = TrunkMaps(trunk, 64, cpu)  # type: ignore[arg-type]
    TrunkFeatures(maps)(PICTURES)
    TrunkDistance(maps)([(PICTURES[0], PICTURES[1])])
    for network in (inception, lpips, trunk):
        assert network.seen and set(network.seen) == {(False, False)}
    assert allowed() == (True, True)


def test_it_comes_back_after_an_error_too_and_off_stays_off() -> None:
    with pytest.raises(RuntimeError, match="on purpose"), full_float32():
        raise RuntimeError("on purpose")
    assert allowed() == (True, True)
    torch.backends.cudnn.allow_tf32 = False
    with full_float32():
        assert allowed() == (False, False)
    assert allowed() == (False, True)


def test_of_two_threads_the_last_to_leave_restores_it() -> None:
    inside, leave = Event(), Event()

    def other() -> None:
        with full_float32():
            inside.set()
            leave.wait(10)

    thread = Thread(target=other)
    with full_float32():
        thread.start()
        assert inside.wait(10)
    assert allowed() == (False, False), "the other is still at it"
    leave.set()
    thread.join()
    assert allowed() == (True, True)
