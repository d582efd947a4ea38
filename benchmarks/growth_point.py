"""One point of `growth.py`, measured in a process of its own: seconds for each face, and the process's peak memory.

    python benchmarks/growth_point.py SERIES X THREADS         prints a line of JSON

Weights are by a seed where a series needs networks of other sizes than the bundled ones: what a face costs does not
depend on them.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # drawn faces and label maps, which the tests have

from facesynth import weights
from facesynth.cli.freed_memory import keep_freed_memory
from facesynth.core.images import Photo
from facesynth.inference import networks
from facesynth.inference.parser import Parser
from facesynth.inference.patterns.painter import PatternPainter
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import GeneratorSpec
from tests.drawn_pairs import drawn_face, drawn_labels

FACE = 512  # pixels a side of the faces that are parsed
GENERATOR = "generator-spade-256-v2"


def painting(size: int, rounds: int = 5) -> list[float]:
    """Seconds of each new label map of this size, painted by networks as wide as the bundled generator's."""
    spec, _ = networks.load(weights.locate(GENERATOR), ("generator",), torch.device("cpu"))["generator"]
    assert isinstance(spec, GeneratorSpec)
    torch.manual_seed(0)
    network = SpadeGenerator(replace(spec, size=size, start=size * spec.start // spec.size)).eval()
    painter = PatternPainter(network.requires_grad_(False), torch.float32)
    draw = torch.Generator().manual_seed(0)
    style = torch.randn(1, spec.labels, spec.style_channels, generator=draw)
    noise = [torch.randn(1, 1, side, side, generator=draw) for side in network.noise_sides]
    maps = [np.array(drawn_labels(seed, 512).resized(size, size).ids) for seed in range(rounds + 1)]
    return timed(lambda number: painter(maps[number], style, noise), rounds)


def parsing(batch: int, batches: int = 1, rounds: int = 5) -> list[float]:
    """Seconds a face of calls of the bundled parser, on so many 512-pixel faces at once.

    A batch is one core's work; of several batches each core takes one at a time.
    """
    parser = Parser.load()
    faces = [drawn(seed) for seed in range(batch * batches)]
    return [each / len(faces) for each in timed(lambda _: parser(faces, batch_size=batch), rounds)]


def folder(count: int) -> list[float]:
    """Seconds a face of a whole command, `segment --aligned` from an empty cache; the files are made before it."""
    with tempfile.TemporaryDirectory() as place:
        faces, out = Path(place) / "faces", Path(place) / "out"
        faces.mkdir()
        shown = [drawn(seed).pixels.clip(32, 223) for seed in range(16)]
        for number in range(count):  # a little brighter or darker each time, so that no two are the same
            pixels = shown[number % 16] + np.uint8(number // 16 % 32)
            Image.fromarray(pixels).save(faces / f"{number:06}.jpg", quality=80 + number // 512 % 16)
        cache = Path(place) / "cache"
        start = time.perf_counter()
        command = [sys.executable, "-m", "facesynth", "segment", faces, "--aligned", "-o", out, "--cache", cache, "-q"]
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
    return [seconds / count]


def drawn(seed: int) -> Photo:
    """A face as the tests draw it, another one for each seed."""
    return drawn_face(drawn_labels(seed, FACE), seed)


def timed(work: Callable[[int], object], rounds: int) -> list[float]:
    """Seconds of the rounds; a warm-up before them does not count."""
    seconds = []
    for number in range(rounds + 1):
        start = time.perf_counter()
        work(number)
        seconds.append(time.perf_counter() - start)
    return seconds[1:]


MEASURED: Mapping[str, Callable[[int], list[float]]] = MappingProxyType(
    {
        "resolution": painting,
        "batch": parsing,
        "photos": folder,
        "cores, painting": lambda _: painting(256),
        "cores, parsing": lambda _: parsing(1, 8),
    }
)


def main() -> None:
    series, x, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    keep_freed_memory()  # as the command does
    torch.set_num_threads(threads)
    seconds = MEASURED[series](x)
    whose = resource.RUSAGE_CHILDREN if series == "photos" else resource.RUSAGE_SELF
    peak = resource.getrusage(whose).ru_maxrss / 1024
    print(json.dumps({"seconds": statistics.median(seconds), "rounds": len(seconds), "peak_mib": peak}))


if __name__ == "__main__":
    main()
