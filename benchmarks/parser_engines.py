"""How fast each engine parses, and how much of the network's rate is left of it in the whole command.

    python benchmarks/parser_engines.py                       a table; --json FILE for machines as well
    python benchmarks/parser_engines.py --device cuda         on a GPU, without the engines that run on CPUs alone

Four rates, in faces a second, of one parser's weights on the same faces:
  network   batches at the parser's own size, on its device, on a CPU in the parser's lanes: nothing but the engine
  faces     512-pixel faces in, label maps of 512 pixels out, in memory (`Parser`)
  command   `facesynth segment --aligned` from files to files, no cache, as a user waits for it, with all its start-up
  steady    the same between two runs of unequal length, so that start-up and building the engine fall out
The arms take turns `--rounds` times, so that a machine that slows down slows all of them, and each one's best counts.
Every arm's labels are compared with those of eager float32: engines in float32 must agree in 99.9 % of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from segment_throughput import make_faces

from facesynth import weights
from facesynth.cli.freed_memory import keep_freed_memory
from facesynth.core.errors import FacesynthError
from facesynth.core.image_files import read_photo
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.inference.device import resolve_batch_size, resolve_device
from facesynth.inference.engines import CPU_ENGINES
from facesynth.inference.parser import Parser

FLOAT32_ENGINES = ("eager", "onnx", "openvino")
LOWER_ENGINES = ("eager", "openvino")
LABELS_AGREE = 0.999


@dataclass(slots=True)
class Arm:
    """One engine at one precision and batch size, and what was measured of it."""

    engine: str
    precision: str
    batch: int
    build_seconds: float = 0.0
    equal_labels: float = 0.0
    network: float = 0.0
    faces: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.engine} {self.precision}, batch {self.batch}"


@dataclass(slots=True)
class CommandRate:
    """What the command reaches with one engine, and what share of the network's own rate."""

    engine: str
    precision: str
    command: float
    steady: float
    network: float

    @property
    def share(self) -> float:
        return self.steady / self.network


def rate(count: int, work: Callable[[], object]) -> float:
    """Faces a second of work on `count` faces."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def arms_on(device: torch.device, batches: Sequence[int], *, compiled: bool) -> list[Arm]:
    """What is measured on a device: in float32 first, and without the engines that cannot run there."""
    on_cpu = device.type == "cpu"
    engines = [each for each in (*FLOAT32_ENGINES, *(("compile",) if compiled else ())) if _runs(each, device)]
    lower = [each for each in LOWER_ENGINES if _runs(each, device)]
    arms = [Arm(engine, "float32", batch) for batch in batches for engine in engines]
    precisions = ("bf16",) if on_cpu else ("bf16", "fp16")
    return arms + [Arm(engine, precision, batch) for batch in batches for precision in precisions for engine in lower]


def _runs(engine: str, device: torch.device) -> bool:
    return device.type == "cpu" or engine not in CPU_ENGINES


def measure_arms(
    arms: Sequence[Arm], name: str | None, device: torch.device, faces: Sequence[Photo], rounds: int
) -> list[Arm]:
    """Fill in each arm, turn by turn; arms that cannot be built here are told and left out."""
    ready: list[tuple[Arm, Parser]] = []
    expected: list[LabelMap] = []
    for arm in arms:
        start = time.perf_counter()
        try:
            parser = Parser.load(
                name, device=str(device), engine=arm.engine, precision=arm.precision, batch_size=arm.batch
            )
        except FacesynthError as error:
            print(f"left out: {arm.name}: {error}", file=sys.stderr)
            continue
        arm.build_seconds = time.perf_counter() - start
        found = parser(faces, batch_size=arm.batch)  # the first call warms up as well
        expected = expected or found
        arm.equal_labels = float(np.mean([np.mean(a.ids == b.ids) for a, b in zip(found, expected, strict=True)]))
        assert arm.precision != "float32" or arm.equal_labels >= LABELS_AGREE, f"{arm.name} gives other labels"
        ready.append((arm, parser))
    for _ in range(rounds):
        for arm, parser in ready:
            arm.network = max(arm.network, _network_rate(parser, arm.batch, len(faces)))
            arm.faces = max(
                arm.faces,
                rate(len(faces), lambda p=parser, b=arm.batch: p(faces, batch_size=b)),  # type: ignore[misc]
            )
    return [arm for arm, _ in ready]


def _network_rate(parser: Parser, batch: int, count: int) -> float:
    shape = (batch, 3, parser.intake.height, parser.intake.width)
    turns = max(1, count // batch)
    # Each batch another one, as faces are: a batch that is still in the caches is parsed faster than any that comes.
    batches = [torch.randn(shape).contiguous(memory_format=torch.channels_last).to(parser.device) for _ in range(turns)]

    def work() -> None:
        if parser.device.type == "cpu":
            parser.lanes.map(parser.network, batches)
            return
        for x in batches:
            last = parser.network(x)
        last.flatten()[0].item()  # waits until the device is done

    with torch.inference_mode():
        return rate(turns * batch, work)


def measure_command(
    arm: Arm, name: str | None, device: torch.device, folder: Path, faces: int, rounds: int
) -> CommandRate:
    """Run the command on a quarter of the faces and on all of them; the best of the rounds counts."""
    few = max(1, faces // 4)
    seconds = {
        count: min(_command_seconds(arm, name, device, folder, count) for _ in range(rounds)) for count in (few, faces)
    }
    between = max(seconds[faces] - seconds[few], 1e-9)
    return CommandRate(arm.engine, arm.precision, faces / seconds[faces], (faces - few) / between, arm.network)


def command_line(arm: Arm, name: str | None, device: torch.device, faces: Path, out: Path) -> list[str]:
    """The command that does what an arm does, from files to files."""
    command = [sys.executable, "-m", "facesynth", "segment", str(faces), "-o", str(out), "--aligned", "--no-cache"]
    command += ["--quiet", "--device", str(device), "--engine", arm.engine, "--precision", arm.precision]
    if arm.batch != resolve_batch_size(None, device):  # its own choice comes with items for every core
        command += ["--batch-size", str(arm.batch)]
    return command + (["--parser", name] if name else [])


def _command_seconds(arm: Arm, name: str | None, device: torch.device, folder: Path, count: int) -> float:
    with tempfile.TemporaryDirectory() as place:
        inputs = Path(place) / "faces"
        inputs.mkdir()
        for file in sorted(folder.iterdir())[:count]:
            shutil.copy(file, inputs)
        command = command_line(arm, name, device, inputs, Path(place) / "out")
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start


def table(arms: Sequence[Arm], commands: Sequence[CommandRate]) -> str:
    """All rates, and each as a ratio to the first arm's: eager float32 at the first batch size."""
    base = arms[0]
    lines = [f"{'engine':<26}{'build s':>8}{'network/s':>11}{'ratio':>7}{'faces/s':>9}{'ratio':>7}{'same labels':>13}"]
    lines += [
        f"{arm.name:<26}{arm.build_seconds:>8.1f}{arm.network:>11.2f}{arm.network / base.network:>7.2f}"
        f"{arm.faces:>9.2f}{arm.faces / base.faces:>7.2f}{arm.equal_labels:>13.3%}"
        for arm in arms
    ]
    lines += ["", f"{'segment --aligned':<26}{'command/s':>10}{'steady/s':>10}{'network/s':>11}{'steady/network':>16}"]
    for one in commands:
        name = f"{one.engine} {one.precision}"
        lines.append(f"{name:<26}{one.command:>10.2f}{one.steady:>10.2f}{one.network:>11.2f}{one.share:>16.0%}")
    return "\n".join(lines)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--parser", help="weights name or file (default: the bundled one)")
    options.add_argument("--faces", type=int, default=32, help="so many in memory; four times as many for the command")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--device", default="cpu", help="cpu, cuda, cuda:N, mps or auto (default: cpu)")
    options.add_argument("--batches", type=int, nargs="+", help="the command's is the first (1 8; not on a CPU: 16 64)")
    options.add_argument("--no-compile", action="store_true", help="leave out torch.compile, which builds for minutes")
    options.add_argument("--no-command", action="store_true", help="leave out the whole command")
    options.add_argument("--json", type=Path, help="write all figures to this file too")
    chosen = options.parse_args()
    keep_freed_memory()  # as the command does
    device = resolve_device(chosen.device)
    batches = chosen.batches or ([1, 8] if device.type == "cpu" else [16, 64])
    arms = arms_on(device, batches, compiled=not chosen.no_compile)
    commands = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        paths = make_faces(folder, chosen.faces if chosen.no_command else 4 * chosen.faces)
        faces = [read_photo(path) for path in paths[: chosen.faces]]
        measured = measure_arms(arms, chosen.parser, device, faces, chosen.rounds)
        if not chosen.no_command:
            of_one = [arm for arm in measured if arm.batch == batches[0] and arm.engine != "compile"]
            commands = [measure_command(arm, chosen.parser, device, folder, len(paths), 2) for arm in of_one]
    print(table(measured, commands))
    if chosen.json:
        result = {
            "parser": chosen.parser or weights.default_name("parser"),
            "device": str(device),
            "machine": {
                "cpu": _processor(),
                "cores": os.cpu_count(),
                "threads": torch.get_num_threads(),
                "gpu": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
            },
            "versions": {"torch": torch.__version__, "python": platform.python_version()},
            "faces": chosen.faces,
            "rounds": chosen.rounds,
            "arms": [asdict(arm) for arm in measured],
            "commands": [asdict(one) | {"share": one.share} for one in commands],
        }
        chosen.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


if __name__ == "__main__":
    main()
