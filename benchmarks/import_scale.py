"""What importing a dataset takes as it grows: seconds and the peak of memory, the first time and again.

    python benchmarks/import_scale.py                         text; --json for machines; --folder to choose the disk

Draws pairs of 8×8 pixels (few files, linked under many names), so that what is measured is the import itself and not
the decoding of images. Every import runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from facesynth.core.image_files import encode_png
from facesynth.core.images import Photo
from facesynth.core.label_files import encode_label_map
from facesynth.core.labels import LabelMap
from facesynth.datasets.importing.engine import import_dataset
from facesynth.datasets.layouts.folder import FolderLayout

LINKS = 20_000
"""Names a file gets; file systems allow some 65,000."""
PER_FOLDER = 1000


def draw_pairs(folder: Path, count: int) -> None:
    """`count` images and label maps, a thousand to a sub-folder, as FFHQ keeps them."""
    image = encode_png(Photo(np.full((8, 8, 3), 128, dtype=np.uint8)))
    labels = encode_label_map(LabelMap(np.arange(64, dtype=np.uint8).reshape(8, 8) % 19))
    for part, data in (("images", image), ("labels", labels)):
        original = Path()
        for index in range(count):
            place = folder / part / f"{index // PER_FOLDER * PER_FOLDER:05d}"
            place.mkdir(parents=True, exist_ok=True)
            path = place / f"{index:05d}.png"
            if index % LINKS:
                os.link(original, path)
            else:
                path.write_bytes(data)
                original = path


def measure(folder: Path, output: Path, workers: int) -> dict[str, float]:
    """One import in this process: faces, those that were known, seconds, and the peak of resident memory in MiB."""
    started = time.perf_counter()
    done = import_dataset(FolderLayout(folder), output, workers=workers)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"faces": done.count, "known": done.kept, "seconds": seconds, "peak_mib": peak}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[7_000, 70_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to work (default: the system's temporary folder)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure / "pairs", options.measure / "output", options.workers)))
        return
    rows: list[dict[str, float]] = []
    for count in options.counts:
        with tempfile.TemporaryDirectory(dir=options.folder, prefix="facesynth-") as work:
            draw_pairs(Path(work) / "pairs", count)
            command = [sys.executable, __file__, "--measure", work, "--workers", str(options.workers)]
            rows += [json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(2)]
    if options.json:
        print(json.dumps({"cpus": os.cpu_count(), "imports": rows}, indent=1))
        return
    print(f"imports of pairs of 8×8 on {os.cpu_count()} cores, first and again:")
    for row in rows:
        speed = row["faces"] / row["seconds"]
        told = f"{row['faces']:.0f} faces, {row['known']:.0f} known"
        print(f"  {told:28} {row['seconds']:7.1f} s {speed:8.0f} faces/s {row['peak_mib']:7.1f} MiB")


if __name__ == "__main__":
    main()
