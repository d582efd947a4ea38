"""How fast a folder becomes label maps, against a plain script with the same network.

    python benchmarks/segment_throughput.py                   aligned faces
    python benchmarks/segment_throughput.py --photos          photos, with the same detector

All arms read the same files and write the same label maps. The plain one (`plain_segment.py`) takes one image at a
time, in eager PyTorch on all cores. Ours is the command `facesynth segment` from an empty cache, which hashes, looks
up, decodes ahead, computes several images at once, keeps each result and publishes it. Whole processes are timed, with
all their start-up; they take turns `--rounds` times, and a ratio is the median of the rounds' own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from facesynth.core.image_files import read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import read_label_map
from facesynth.inference.aligner import Aligner
from facesynth.weights import data_folder

PLAIN = Path(__file__).with_name("plain_segment.py")
ARMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"eager": ("--engine", "eager"), "auto": (), "auto, bf16": ("--precision", "bf16")}
)
"""Options of `facesynth segment`."""


def example_people() -> list[Photo]:
    """Photos with one face each."""
    return [read_photo(path) for path in sorted(data_folder("photos").glob("portrait-*.jpg"))]


def make_faces(folder: Path, count: int) -> list[Path]:
    """Write `count` distinct 512-pixel faces: the example people, each a little brighter or darker."""
    found = Aligner.load("dlib", size=512, faces="largest")(example_people())
    return write_variants(folder, [faces[0].photo for faces in found], count)


def write_variants(folder: Path, photos: Sequence[Photo], count: int) -> list[Path]:
    """Write `count` distinct images, each one of some photos, a little brighter or darker."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index in range(count):
        made = photos[index % len(photos)].pixels.astype(np.int16) + (index - count // 2) // len(photos) % 32
        path = folder / f"{index:04}.png"
        write_photo(Photo(np.clip(made, 0, 255).astype(np.uint8)), path)
        paths.append(path)
    return paths


def agreement(one: Path, other: Path) -> float:
    """The share of pixels that have the same label in two folders of label maps. ValueError for other names."""
    ours, theirs = ({path.name for path in folder.iterdir()} for folder in (one, other))
    if ours != theirs:
        raise ValueError(f"label maps that only one of both has: {sorted(ours ^ theirs)}")
    return float(
        np.mean([np.mean(read_label_map(one / name).ids == read_label_map(other / name).ids) for name in ours])
    )


def plain(images: Path, out: Path, *, photos: bool) -> dict[str, float]:
    """Seconds of the plain script, and of its parts."""
    command = [sys.executable, str(PLAIN), str(images), str(out), *(["--photos"] if photos else [])]
    start = time.perf_counter()
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return {"seconds": time.perf_counter() - start, **json.loads(told.stdout)}


def ours(images: Path, out: Path, options: Sequence[str], *, photos: bool) -> float:
    """Seconds of `facesynth segment`."""
    aligned = ["--landmarks", "dlib"] if photos else ["--aligned"]
    command = [sys.executable, "-m", "facesynth", "segment", str(images), "-o", str(out), *aligned, *options, "-q"]
    with tempfile.TemporaryDirectory(dir=out.parent) as cache:
        start = time.perf_counter()
        subprocess.run([*command, "--cache", cache], check=True, capture_output=True)
        return time.perf_counter() - start


def measure(root: Path, images: Path, rounds: int, *, photos: bool) -> dict[str, object]:
    """All arms in turns; their outputs are compared and removed."""
    scripts: list[dict[str, float]] = []
    seconds: dict[str, list[float]] = {arm: [] for arm in ARMS}
    same: dict[str, float] = {}
    for _ in range(rounds):
        scripts.append(plain(images, root / "plain", photos=photos))
        for arm, options in ARMS.items():
            seconds[arm].append(ours(images, root / "ours", options, photos=photos))
            same[arm] = agreement(root / "plain", root / "ours" / "labels")
            shutil.rmtree(root / "ours")
        shutil.rmtree(root / "plain")
    parts = {part: statistics.median(one[part] for one in scripts) for part in scripts[0]}
    arms = {
        arm: {
            "seconds": statistics.median(found),
            "ratio": statistics.median(one["seconds"] / own for one, own in zip(scripts, found, strict=True)),
            "equal_labels": same[arm],
        }
        for arm, found in seconds.items()
    }
    return {"images": len(list(images.iterdir())), "photos": photos, "plain": parts, "arms": arms}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--images", type=int, help="how many (default: 256 faces, or 32 photos)")
    options.add_argument("--photos", action="store_true")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", type=Path, help="write all figures to this file too")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        if chosen.photos:
            write_variants(root / "images", example_people(), chosen.images or 32)
        else:
            make_faces(root / "images", chosen.images or 256)
        found = measure(root, root / "images", chosen.rounds, photos=chosen.photos)
    print(told(found))
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def told(found: dict[str, object]) -> str:
    """As a table."""
    plain, arms = found["plain"], found["arms"]
    assert isinstance(plain, dict) and isinstance(arms, dict)
    lines = [f"{found['images']} {'photos' if found['photos'] else 'aligned faces'}, whole processes"]
    lines.append(f"{'plain script':<14}{plain['seconds']:>8.1f} s; of it {plain['detection']:.1f} s find and align")
    for arm, one in arms.items():
        faster = f"{one['ratio']:.2f} times as fast; {one['equal_labels']:.2%} equal labels"
        lines.append(f"{arm:<14}{one['seconds']:>8.1f} s, {faster}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
