"""How fast training pairs come from the disk to a tensor, packed against one file at a time; and what many cost.

    python benchmarks/pair_loading.py                         images a second of both ways, and their ratio
    python benchmarks/pair_loading.py --memory 7000 70000     main memory, from the first step to the last

Pairs are drawn at 512 pixels and read at `--size`. The plain way is what most training scripts do: torch's DataLoader
with two workers that open, decode, resize and convert one pair of files each. The packed way is facesynth's: two
memory-mapped arrays, indexed by a shuffled batch, turned into the same tensors. They take turns over the same pairs.
The memory run makes stand-ins (links to a few files), writes their manifest, chooses, packs and goes through an epoch;
it counts memory of the process's own (RssAnon), as mapped files are given back whenever someone else needs the room.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the drawn faces of the tests

from facesynth.core.refs import sha256_file
from facesynth.datasets.manifest import Description, Manifest, Sample, write_manifest
from facesynth.datasets.packed import PackedPairs, packed
from facesynth.datasets.pairs import ManifestPairs
from facesynth.store import ArtifactStore
from facesynth.training.sampling import ShuffledOrder
from tests.drawn_pairs import write_pairs

BATCH = 16


class Files(Dataset[tuple[Tensor, Tensor]]):
    """The plain way."""

    def __init__(self, folder: Path, names: list[str], size: int) -> None:
        self.folder, self.names, self.size = folder, names, size

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        name, side = self.names[index], (self.size, self.size)
        image = Image.open(self.folder / "images" / f"{name}.png").convert("RGB").resize(side, Image.Resampling.BICUBIC)
        labels = Image.open(self.folder / "labels" / f"{name}.png").resize(side, Image.Resampling.NEAREST)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255
        return pixels, torch.from_numpy(np.array(labels))


def packed_batches(pairs: PackedPairs, epochs: int) -> Iterator[tuple[Tensor, Tensor]]:
    """facesynth's way, as the training jobs do it."""
    order = ShuffledOrder(len(pairs), seed=0)
    for start in range(0, len(pairs) * epochs, BATCH):
        chosen = order(start, BATCH)
        yield (
            torch.from_numpy(pairs.images[chosen]).permute(0, 3, 1, 2).float() / 255,
            torch.from_numpy(pairs.labels[chosen]),
        )


def rate(batches: Iterator[tuple[Tensor, Tensor]]) -> float:
    """Images a second over all batches, the first left out: it pays for starting."""
    next(batches)
    start, count = time.perf_counter(), 0
    for images, _ in batches:
        count += len(images)
    return count / (time.perf_counter() - start)


def compare(count: int, size: int, rounds: int) -> dict[str, float]:
    """Both ways in turns."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        folder = write_pairs(root / "data", count, size=512)
        names = sorted(path.stem for path in (folder / "images").iterdir())
        manifest = _manifest(folder, names)
        start = time.perf_counter()
        with packed(ManifestPairs(manifest), size, ArtifactStore(root / "cache")) as pairs:
            packing = count / (time.perf_counter() - start)
            plain, ours = [], []
            for _ in range(rounds):
                loader = DataLoader(Files(folder, names, size), BATCH, shuffle=True, num_workers=2)
                plain.append(rate(iter(loader)))
                ours.append(rate(packed_batches(pairs, epochs=4)))
    return {
        "pairs": count,
        "size": size,
        "packed_once_images_a_second": packing,
        "plain_images_a_second": statistics.median(plain),
        "packed_images_a_second": statistics.median(ours),
        "ratio": statistics.median(o / p for o, p in zip(ours, plain, strict=True)),
    }


def _manifest(folder: Path, names: list[str]) -> Manifest:
    def samples() -> Iterator[Sample]:
        for name in names:
            image, labels = folder / "images" / f"{name}.png", folder / "labels" / f"{name}.png"
            digests = sha256_file(image), sha256_file(labels)
            yield Sample(name=name, image=image, sha256=digests[0], labels=labels, labels_sha256=digests[1])

    write_manifest(folder / "dataset.jsonl", Description(name="drawn"), samples())
    return Manifest.open(folder / "dataset.jsonl")


def memory(count: int) -> dict[str, float]:
    """A dataset of `count` stand-ins at 32 pixels, gone through in a process of its own."""
    with tempfile.TemporaryDirectory() as name, multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_go_through, (count, Path(name)))


def _go_through(count: int, root: Path) -> dict[str, float]:
    base = write_pairs(root / "few", 16, size=32)
    few = sorted(path.stem for path in (base / "images").iterdir())
    folder = root / "many"
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True)
    names = []
    for index in range(count):
        for kind in ("images", "labels"):
            os.link(base / kind / f"{few[index % 16]}.png", folder / kind / f"{index:06d}.png")
        names.append(f"{index:06d}")
    manifest = _manifest(folder, names)
    del names
    peak, done = _Peak(), threading.Event()
    watcher = threading.Thread(target=peak.watch, args=(done,))
    watcher.start()
    start = time.perf_counter()
    with packed(ManifestPairs(manifest), 32, ArtifactStore(root / "cache")):
        packing = time.perf_counter() - start
    start = time.perf_counter()
    with packed(ManifestPairs(manifest), 32, ArtifactStore(root / "cache")) as pairs:
        opening = time.perf_counter() - start
        shown = sum(len(images) for images, _ in packed_batches(pairs, epochs=1))
        assert len(pairs) == count <= shown
    done.set()
    watcher.join()
    return {"pairs": count, "packing_seconds": packing, "opening_again_seconds": opening, "peak_own_mib": peak.mib}


class _Peak:
    """The most memory of its own that this process had while it was watched."""

    mib = 0.0

    def watch(self, done: threading.Event) -> None:
        while not done.wait(0.01):
            status = Path("/proc/self/status").read_text(encoding="utf-8")
            found = re.search(r"RssAnon:\s+(\d+)", status)
            assert found is not None
            self.mib = max(self.mib, int(found[1]) / 1024)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pairs", type=int, default=256)
    options.add_argument("--size", type=int, default=256)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--memory", type=int, nargs="+", metavar="PAIRS")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    if chosen.pairs <= BATCH:
        options.error(f"--pairs must be more than {BATCH}, a batch")
    torch.set_num_threads(1)
    if chosen.memory:
        results = [memory(count) for count in chosen.memory]
    else:
        results = [compare(chosen.pairs, chosen.size, chosen.rounds)]
    for result in results:
        told = "\n".join(f"{key}: {value:.4g}" for key, value in result.items())
        print(json.dumps(result) if chosen.json else told)


if __name__ == "__main__":
    main()
