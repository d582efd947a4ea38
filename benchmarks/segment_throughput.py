"""How fast a folder of aligned faces is parsed, against a plain loop over the same weights.

    python benchmarks/segment_throughput.py                   text; --json for machines

Both read the same face files and write the same label maps with the bundled parser, float32. The plain loop reads one
image, parses it on all cores, writes the map, and takes the next. facesynth's runner hashes, looks up, decodes ahead,
computes several at once, each on its share of the cores, and publishes behind. The two take turns `--rounds` times in
one process, so that a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from facesynth.core.faces import Face
from facesynth.core.image_files import decode_photo, read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import encode_label_map, read_label_map
from facesynth.core.refs import Done, FileRef, Origin
from facesynth.inference.aligner import Aligner
from facesynth.inference.lanes import Lanes
from facesynth.inference.parser import Parser
from facesynth.pipeline import run
from facesynth.stages.segment import SegmentStage
from facesynth.store import ArtifactStore
from facesynth.weights import data_folder


def make_faces(folder: Path, count: int) -> list[Path]:
    """Write `count` distinct 512-pixel faces: the example people, each a little brighter or darker."""
    photos = [read_photo(path) for path in sorted(data_folder("photos").glob("portrait-*.jpg"))]
    faces = [found[0].photo for found in Aligner.load("dlib", size=512, faces="largest")(photos)]
    paths = []
    for index in range(count):
        base = faces[index % len(faces)].pixels.astype(np.int16) + index // len(faces) - count // 8
        path = folder / f"{index:04}.png"
        write_photo(Photo(np.clip(base, 0, 255).astype(np.uint8)), path)
        paths.append(path)
    return paths


def plain_loop(paths: list[Path], out: Path) -> None:
    """One image at a time on all cores, nothing overlapped, nothing kept."""
    parser = Parser.load(lanes=Lanes(1))
    for path in paths:
        [labels] = parser([read_photo(path)])
        (out / path.name).write_bytes(encode_label_map(labels))


def runner(paths: list[Path], out: Path, cache: Path, batch_size: int) -> None:
    """The stage on facesynth's runner, from an empty cache, with the label maps copied out."""
    items = [FileRef(path, Origin(str(path)), aligned) for path in paths]
    results = run(SegmentStage(batch_size=batch_size), items, ArtifactStore(cache), batch_size=max(batch_size, 8))
    for path, result in zip(paths, results, strict=True):
        assert isinstance(result, Done) and result.folder is not None
        (out / path.name).write_bytes((result.folder / "labels.png").read_bytes())


def aligned(data: bytes, where: str) -> Face:
    """A face file's bytes as a face."""
    return Face.from_aligned(decode_photo(data, where))


def agree(one: Path, other: Path) -> bool:
    """Whether two label maps are the same, but for what another number of threads rounds otherwise."""
    return bool(np.mean(read_label_map(one).ids == read_label_map(other).ids) >= 0.999)


def timed(work: Callable[[], None]) -> float:
    """Seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--faces", type=int, default=64)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--batch-size", type=int, default=1)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    plain, ours = [], []
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        paths = make_faces(root / "faces", chosen.faces)
        for turn in range(chosen.rounds):
            first, second = root / f"plain{turn}", root / f"ours{turn}"
            first.mkdir()
            second.mkdir()
            plain.append(timed(lambda out=first: plain_loop(paths, out)))
            cache = root / f"cache{turn}"
            ours.append(timed(lambda out=second, cache=cache: runner(paths, out, cache, chosen.batch_size)))
            for path in paths:
                assert agree(first / path.name, second / path.name), f"{path.name} is parsed otherwise"
    result = {
        "faces": chosen.faces,
        "threads": torch.get_num_threads(),
        "plain_faces_a_second": chosen.faces / statistics.median(plain),
        "facesynth_faces_a_second": chosen.faces / statistics.median(ours),
        "ratio": statistics.median(p / o for p, o in zip(plain, ours, strict=True)),
    }
    print(json.dumps(result) if chosen.json else "\n".join(f"{key}: {value:.4g}" for key, value in result.items()))


if __name__ == "__main__":
    main()
