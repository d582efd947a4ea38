"""The seam between predictors and what runs their networks, and the check that another engine computes the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth.core.errors import WeightsError
from facesynth.inference.lanes import Cores

Engine: TypeAlias = Callable[[Tensor], tuple[Tensor, ...]]
"""float32 N×C×H×W on the task's device → the network's outputs, of which the first has a row for each of the N."""

LABELS_AGREE = 0.999
LOGITS_DIFFER = 1e-3  # of the largest logit


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What an engine is made for: a module in eval mode on `device`, batches of `shape` (N, C, H, W), and `dtype`.

    `where` names the weights in errors. `cores` are those that it may use on a CPU.
    """

    network: nn.Module
    shape: tuple[int, int, int, int]
    device: torch.device
    dtype: torch.dtype = torch.float32
    where: str | None = None
    cores: Cores = field(default_factory=Cores)

    @property
    def example(self) -> Tensor:
        """A smooth, drawn input at about the scale of a normalised photo: the same each time."""
        _, channels, height, width = self.shape
        draw = torch.Generator().manual_seed(0)
        coarse = torch.randn(1, channels, 8, 8, generator=draw)
        smooth = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=False)
        return (smooth + 0.1 * torch.randn(1, channels, height, width, generator=draw)).to(self.device)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How an engine's logits compare with eager's: their largest difference, eager's largest logit, equal labels."""

    difference: float
    largest: float
    labels: float

    @property
    def holds(self) -> bool:
        """Whether they are the same, but for rounding."""
        return self.labels >= LABELS_AGREE and self.difference <= LOGITS_DIFFER * max(self.largest, 1.0)

    def __str__(self) -> str:
        return f"logits differ by up to {self.difference:.2g}, {self.labels:.3%} of labels are equal"


@torch.inference_mode()
def compared(task: Task, engine: Engine) -> Agreement:
    """Run an engine and the eager module, both in float32, on a batch of the task's example and its mirror image."""
    batch, x = task.shape[0], task.example
    pair = torch.cat((x, x.flip(3)))[:batch]
    turns = torch.arange(batch, device=task.device) % len(pair)
    expected, found = task.network(pair).float()[turns], engine(pair[turns])[0].float()
    if expected.shape != found.shape:
        return Agreement(float("inf"), 0.0, 0.0)
    largest, labels = expected.abs().max().item(), (expected.argmax(1) == found.argmax(1)).float().mean().item()
    return Agreement((expected - found).abs().max().item(), largest, labels)


def checked(task: Task, engine: Engine, name: str) -> Agreement:
    """How an engine that computes what the module does compares with it; WeightsError for one that does not."""
    agreement = compared(task, engine)
    if not agreement.holds:
        what = f"{name} computes something else than PyTorch: {agreement}"
        raise WeightsError(what, where=task.where, hint="use --engine eager, and report it with these weights' name")
    return agreement


def not_run(name: str, shape: tuple[int, ...], error: Exception, where: str | None) -> WeightsError:
    """What to raise where a graph was opened and fails on an input of some shape."""
    [said, *_] = str(error).strip().splitlines() or [type(error).__name__]
    what = f"{name} cannot run it on a batch of {'×'.join(str(side) for side in shape)} ({said})"
    return WeightsError(what, where=where, hint="try --batch-size 1, or another --engine")
