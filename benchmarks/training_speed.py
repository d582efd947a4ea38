"""Images a second of training a generator: facesynth's step beside a plain eager float32 loop of the same networks.

    python benchmarks/training_speed.py --device cuda                        spade-128, bf16 and torch.compile
    python benchmarks/training_speed.py --device cuda --pipeline paper-spade-face --batch-size 8
    python benchmarks/training_speed.py --device cpu --pipeline spade-256 --precision bf16 --steps 1 --rounds 3
    python benchmarks/training_speed.py --device cpu --toy                   runs anywhere in about a minute

Both are given the same drawn pairs from main memory, the same augmentation, losses and optimizers, and take turns. The
plain loop is what a training script does without further thought: float32 throughout, NCHW memory, no autocast, no
compiling, γ and β at each pixel, and a batch that is made when it is needed. The last line is what batches alone come
at: where that is far above a step's images a second, data does not hold it up.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # drawn label maps, which the tests have

import numpy as np
import torch
import torch.nn.functional as F

from facesynth.config import find_pipeline, load_pipeline
from facesynth.core.errors import WeightsError
from facesynth.datasets.packed import PackedPairs
from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.pattern_spade.finding import batch_patterns
from facesynth.models.perceptual import PerceptualDistance
from facesynth.training.data import HeldOut
from facesynth.training.initial import initialise, load_perceptual
from facesynth.training.launch import make_fabric
from facesynth.training.losses import feature_matching, hinge_discriminator, hinge_generator, kl_divergence
from facesynth.training.runs.spade import SpadeRun
from facesynth.training.spade.batches import Batches
from facesynth.training.spade.job import SpadeJob
from facesynth.training.spade.painter import Painter
from facesynth.training.spade.style_draws import style_draws
from tests.drawn_pairs import drawn_labels

Step = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Speeds:
    """Images a second, the median of all rounds."""

    ours: float
    plain: float
    batches: float

    @property
    def ratio(self) -> float:
        """How many times as fast as the plain loop."""
        return self.ours / self.plain


def drawn_pairs(count: int, size: int) -> PackedPairs:
    """Random pictures and drawn faces' label maps, as they lie packed."""
    pictures = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    return PackedPairs(pictures, np.stack([drawn_labels(seed, size).ids for seed in range(count)]), "drawn")


def networks_of(run: SpadeRun) -> tuple[Painter, Discriminator]:
    """The networks of a run as they begin."""
    if run.discriminator is None or run.segmentation_discriminator is not None:
        raise SystemExit("choose a pipeline with the patch discriminator alone")
    torch.manual_seed(run.seed)
    encoder = None if run.encoder is None else StyleEncoder(run.encoder)
    painter, critic = Painter(SpadeGenerator(run.generator), encoder), Discriminator(run.discriminator)
    initialise(painter)
    initialise(critic)
    return painter, critic


def our_step(run: SpadeRun, pairs: PackedPairs, perceptual: PerceptualDistance | None, device: str) -> Step:
    """One step of facesynth's own job."""
    painter, critic = networks_of(run)
    if run.by_patterns(torch.device(device).type):
        painter.generator.find_patterns = batch_patterns
    if run.compile:
        painter.compile()
        critic.compile()
    fabric = make_fabric(device, run.precision)
    return SpadeJob(run, painter, critic, None, perceptual, pairs, HeldOut(()), [], fabric).step


def plain_step(run: SpadeRun, pairs: PackedPairs, perceptual: PerceptualDistance | None, device: torch.device) -> Step:
    """One step as it is written down in the paper: generator and encoder, then the discriminator."""
    painter, critic = (network.to(device).train() for network in networks_of(run))
    assert isinstance(painter, Painter)
    adam_g = torch.optim.Adam(painter.parameters(), lr=run.generator_learning_rate, betas=run.betas, foreach=False)
    adam_d = torch.optim.Adam(critic.parameters(), lr=run.discriminator_learning_rate, betas=run.betas, foreach=False)
    batches, weights, sides = Batches(pairs, run, device), run.losses, painter.generator.noise_sides
    blocks = len(painter.generator.blocks)

    def step(nimg: int) -> None:
        batch = batches(nimg)
        faces, labels = batch.faces.contiguous(), batch.own.contiguous()
        draws = style_draws(run, nimg, len(faces), sides=sides, blocks=blocks, device=device)
        painted, mean, log_variance = painter(labels, faces, labels, draws)
        outputs = critic(torch.cat([labels, labels]), torch.cat([painted, faces]))
        fake = [[layer[: len(faces)] for layer in scale] for scale in outputs]
        real = [[layer[len(faces) :] for layer in scale] for scale in outputs]
        loss = weights.adversarial * hinge_generator(fake) + weights.feature_matching * feature_matching(real, fake)
        loss = loss + weights.kld * kl_divergence(mean, log_variance)
        loss = loss + weights.reconstruction * F.l1_loss(painted, faces)
        if perceptual is not None:
            loss = loss + weights.perceptual * perceptual(painted, faces)
        adam_g.zero_grad()
        loss.backward()
        adam_g.step()
        outputs = critic(torch.cat([labels, labels]), torch.cat([painted.detach(), faces]))
        fake = [[layer[: len(faces)] for layer in scale] for scale in outputs]
        real = [[layer[len(faces) :] for layer in scale] for scale in outputs]
        adam_d.zero_grad()
        hinge_discriminator(real, fake).backward()
        adam_d.step()

    return step


def rate(step: Step, first: int, steps: int, batch_size: int, device: torch.device) -> float:
    """Images a second over so many steps, the device waited for before and after."""
    _wait(device)
    began = time.perf_counter()
    for index in range(steps):
        step((first + index) * batch_size)
    _wait(device)
    return steps * batch_size / (time.perf_counter() - began)


def measure(run: SpadeRun, device: torch.device, *, rounds: int, steps: int, warmup: int) -> Speeds:
    """Both loops in turns, after as many steps of each that are not counted as `warmup`."""
    pairs = drawn_pairs(16 * run.batch_size, run.packed_size)
    perceptual = None
    if run.perceptual != "none":
        try:
            perceptual = load_perceptual(run.perceptual).to(device)
        except WeightsError as error:
            print(f"without the perceptual term, on both sides: {error}")
            run = replace(run, perceptual="none")
    arms = {
        "ours": our_step(run, pairs, perceptual, str(device)),
        "plain": plain_step(run, pairs, perceptual, device),
        "batches": Batches(pairs, run, device),
    }
    for step in arms.values():
        rate(step, 0, warmup, run.batch_size, device)
    found: dict[str, list[float]] = {name: [] for name in arms}
    for turn in range(rounds):
        for name, step in arms.items():
            found[name].append(rate(step, warmup + turn * steps, steps, run.batch_size, device))
    return Speeds(*(statistics.median(found[name]) for name in ("ours", "plain", "batches")))


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", default="spade-128")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--toy", action="store_true", help="the pipeline `tiny`, a few steps, not compiled")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--precision", choices=["float32", "bf16"])
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, help="torch.compile (on CUDA by default)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    run = load_pipeline(find_pipeline(Path("tiny" if arguments.toy else arguments.pipeline)))
    if not isinstance(run, SpadeRun):
        raise SystemExit("choose a pipeline of kind spade")
    gpu = arguments.device == "cuda"
    compiled = (gpu and not arguments.toy) if arguments.compile is None else arguments.compile
    run = replace(
        run,
        batch_size=arguments.batch_size or run.batch_size,
        precision=arguments.precision or ("bf16" if gpu else run.precision),
        compile=compiled,
    )
    rounds, steps = (2, 4) if arguments.toy else (arguments.rounds, arguments.steps)
    warmup = min(steps, 10)
    found = measure(run, torch.device(arguments.device), rounds=rounds, steps=steps, warmup=warmup)
    where = torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads"
    how = f"{run.precision}, {'compiled' if compiled else 'eager'}"
    print(f"{run.name}, batch {run.batch_size}, on {where}, PyTorch {torch.__version__}")
    print(f"facesynth ({how})    {found.ours:8.1f} images/s")
    print(f"plain (float32, eager)     {found.plain:8.1f} images/s")
    print(f"ratio                      {found.ratio:8.2f}")
    print(f"batches alone              {found.batches:8.1f} images/s")


if __name__ == "__main__":
    main()
