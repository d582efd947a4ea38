"""How fast a run is whose every result is cached: every input hashed, every entry looked up, every output compared.

    python benchmarks/cached_rerun.py                         text; --json for machines; --folder to choose the disk

Draws `--items` inputs of `--kilobytes` each, fills a cache and an output tree with a stage that makes one file of each,
then runs again in fresh processes with a stage that must not be called and inputs that must not be decoded. One more
rerun with four times as many (small) inputs shows whether memory grows with their number. Page cache warm throughout.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from facesynth.core.refs import Digest, Done, FileRef, Origin, sha256_file
from facesynth.pipeline import run
from facesynth.stages.base import Codec, FileCodec
from facesynth.store import ArtifactStore

OUTPUT_BYTES = 10_000
"""About a 512-pixel label map as a palette PNG."""


class Stretch:
    """A stage with results as large as label maps and no work worth mentioning."""

    name: ClassVar[str] = "stretch"
    version: ClassVar[int] = 1

    def __init__(self, *, may_compute: bool) -> None:
        self._may_compute = may_compute

    @property
    def config(self) -> Mapping[str, object]:
        """As many fields as a real stage has."""
        return {"bytes": OUTPUT_BYTES, "precision": "float32", "size": 512, "schema": "celebamask-hq"}

    @property
    def weights(self) -> Mapping[str, Digest]:
        """One file's, as a real stage has."""
        return {"parser": "0" * 64}

    @property
    def codec(self) -> Codec[bytes]:
        """The bytes as they are."""
        return FileCodec("labels.png", lambda value: value, lambda data, where: data)

    def __call__(self, batch: Sequence[bytes]) -> Sequence[bytes]:
        """The start of each file, repeated."""
        if not self._may_compute:
            raise AssertionError("a cached run called the stage")
        return [(data[:100] * (OUTPUT_BYTES // 100)) for data in batch]


def draw_inputs(folder: Path, count: int, size: int) -> None:
    """Files without two alike, a hundred to a sub-folder."""
    for index in range(count):
        place = folder / f"{index // 100:04d}"
        place.mkdir(parents=True, exist_ok=True)
        seed = hashlib.sha256(str(index).encode()).digest()
        (place / f"{index:06d}.jpg").write_bytes((seed * (size // len(seed) + 1))[:size])


def input_files(folder: Path) -> Iterator[Path]:
    """Every file below `folder`, in order."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield Path(place, name)


def references(folder: Path, *, may_decode: bool) -> Iterator[FileRef[bytes]]:
    """The inputs as items."""

    def decode(data: bytes, where: str) -> bytes:
        if not may_decode:
            raise AssertionError(f"a cached run decoded {where}")
        return data

    for path in input_files(folder):
        yield FileRef(path, Origin(str(path.relative_to(folder))), decode)


def fill(work: Path) -> None:
    """The first run: fills the cache and the output tree."""
    store = ArtifactStore(work / "cache")
    for result in run(Stretch(may_compute=True), references(work / "inputs", may_decode=True), store, batch_size=32):
        assert isinstance(result, Done) and result.folder is not None
        output = (work / "outputs" / result.origin.path).with_suffix(".png")
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(result.folder / "labels.png", output)


def rerun(work: Path, workers: int) -> dict[str, float]:
    """The measured run, in this process: items a second and the peak of resident memory in MiB."""
    started = time.perf_counter()
    store, count = ArtifactStore(work / "cache"), 0
    items = references(work / "inputs", may_decode=False)
    outputs = f"{work}/outputs"
    for result in run(Stretch(may_compute=False), items, store, workers=workers):
        assert isinstance(result, Done) and result.cached, result
        stem, _, _ = result.origin.path.rpartition(".")
        stamp = result.files["labels.png"]
        assert sha256_file(Path(f"{outputs}/{stem}.png")) == stamp.digest, f"{stem}.png is not in place"
        count += 1
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"items": count, "seconds": seconds, "items_per_second": count / seconds, "peak_mib": peak}


def measure(work: Path, count: int, size: int, workers: int, repeats: int) -> dict[str, float]:
    """The best of several reruns, each in a process of its own."""
    draw_inputs(work / "inputs", count, size)
    fill(work)
    command = [sys.executable, __file__, "--rerun", str(work), "--workers", str(workers)]
    measured: list[dict[str, float]] = [
        json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(repeats)
    ]
    return {**max(measured, key=lambda one: one["items_per_second"]), "peak_mib": max(m["peak_mib"] for m in measured)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--kilobytes", type=int, default=100, help="size of an input; 100 is the largest promised")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rerun", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rerun is not None:
        print(json.dumps(rerun(options.rerun, options.workers)))
        return
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="facesynth-") as folder:
        work = Path(folder)
        speed = measure(work / "speed", options.items, options.kilobytes * 1000, options.workers, options.repeats)
        small = measure(work / "small", options.items, 1000, options.workers, 1)
        large = measure(work / "large", 4 * options.items, 1000, options.workers, 1)
    report = {
        "cpus": os.cpu_count(),
        "kilobytes": options.kilobytes,
        "rerun": speed,
        "peak_mib": {str(int(one["items"])): one["peak_mib"] for one in (small, large)},
        "items_per_second_small": large["items_per_second"],
    }
    if options.json:
        print(json.dumps(report, indent=1))
        return
    print(
        f"cached rerun of {options.items} items of {options.kilobytes} kB on {os.cpu_count()} cores, outputs in place:"
    )
    print(f"  {speed['items_per_second']:8.0f} items/s   {speed['seconds']:.2f} s   {speed['peak_mib']:.0f} MiB")
    for one in (small, large):
        print(f"  {one['peak_mib']:8.1f} MiB at the peak for {one['items']} items")


if __name__ == "__main__":
    main()
