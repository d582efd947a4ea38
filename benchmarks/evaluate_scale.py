"""What `evaluate images` takes as sets grow: memory, pictures a second, and the time to go on after a stop.

    python benchmarks/evaluate_scale.py PICTURES                 text; --json FILE for machines; --folder: which disk

PICTURES is a folder of pictures of one size (any images; CIFAR-10's 60,000 JPEGs will do). So many of them are the real
ones, and themselves once more, compressed harder, the generated ones. They are compared as sets (Fréchet and kernel
distance, Inception Score, precision and recall) and one by one (SSIM, PSNR). A small network with weights from a seed
describes them, by as many numbers as Inception does (2,048 and 1,008): what is measured is the evaluation itself, not a
network. Each evaluation runs in a process of its own, is stopped in the middle of it by SIGINT, and started again.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from PIL import Image

from facesynth.core.images import Photo
from facesynth.core.refs import Digest, sha256_bytes
from facesynth.inference.extractors.choice import Extractor
from facesynth.inference.extractors.features import PictureFeatures
from facesynth.jobs.evaluate.files import EvaluationFiles, picture_contents
from facesynth.jobs.evaluate.images import ImageStages, evaluate_images
from facesynth.jobs.evaluate.pair_stages import pair_stages
from facesynth.jobs.evaluate.picture_folders import PictureFolder
from facesynth.jobs.execution import Execution
from facesynth.stages.features import FeaturesStage
from facesynth.store import ArtifactStore

METRICS = ("fid", "kid", "is", "pr")
QUALITY = 20
"""Of the JPEGs that stand for generated pictures."""
PER_FOLDER = 1000
SAMPLE_SECONDS = 0.05


class SeededExtractor(Extractor):
    """Says of itself what it is: no network that anybody has published."""

    @property
    def is_published(self) -> bool:
        return False

    @property
    def sha256(self) -> Digest:
        return sha256_bytes(b"convolutions by seed 0")

    @property
    def name(self) -> str:
        return "seeded-convolutions"

    @property
    def protocol(self) -> str:
        return "two convolutions and a linear layer, all by seed 0, of 32×32 pixels"


@dataclass(slots=True)
class SeededFeatures(FeaturesStage):
    """2,048 features and 1,008 logits of a picture, by two convolutions and a linear layer with weights from a seed."""

    def __post_init__(self) -> None:
        self.extractor = SeededExtractor("inception", self.features)

    @property
    def config(self) -> dict[str, object]:
        return {}

    @property
    def weights(self) -> dict[str, Digest]:
        return {"seeded": self.extractor.sha256}

    def __call__(self, batch: Sequence[Photo]) -> list[Any]:
        import torch

        if self._loaded is None:
            torch.manual_seed(0)
            torch.set_num_threads(1)
            layers = (torch.nn.Conv2d(3, 32, 3, 2, 1), torch.nn.ReLU(), torch.nn.Conv2d(32, 128, 3, 2, 1))
            trunk = torch.nn.Sequential(*layers, torch.nn.ReLU(), torch.nn.AvgPool2d(2), torch.nn.Flatten())
            self._loaded = cast("Any", (trunk, torch.nn.Linear(2048, 1008)))
        trunk, linear = cast("Any", self._loaded)
        pixels = torch.stack([torch.from_numpy(one.resized(32, 32).pixels.copy()) for one in batch])
        with torch.inference_mode():
            features = trunk(pixels.permute(0, 3, 1, 2).float() / 127.5 - 1)
            logits = linear(features)
        return [
            PictureFeatures(one.numpy().copy(), of.numpy().copy()) for one, of in zip(features, logits, strict=True)
        ]


class Telling:
    """Progress as lines on stdout, for the process that measures."""

    def begin(self, total: int, what: str) -> None:
        self.total, self.done, self.what = total, 0, what
        self._tell()

    def more(self, count: int) -> None:
        self.total += count

    def advance(self, count: int = 1) -> None:
        self.done += count
        if self.done % 100 == 0:
            self._tell()

    def note(self, message: str) -> None:
        print(json.dumps({"note": message}), flush=True)

    def _tell(self) -> None:
        print(json.dumps({"what": self.what, "done": self.done, "of": self.total}), flush=True)


def draw_sets(pictures: Path, folder: Path, count: int) -> None:
    """The first `count` pictures (by their paths) as `real/`, and compressed harder as `generated/`."""
    found = sorted(path for path in pictures.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if len(found) < count:
        raise SystemExit(f"{pictures} holds {len(found)} pictures, {count} are asked for")
    for index, path in enumerate(found[:count]):
        name = Path(f"{index // PER_FOLDER:03d}") / f"{index:06d}"
        for kind in ("real", "generated"):
            (folder / kind / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, (folder / "real" / name).with_suffix(path.suffix))
        with Image.open(path) as image:
            stream = io.BytesIO()
            image.convert("RGB").save(stream, "JPEG", quality=QUALITY)
        (folder / "generated" / name).with_suffix(".jpg").write_bytes(stream.getvalue())


def evaluate(folder: Path, workers: int) -> None:
    """One evaluation in this process, its files written into `scores/`."""
    sets = PictureFolder.open(folder / "generated"), PictureFolder.open(folder / "real")
    stages = ImageStages(
        metrics=METRICS,
        features=lambda size: SeededFeatures("seeded", size),
        pairs=pair_stages(measures=("ssim", "psnr")),
        device="cpu",
    )
    progress = Telling()
    execution = Execution(store=ArtifactStore(folder / "cache"), progress=progress, workers=workers)
    started = time.perf_counter()
    found = evaluate_images(*sets, stages, execution, settings={})
    progress.begin(0, "written")
    files = EvaluationFiles.into(folder / "scores", [], [])
    files.write(picture_contents(found))
    progress.begin(0, "finished")
    scores = {f"{one.key}": one.value for one in found.scores}
    print(json.dumps({"seconds": time.perf_counter() - started, "scores": scores, "device": found.subject.device}))


@dataclass(frozen=True)
class Ran:
    """What came of a process: seconds it took, and its peaks of memory in MiB, all pages and those of no file.

    `half_way` is when half of the generated pictures had been described.
    """

    seconds: float
    half_way: float
    peak_mib: float
    anonymous_mib: float
    by_part: dict[str, float]
    scores: dict[str, float]


def ran(folder: Path, workers: int, *, stop: bool) -> Ran:
    """Run `evaluate` in a process; `stop` sends SIGINT when half of the generated pictures have been described."""
    command = [sys.executable, __file__, "--evaluate", str(folder), "--workers", str(workers), "."]
    peaks = {"VmHWM": 0.0, "RssAnon": 0.0}
    parts: dict[str, float] = {}
    told: dict[str, Any] = {}
    over = threading.Event()
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
    status = Path(f"/proc/{process.pid}/status")

    def watch() -> None:
        while not over.wait(SAMPLE_SECONDS):
            try:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            except OSError:
                return
            for name in peaks.keys() & lines.keys():
                peaks[name] = max(peaks[name], float(lines[name].split()[0]) / 1024)

    watcher = threading.Thread(target=watch)
    watcher.start()
    half_way = 0.0
    last: tuple[str, float] | None = None
    assert process.stdout is not None
    for line in process.stdout:
        told = json.loads(line)
        now = time.perf_counter()
        if told.get("done") == 0:
            if last is not None:
                parts[last[0]] = parts.get(last[0], 0.0) + now - last[1]
            last = str(told["what"]).replace(str(folder) + "/", ""), now
        described = str(told.get("what", "")).startswith("features") and told["what"].endswith("generated")
        if described and not half_way and 2 * told["done"] >= told["of"]:
            half_way = now - started
            if stop:
                process.send_signal(signal.SIGINT)
    code = process.wait()
    over.set()
    watcher.join()
    if code != (130 if stop else 0):
        raise SystemExit(f"the evaluation ended with code {code}")
    seconds = time.perf_counter() - started
    return Ran(seconds, half_way, peaks["VmHWM"], peaks["RssAnon"], parts, told.get("scores", {}))


def measured(pictures: Path, count: int, folder: Path, workers: int) -> dict[str, Any]:
    """All that is measured at one count."""
    draw_sets(pictures, folder, count)
    stopped, rest, again = (ran(folder, workers, stop=stop) for stop in (True, False, False))
    sizes = {path.name: path.stat().st_size for path in sorted((folder / "scores").iterdir()) if path.is_file()}
    return {
        "generated": count,
        "real": count,
        "peak_mib": max(stopped.peak_mib, rest.peak_mib),
        "peak_anonymous_mib": max(stopped.anonymous_mib, rest.anonymous_mib),
        "seconds": stopped.seconds + rest.seconds,
        "pictures_a_second": 2 * count / (stopped.seconds + rest.seconds),
        "stopped_after_seconds": stopped.seconds,
        "seconds_to_go_on": rest.half_way,
        "again_seconds": again.seconds,
        "again_peak_mib": again.peak_mib,
        "bytes": sizes,
        "same_scores_again": again.scores == rest.scores,
        "parts": rest.by_part,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, help="a folder of pictures of one size")
    parser.add_argument("--counts", type=int, nargs="+", default=[1_000, 10_000, 50_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    parser.add_argument("--evaluate", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.evaluate is not None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started without it
        try:
            evaluate(options.evaluate, options.workers)
        except KeyboardInterrupt:
            raise SystemExit(130) from None
        return
    rows: list[dict[str, Any]] = []
    head = f"{'pictures':>16} {'peak':>9} {'no file':>9} {'pictures/s':>10} {'whole':>8} {'go on':>8} {'again':>8}"
    print(f"{os.cpu_count()} cores, {platform.machine()}\n{head}", flush=True)
    for count in options.counts:
        with tempfile.TemporaryDirectory(dir=options.folder, prefix="facesynth-") as work:
            rows.append(row := measured(options.pictures, count, Path(work), options.workers))
        print(
            f"{count:>8} + {count:>5} {row['peak_mib']:>5.0f} MiB {row['peak_anonymous_mib']:>5.0f} MiB"
            f" {row['pictures_a_second']:>10.0f} {row['seconds']:>6.0f} s {row['seconds_to_go_on']:>6.1f} s"
            f" {row['again_seconds']:>6.1f} s",
            flush=True,
        )
    if options.json is not None:
        document = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        options.json.write_text(json.dumps(document | {"evaluations": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
