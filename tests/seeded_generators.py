"""Tiny generators that need no label maps, of random numbers, alone or in a training run's folder."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec
from tests import tiny_generators
from tests.tiny_generators import tiny_spec


def write_generator(
    path: Path, seed: int = 0, *, classes: Sequence[str] = (), multi: bool = False, **spec: Any
) -> ResnetGeneratorSpec:
    """Write one of 16×16 pixels; with `classes` a conditional one, of attributes if `multi`."""
    kind = {"normalisation": "cspn", "classes": len(classes)} if classes else {}
    made = tiny_spec(**{**kind, **spec})
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        tiny_generators.write_generator(path, made, classes, seed, multi=multi)
    return made


def write_spn_run(
    runs: Path,
    arm: str,
    seed: int,
    *,
    images: int = 1000,
    seconds: float | None = None,
    data: str = "ab" * 32,
    pace: float = 1.0,
    **spec: Any,
) -> str:
    """Write `runs/ARM-sSEED` as training leaves it: settings, what was noted, finished weights."""
    name = f"{arm}-s{seed}"
    folder = runs / name
    made = write_generator(folder / f"{name}.safetensors", seed, **spec)
    config = {
        "kind": "spn",
        "name": name,
        "seed": seed,
        "images": images,
        "seconds": seconds,
        "generator": dataclasses.asdict(made),
        "data": {"folder": str(folder), "part": "train"},
    }
    (folder / "run.json").write_text(json.dumps({"config": config, "data": data}))
    rows = [
        {"nimg": step * images // 4, "seconds": step * pace, "validation/frechet/tiny": 100 / step + seed}
        for step in range(1, 5)
    ]
    (folder / "stats.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder)
