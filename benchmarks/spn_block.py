"""What one residual block costs with SPN, against the same block with batch normalisation: forward and backward.

    python benchmarks/spn_block.py                                      one thread of the CPU, at a smaller batch
    python benchmarks/spn_block.py --device cuda --batch 64 [--compile] the figure of the claim: at most 1.35

The block is table 2's, 256 channels at 32×32, after its upsampling. The arms take turns, so that a machine that slows
down slows all of them, and each one's best counts. On a CPU it is the time that one thread computes which is measured:
others on the machine then matter less. Freed memory is kept, as it is on a GPU: by itself the GNU C library maps every
tensor of more than 32 MB anew, which at batch 64 takes longer than what SPN adds (1.7 instead of 1.3). `figure 8` is
SPN line by line as the paper writes it: two passes for statistics, 1-m made, four depthwise convolutions. All arms have
the same convolutions, and it has SPN's weights.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # figure 8, which the tests compare SPN with

from facesynth.inference.device import resolve_device
from facesynth.models.normalisation.options import NormalisationName, NormalisationOptions
from facesynth.models.normalisation.self_pixelwise import SelfPixelwise
from facesynth.models.normalisation.table import NORMALISATIONS
from facesynth.models.resnet_gan.blocks import Layers, UpBlock
from tests.models.normalisation.figure_8 import Figure8

ALLOWED = 1.35
BATCH_NORM, SPN, LITERAL = "batch norm", "spn", "figure 8"


@dataclass(frozen=True, slots=True)
class Measured:
    """An arm: seconds a step of its best round, these over batch norm's, and the median of the rounds' own ratios."""

    arm: str
    seconds: float
    ratio: float
    median_ratio: float


def block(name: NormalisationName, channels: int) -> UpBlock:
    """A residual block of one normalisation, with the same convolutions whatever that is."""
    torch.manual_seed(0)
    options = NormalisationOptions()
    made = UpBlock(
        channels, channels, lambda width: NORMALISATIONS[name](width, options), Layers(spectral=False, bias=False)
    )
    torch.manual_seed(1)
    for each in (made.conv_0, made.conv_1):
        nn.init.xavier_uniform_(each.get_parameter("weight"))
    return made


def literal(channels: int) -> UpBlock:
    """The block with SPN as figure 8 has it, and the same weights as SPN's."""
    made = block("spn", channels)
    for name in ("norm_0", "norm_1"):
        fused = getattr(made, name)
        assert isinstance(fused, SelfPixelwise)
        setattr(made, name, Figure8.of(fused))
    return made


def step(work: Callable[[Tensor], Tensor], network: nn.Module, x: Tensor, back: Tensor, precision: str) -> Tensor:
    """One pass forward and backward, to x and all parameters."""
    network.zero_grad(set_to_none=True)
    x.grad = None
    lower = torch.autocast(x.device.type, torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
    with lower:
        y = work(x)
    y.backward(back.to(y.dtype))
    return y.detach()


def measure(
    arms: Mapping[str, nn.Module], x: Tensor, *, rounds: int, turns: int, precision: str, compiled: bool
) -> list[Measured]:
    """Let the arms take turns, `turns` steps each a round; the first of `arms` is what the others are compared with."""
    back = torch.randn_like(x)
    steps: dict[str, Callable[[], Tensor]] = {}
    for name, network in arms.items():

        def plain(x: Tensor, network: nn.Module = network) -> Tensor:
            made: Tensor = network.residual(x, None, None)  # type: ignore[operator]
            return made

        work = torch.compile(plain) if compiled else plain
        steps[name] = lambda work=work, network=network: step(work, network, x, back, precision)  # type: ignore[misc]
        for _ in range(3):
            steps[name]()
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, work_once in steps.items():
            seconds[name].append(_timed(work_once, turns, x.device))
    base = seconds[next(iter(arms))]
    told = []
    for name, own in seconds.items():
        median = statistics.median(one / other for one, other in zip(own, base, strict=True))
        told.append(Measured(name, min(own), min(own) / min(base), median))
    return told


def keep_all_memory() -> None:
    """Have the GNU C library keep whatever is freed; another one does as it likes."""
    map_never, trim_never = (-4, 0), (-1, -1)  # M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h
    with contextlib.suppress(OSError, AttributeError):
        for setting in (map_never, trim_never):
            ctypes.CDLL(None).mallopt(*setting)


def _timed(work: Callable[[], Tensor], turns: int, device: torch.device) -> float:
    """Seconds a step; on a CPU those in which its one thread was at work."""
    clock = time.thread_time if device.type == "cpu" else time.perf_counter
    _wait(device)
    start = clock()
    for _ in range(turns):
        work()
    _wait(device)
    return (clock() - start) / turns


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.get_device_module(device).synchronize()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N, mps or auto (default: cpu)")
    options.add_argument("--batch", type=int, help="default: 64; on a CPU 16")
    options.add_argument("--side", type=int, default=32)
    options.add_argument("--channels", type=int, default=256)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--turns", type=int, help="steps a round (default: 20; on a CPU 1)")
    options.add_argument("--precision", choices=["float32", "bf16"], default="float32")
    options.add_argument("--compile", action="store_true", help="torch.compile all arms alike")
    options.add_argument("--json", type=Path, help="write all figures to this file too")
    chosen = options.parse_args()
    device = resolve_device(chosen.device)
    on_cpu = device.type == "cpu"
    if on_cpu:
        torch.set_num_threads(1)
        keep_all_memory()
    batch, turns = chosen.batch or (16 if on_cpu else 64), chosen.turns or (1 if on_cpu else 20)
    made = {
        BATCH_NORM: block("batch", chosen.channels),
        SPN: block("spn", chosen.channels),
        LITERAL: literal(chosen.channels),
    }
    arms = {name: each.to(device, memory_format=torch.channels_last).train() for name, each in made.items()}  # type: ignore[call-overload]
    x = torch.randn(batch, chosen.channels, chosen.side, chosen.side, device=device)
    x = x.contiguous(memory_format=torch.channels_last).requires_grad_()
    told = measure(arms, x, rounds=chosen.rounds, turns=turns, precision=chosen.precision, compiled=chosen.compile)
    where = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"{device}, 1 thread"
        if on_cpu
        else str(device)
    )
    way = "compiled" if chosen.compile else "eager"
    print(f"{where}; batch {batch}, {chosen.side}×{chosen.side}, {chosen.channels} channels, {chosen.precision}, {way}")
    print(f"{'block':<12}{'ms a step':>11}{'ratio':>8}{'median of rounds':>19}")
    for each in told:
        print(f"{each.arm:<12}{1e3 * each.seconds:>11.2f}{each.ratio:>8.2f}{each.median_ratio:>19.2f}")
    ratio = next(each.ratio for each in told if each.arm == SPN)
    verdict = "is kept" if ratio <= ALLOWED else "IS BROKEN"
    print(f"SPN costs {ratio:.2f} times the block with batch norm; the limit of {ALLOWED} {verdict}")
    if chosen.json:
        settings = {key: str(value) for key, value in vars(chosen).items()} | {"batch": batch, "turns": turns}
        result = {
            "device": where,
            "torch": torch.__version__,
            "settings": settings,
            "arms": [asdict(each) for each in told],
        }
        chosen.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
