"""What `segment --aligned` takes as its input grows, all but the network: peak memory, seconds of a core, disk, inodes.

    python benchmarks/segment_scale.py                        text; --json for machines; --folder to choose the disk

Draws faces of 64×64 pixels, each with bytes of its own, as files (a thousand to a folder) or in tar shards, and parses
them in a job as the command runs it, by a stage whose network answers at once. Every run is a process of its own, the
second one of the same size finds everything in the cache.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from facesynth.core.faces import Face
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Digest, Outcome
from facesynth.jobs.execution import Execution
from facesynth.jobs.packing import Packing
from facesynth.jobs.segment import IN_SAMPLE, SegmentOutputs, segment
from facesynth.jobs.session import Session
from facesynth.stages.segment import ParsedCodec
from facesynth.store import ArtifactStore

SIDE = 64
PER_FOLDER = 1000
PER_SHARD = 10_000


class Bands:
    """A parser that sees what it was told to see: four bands of labels, by how bright a face is."""

    name: ClassVar[str] = "segment"
    version: ClassVar[int] = 1
    config: ClassVar[Mapping[str, object]] = {"stub": "bands"}
    weights: ClassVar[Mapping[str, Digest]] = {}
    codec: ClassVar[ParsedCodec] = ParsedCodec()

    def __call__(self, batch: Sequence[Face]) -> Sequence[Outcome[LabelMap]]:
        return [LabelMap(face.photo.pixels[..., 0] >> 6) for face in batch]


class Silent:
    """Progress that nobody looks at."""

    def begin(self, total: int, what: str) -> None: ...
    def more(self, count: int) -> None: ...
    def advance(self, count: int = 1) -> None: ...
    def note(self, message: str, **about: object) -> None: ...


def drawn(index: int) -> bytes:
    """A JPEG of a blurred spot before a plain ground, different for each index."""
    random = np.random.default_rng(index)
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE
    spot = np.exp(-(((rows - random.random()) ** 2 + (columns - random.random()) ** 2) * 8))
    pixels = spot[..., None] * random.integers(60, 200, 3) + random.integers(0, 55, 3)
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def draw(folder: Path, count: int, *, shards: bool) -> None:
    """`count` faces below a folder, as files or in archives."""
    folder.mkdir(parents=True)
    for first in range(0, count, PER_SHARD):
        each = range(first, min(first + PER_SHARD, count))
        if shards:
            with tarfile.open(folder / f"{first // PER_SHARD:05d}.tar", "w") as archive:
                for index in each:
                    data = drawn(index)
                    member = tarfile.TarInfo(f"{index:09d}.jpg")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))
            continue
        for index in each:
            place = folder / f"{index // PER_FOLDER:05d}"
            place.mkdir(exist_ok=True)
            (place / f"{index:09d}.jpg").write_bytes(drawn(index))


def measure(work: Path, *, shards: bool, workers: int) -> dict[str, float]:
    """One run in this process: images, seconds, the peak of resident memory in MiB and what of it was there before."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    how = Execution(store=ArtifactStore(work / "cache"), progress=Silent(), batch_size=64, workers=workers)
    started, worked = time.perf_counter(), time.process_time()
    packing = Packing(PER_SHARD, IN_SAMPLE) if shards else None
    with Session("segment", [work / "faces"], work / "out", how, packing=packing) as session:
        segment(session, Bands(), align=None, outputs=SegmentOutputs())
    seconds, busy = time.perf_counter() - started, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = session.report.counts
    return {"images": sum(counts.values()), "cached": counts["cached"], "failed": counts["failed"],
            "seconds": seconds, "cpu_seconds": busy, "peak_mib": peak, "started_mib": before}  # fmt: skip


def usage(folder: Path) -> dict[str, float]:
    """Bytes and inodes of a folder."""
    inodes = size = 0
    for top, folders, files in os.walk(folder):
        inodes += len(folders) + len(files)
        size += sum(os.stat(os.path.join(top, file)).st_blocks * 512 for file in files)
    return {"bytes": size, "inodes": inodes}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[7_000, 70_000])
    parser.add_argument("--format", choices=["files", "shards"], nargs="+", default=["files", "shards"])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure, shards="shards" in options.format, workers=options.workers)))
        return
    rows: list[dict[str, object]] = []
    for form in options.format:
        for count in options.counts:
            with tempfile.TemporaryDirectory(dir=options.folder, prefix="facesynth-") as name:
                work = Path(name)
                draw(work / "faces", count, shards=form == "shards")
                command = [sys.executable, __file__, "--measure", name, "--format", form]
                command += ["--workers", str(options.workers)]
                for _ in range(2):
                    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
                    disk = {part: usage(work / part) for part in ("faces", "cache", "out")}
                    rows.append({"format": form, **told, "disk": disk})
                    print(_line(rows[-1]), file=sys.stderr, flush=True)
    if options.json:
        print(json.dumps({"cpus": os.cpu_count(), "side": SIDE, "runs": rows}, indent=1))
        return
    print(f"faces of {SIDE}×{SIDE} through segment --aligned without a network, on {os.cpu_count()} cores:")
    for row in rows:
        print(f"  {_line(row)}")
    for few, many in pairwise(row for row in rows if not row["cached"]):
        if few["format"] == many["format"]:
            more = (float(str(many["peak_mib"])) - float(str(few["peak_mib"]))) * (1 << 20)
            each = more / (int(str(many["images"])) - int(str(few["images"])))
            print(f"  {few['format']}: {each:.0f} bytes of memory for each further image")


def _line(row: Mapping[str, object]) -> str:
    images, seconds = int(str(row["images"])), float(str(row["seconds"]))
    busy, peak = float(str(row["cpu_seconds"])) / images * 1000, float(str(row["peak_mib"]))
    disk = row["disk"]
    assert isinstance(disk, dict)
    told = f"{row['format']:6} {images:8} images, {row['cached']:>8} cached, {row['failed']} failed"
    place = ", ".join(f"{name} {used['bytes'] / 1e6:.0f} MB in {used['inodes']}" for name, used in disk.items())
    cost = f"{seconds:7.1f} s {images / seconds:6.0f}/s, {busy:5.2f} ms of a core each, {peak:6.1f} MiB"
    return f"{told}  {cost}   {place}"


if __name__ == "__main__":
    main()
