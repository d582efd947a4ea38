"""The pipeline files of the paper's tables: their arms are the rows, and differ in what the table is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from facesynth.config import arms_of, find_pipeline, load_pipeline
from facesynth.inference import networks
from facesynth.models.resnet_gan.architectures import ARCHITECTURES
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec
from facesynth.training.runs.spn import SpnRun

CIFAR_10 = {"cbn": "sngan-cbn-32", "ccbn": "biggan-32", "cspn-nobias": "cspn-nobias-32", "cspn": "cspn-32"}
CONDITIONAL = {"sngan": "sngan-cbn-32", "biggan": "biggan-32", "cspn": "cspn-32"}
ROWS: dict[str, dict[str, str]] = {
    "table-1": {"batch": "sngan-32", "instance": "sngan-instance-32", "layer": "sngan-layer-32"},
    "table-3-gan-cifar-10": {"sngan": "sngan-32", "spn": "spn-32"},
    "table-3-gan-cifar-100": {"sngan": "sngan-32", "spn": "spn-32"},
    "table-3-cgan-cifar-10": CONDITIONAL,
    "table-3-cgan-cifar-100": CONDITIONAL,
    "table-4": {"sngan": "sngan-128", "spn": "spn-128"},
    "table-5": {"sngan": "sngan-cbn-128", "biggan": "biggan-128", "cspn": "cspn-128"},
    "table-6": {"sngan": "sngan-32", "sngan-wide": "sngan-wide-32", "spn": "spn-32"},
    "table-7": {
        "kernel-1": "spn-kernel1-32",
        "kernel-3": "spn-32",
        "kernel-5": "spn-kernel5-32",
        "one-mask": "spn-onemask-32",
        "standard": "spn-standard-32",
    },
    "table-8-cifar-10": CIFAR_10,
    "table-8-cifar-100": CIFAR_10,
    "table-9": {
        f"{name}-{loss}": f"{name}-32"
        for name in ("sngan", "spn")
        for loss in ("hinge", "cross-entropy", "least-squares")
    },
    "table-10": {
        "sngan": "sngan-32",
        "sngan-attention": "sngan-attention-32",
        "spn": "spn-32",
        "spn-attention": "spn-attention-32",
    },
}
"""Of each table its arms, and the architectures of which they are."""


def arm(table: str, name: str) -> SpnRun:
    run = load_pipeline(find_pipeline(f"spn/{table}"), arm=name)
    assert isinstance(run, SpnRun) and run.name == f"{table}-{name}"
    return run


def of_classes(name: str, classes: int) -> object:
    spec = ARCHITECTURES[name][0]
    return replace(spec, classes=classes) if spec.classes else spec


@pytest.mark.parametrize("table", list(ROWS))
def test_the_arms_are_the_rows(table: str) -> None:
    rows = ROWS[table]
    assert set(arms_of(find_pipeline(f"spn/{table}"))) == set(rows)
    runs = {name: arm(table, name) for name in rows}
    one = next(iter(runs.values()))
    for name, run in runs.items():
        classes = (100 if table.endswith("-100") else 10) if run.generator.size == 32 else 200
        assert run.generator == of_classes(rows[name], classes)
        critic = ("projection" if run.generator.classes else "discriminator") + f"-{run.generator.size}"
        assert run.discriminator == of_classes(critic, classes)
        assert replace(run, name=one.name, generator=one.generator, loss=one.loss) == one, "the rest is the same"
        assert run.loss == next((kind for kind in ("cross-entropy", "least-squares") if name.endswith(kind)), "hinge")


def test_they_are_as_long_as_in_the_paper() -> None:
    """Section 4.1: iterations of the generator."""
    for table in ROWS:
        run = arm(table, next(iter(ROWS[table])))
        small = run.generator.size == 32
        assert run.images / run.images_a_step == (
            50_000 if small else {"table-4": 300_000, "table-5": 1_000_000}[table]
        )
        assert run.decay_images / run.images_a_step == 50_000
        rates = (run.generator_learning_rate, run.discriminator_learning_rate)
        assert rates == ((2e-4, 2e-4) if small else (1e-4, 4e-4)) and run.betas == (0.0, 0.9)
        assert (run.batch_size, run.generator_batch_size, run.n_dis) == ((64, 128, 5) if small else (32, 32, 1))


@pytest.mark.parametrize("size", [64, 128])
def test_faces_are_small_and_their_wide_arm_has_as_many_parameters(size: int, tmp_path: Path) -> None:
    def parameters(spec: ResnetGeneratorSpec) -> int:
        with torch.device("meta"):
            return sum(each.numel() for each in networks.build(spec).parameters())

    counts = {name: parameters(arm(f"faces-{size}", name).generator) for name in ("sngan", "sngan-wide", "spn")}
    assert abs(counts["sngan-wide"] / counts["spn"] - 1) < 0.003 < counts["spn"] / counts["sngan"] - 1
    spec = arm(f"faces-{size}", "spn").generator
    path = tmp_path / "faces.safetensors"
    networks.save(path, {"generator": (spec, networks.build(spec))})
    assert path.stat().st_size <= 3_000_000
