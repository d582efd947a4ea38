"""A face painted by the textbook's SPADE generator, layer by layer, and by ours: same weights, label maps and styles.

    python benchmarks/spade_engines.py                         the paper's width of 64 at 256 pixels, weights by a seed
    python benchmarks/spade_engines.py --generator NAME|FILE   weights of your own, or bundled ones
    python benchmarks/spade_engines.py --nvlabs PATH           your own checkout of NVlabs/SPADE as one more arm

The first arm is `textbook_spade.py`, which divides by spectral norms at each call as its papers' code does; the second
has them folded. Both run as a plain script would: in a process of its own, which gives freed memory back as the system
has it. Ours are the layers as they are trained (`layers`), and painted by label patterns (`patterns`): a label map that
is new, the same one in another style, and one with a stroke of another label; they keep freed memory, as the command
does, and so does the textbook once more (`memory kept`). The arms take turns, so that a machine that slows down slows
all of them; a ratio is the median of the rounds' own, to the first arm of the same round. Each has one warm-up per
label map's size. Run it with nothing beside it, or with `--threads 1`: then it is processor time that is measured, and
others on the machine matter less.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from textbook_nvlabs import nvlabs_generator
from textbook_spade import Shape, TextbookGenerator, filled, with_spectral_norm
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # drawn label maps, which the tests have

from facesynth import weights
from facesynth.cli.freed_memory import keep_freed_memory
from facesynth.core.label_files import read_label_map
from facesynth.inference import networks
from facesynth.inference.patterns.finding import label_patterns
from facesynth.inference.patterns.painter import PatternPainter
from facesynth.models.generator import SpadeGenerator
from facesynth.models.spade import NoiseInjection
from facesynth.models.specs import GeneratorSpec
from tests.drawn_pairs import drawn_labels

Ids = NDArray[np.uint8]
_STROKE = 14
"""The label of the stroke that edits a map: a hat."""


@dataclass(frozen=True, slots=True)
class Sitting:
    """What all arms are given in a round: a label map that is new, that with a stroke, two styles, noise."""

    ids: Ids
    edited: Ids
    styles: tuple[Tensor, Tensor]
    noise: list[Tensor]


@dataclass(slots=True)
class Measured:
    """An arm: seconds of its rounds, and its largest and mean difference from the first one's picture in -1..1."""

    arm: str
    seconds: list[float] = field(default_factory=list)
    largest: float = 0.0
    mean: list[float] = field(default_factory=list)

    def told(self, first: Measured) -> dict[str, float | str]:
        """As figures."""
        ratios = [one / own for one, own in zip(first.seconds, self.seconds, strict=True)]
        return {
            "arm": self.arm,
            "median_ms": 1e3 * statistics.median(self.seconds),
            "best_ms": 1e3 * min(self.seconds),
            "ratio": statistics.median(ratios),
            "largest_difference": self.largest,
            "mean_difference": statistics.mean(self.mean),
        }


def papers_generator(width: int, size: int) -> SpadeGenerator:
    """NVlabs' layout with weights and statistics by seed 0."""
    torch.manual_seed(0)
    made = SpadeGenerator(GeneratorSpec(width=width, size=size, start=size >> 5, spectral=False))
    for module in made.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.xavier_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            module.get_buffer("running_mean").normal_()
            module.get_buffer("running_var").uniform_(0.5, 2)
        if isinstance(module, NoiseInjection):
            nn.init.normal_(module.weight)
    return made.eval().requires_grad_(False)


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose weights are painted with: a weights name or file, or else the paper's network by seed 0."""

    source: str | None
    width: int
    size: int

    def generator(self) -> SpadeGenerator:
        """It, in evaluation mode."""
        if self.source is None:
            return papers_generator(self.width, self.size)
        made = networks.load(weights.locate(self.source), ("generator",), torch.device("cpu"))["generator"][1]
        assert isinstance(made, SpadeGenerator)
        return made

    def plain(self, kind: str, nvlabs: Path | None = None) -> Painting:
        """The `textbook`'s way with them, the same with norms `folded`, or `nvlabs`' own."""
        generator = self.generator()
        made = textbook(generator)
        if kind == "nvlabs":
            assert nvlabs is not None
            return by_layers(nvlabs_generator(nvlabs, made), generator.spec.labels)
        return by_layers(with_spectral_norm(made) if kind == "textbook" else made, generator.spec.labels)


def textbook(generator: SpadeGenerator) -> TextbookGenerator:
    """The textbook's generator with the same weights."""
    spec = generator.spec
    shape = Shape(
        labels=spec.labels,
        size=spec.size,
        start=spec.start,
        style_channels=spec.style_channels,
        width=spec.width,
        max_width=spec.max_width,
        hidden=spec.spade_hidden,
        style_affine=spec.style_affine,
        style_regions=spec.style_regions,
        noise=spec.noise,
    )
    return filled(TextbookGenerator(shape), generator.state_dict()).eval().requires_grad_(False)


def sittings(generator: SpadeGenerator, labels: Path | None, rounds: int) -> list[Sitting]:
    """One a round, each with a label map of its own: of a folder, or drawn ones."""
    spec, made = generator.spec, []
    files = sorted(labels.glob("*.png"))[:rounds] if labels else []
    if labels and len(files) < rounds:
        raise SystemExit(f"{labels} holds {len(files)} label maps (*.png), {rounds} are asked for")
    shape = (1, spec.labels, spec.style_channels) if spec.style_regions else (1, spec.style_channels)
    for seed in range(rounds):
        label_map = read_label_map(files[seed]) if files else drawn_labels(seed, 512)
        ids = np.array(label_map.resized(spec.size, spec.size).ids)
        edited = ids.copy()
        edited[spec.size // 8 : spec.size // 6, spec.size // 4 : spec.size // 2] = _STROKE
        draw = torch.Generator().manual_seed(seed)
        noise = [torch.randn(1, 1, side, side, generator=draw) for side in generator.noise_sides]
        made.append(
            Sitting(ids, edited, (torch.randn(shape, generator=draw), torch.randn(shape, generator=draw)), noise)
        )
    return made


Painting = Callable[[Ids, Tensor, list[Tensor]], Tensor]
Arm = Callable[[Ids, Tensor, list[Tensor]], tuple[Tensor, float]]
"""A picture, and the seconds that it took."""


def here(paint: Painting, clock: Callable[[], float]) -> Arm:
    """An arm in this process."""

    def timed(ids: Ids, style: Tensor, noise: list[Tensor]) -> tuple[Tensor, float]:
        start = clock()
        with torch.inference_mode():
            picture = paint(ids, style, noise)
        return picture, clock() - start

    return timed


@contextlib.contextmanager
def apart(make: Callable[[], Painting], threads: int) -> Iterator[Arm]:
    """An arm in a process of its own, as a script that knows nothing of facesynth would run it."""
    mine, its = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_paint_for, args=(its, make, threads), daemon=True)
    process.start()
    its.close()

    def asked(ids: Ids, style: Tensor, noise: list[Tensor]) -> tuple[Tensor, float]:
        mine.send((ids, style.numpy(), [each.numpy() for each in noise]))
        picture, seconds = mine.recv()
        return torch.from_numpy(picture), seconds

    try:
        yield asked
    finally:
        mine.close()
        process.join()


def _paint_for(pipe: Connection, make: Callable[[], Painting], threads: int) -> None:
    torch.set_num_threads(threads)
    arm = here(make(), clock_of(threads))
    with contextlib.suppress(EOFError):
        while True:
            ids, style, noise = pipe.recv()
            picture, seconds = arm(ids, torch.from_numpy(style), [torch.from_numpy(each) for each in noise])
            pipe.send((picture.numpy(), seconds))


def clock_of(threads: int) -> Callable[[], float]:
    """Processor time of a single thread, which others on the machine matter less to; else the wall's."""
    return time.thread_time if threads == 1 else time.perf_counter


def by_layers(network: Callable[..., Tensor], labels: int, dtype: torch.dtype = torch.float32) -> Painting:
    """A module that takes one-hot label maps."""

    def paint(ids: Ids, style: Tensor, noise: list[Tensor]) -> Tensor:
        label_map = F.one_hot(torch.from_numpy(ids.astype(np.int64)), labels).permute(2, 0, 1)[None].float()
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return network(label_map.contiguous(), style, noise).float()

    return paint


def measure(arms: Mapping[str, Arm], painters: Mapping[str, Arm], given: Sequence[Sitting]) -> list[Measured]:
    """All arms in turn on each sitting; the first sitting warms up and does not count."""
    told: dict[str, Measured] = {}
    oracle = next(iter(arms.values()))
    for number, one in enumerate(given):
        again, edited = (one.ids, one.styles[1], one.noise), (one.edited, one.styles[0], one.noise)
        new = (one.ids, one.styles[0], one.noise)
        work = [(name, arm, new) for name, arm in arms.items()]
        for name, painter in painters.items():
            work += [(f"{name}: new label map", painter, new), (f"{name}: another style", painter, again)]
            work += [(f"{name}: edited map", painter, edited)]
        pictures: dict[str, Tensor] = {}
        for name, arm, what in work:
            pictures[name], seconds = arm(*what)
            if number:
                told.setdefault(name, Measured(name)).seconds.append(seconds)
        expected = {id(what): oracle(*what)[0] for what in (again, edited)} | {id(new): pictures[next(iter(arms))]}
        for name, _, what in work if number else ():
            difference = (pictures[name] - expected[id(what)]).abs()
            told[name].largest = max(told[name].largest, difference.max().item())
            told[name].mean.append(difference.mean().item())
    return list(told.values())


def table(told: Sequence[Mapping[str, float | str]]) -> str:
    """All arms, each with its ratio to the first."""
    lines = [f"{'arm':<36}{'median ms':>11}{'best ms':>9}{'ratio':>7}{'largest diff.':>15}{'mean diff.':>12}"]
    for one in told:
        lines.append(
            f"{one['arm']:<36}{one['median_ms']:>11.1f}{one['best_ms']:>9.1f}{one['ratio']:>7.2f}"
            f"{one['largest_difference']:>15.1e}{one['mean_difference']:>12.1e}"
        )
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--generator", help="weights name or file (default: the paper's network, weights by a seed)")
    options.add_argument("--width", type=int, default=64, help="channels of the paper's network's last block")
    options.add_argument("--size", type=int, default=256, help="side of the paper's network's picture")
    options.add_argument("--labels", type=Path, help="a folder of label maps (default: drawn ones, which are simpler)")
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--threads", type=int, default=os.cpu_count())
    options.add_argument("--nvlabs", type=Path, help="a checkout of NVlabs/SPADE")
    options.add_argument("--json", type=Path, help="write all figures to this file too")
    chosen = options.parse_args()
    keep_freed_memory()  # as the command does
    torch.set_num_threads(chosen.threads)
    subject = Subject(chosen.generator, chosen.width, chosen.size)
    generator, clock = subject.generator(), clock_of(chosen.threads)
    labels = generator.spec.labels
    given = sittings(generator, chosen.labels, chosen.rounds + 1)
    scripts = {
        "textbook": partial(subject.plain, "textbook"),
        "textbook, norms folded": partial(subject.plain, "folded"),
    }
    if chosen.nvlabs:
        scripts["NVlabs/SPADE"] = partial(subject.plain, "nvlabs", chosen.nvlabs)
    painters = {
        f"patterns {name}": here(PatternPainter(generator, dtype), clock)
        for name, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16))
    }
    with contextlib.ExitStack() as stack:
        arms = {name: stack.enter_context(apart(make, chosen.threads)) for name, make in scripts.items()}
        arms["textbook, memory kept"] = here(by_layers(with_spectral_norm(textbook(generator)), labels), clock)
        arms |= {
            f"layers {name}": here(by_layers(generator, labels, dtype), clock)
            for name, dtype in (("float32", torch.float32), ("bf16", torch.bfloat16))
        }
        measured = measure(arms, painters, given)
    told = [one.told(measured[0]) for one in measured]
    found = [label_patterns(one.ids, labels) for one in given]
    share = statistics.mean(len(each.keys) / each.index.size for each in found if each is not None)
    spec = generator.spec
    print(f"width {spec.width}, {spec.size} pixels, {chosen.threads} threads, {chosen.rounds} rounds;", end=" ")
    print(f"{share:.1%} of the pixels have a pattern of their own")
    print(table(told))
    if chosen.json:
        settings = {key: str(value) for key, value in vars(chosen).items()} | {"torch": torch.__version__}
        result = {"settings": settings, "spec": asdict(spec), "patterns": share, "arms": told}
        chosen.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
