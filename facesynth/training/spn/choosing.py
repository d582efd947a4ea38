"""Which images a residual generator's run trains on, and whether they are of the classes that its networks are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facesynth.core.errors import ConfigError, UsageError
from facesynth.datasets.image_sets import ImageSet, PackedImages, open_image_set
from facesynth.training.runs.spn import SpnRun

_FEWEST = 2


def image_set(config: SpnRun, base: Path) -> ImageSet:
    """Find a run's images, from `base` on.

    ConfigError where they are too few, or of other classes than its networks are told; UsageError where none are named.
    """
    data, told = config.data, config.generator.classes
    if data.folder is None:
        raise UsageError("no training data named", hint="add --data DIR, a folder of images")
    where = base / data.folder
    images = open_image_set(where, data.layout, part=data.part)
    if len(images) < _FEWEST:
        hint = "add images; a generator needs thousands to learn from"
        raise ConfigError(f"holds {len(images)} images to train on", where=where, hint=hint)
    if told and not images.classes:
        hint = "name another --data or --set data.layout=…, or a normalisation without classes, and classes=0 for both"
        raise ConfigError(f"its images are of no classes, and the networks are told {told}", where=where, hint=hint)
    if told and len(images.classes) != told:
        count = len(images.classes)
        hint = f"--set generator.classes={count} --set discriminator.classes={count}"
        kind = "attributes" if images.multi else "classes"
        raise ConfigError(f"has {count} {kind}, and the networks are told {told}", where=where, hint=hint)
    return images


def limited(count: int, limit: int | None, seed: int) -> NDArray[np.int64]:
    """The numbers of the training images: of `count` all, or so many, drawn by the seed."""
    if limit is None or limit >= count:
        return np.arange(count, dtype=np.int64)
    return np.sort(np.random.default_rng([seed, count]).permutation(count)[:limit])


def check_ids(images: PackedImages, config: SpnRun) -> None:
    """A class id that no row of a table belongs to would end a GPU's whole program."""
    if not config.generator.classes or images.targets is None or images.targets.ndim != 1:
        return
    low, high = int(images.targets.min()), int(images.targets.max())
    if low < 0 or high >= config.generator.classes:
        what = f"class ids are {low} to {high}, and the networks are told classes 0 to {config.generator.classes - 1}"
        raise ConfigError(what, where=config.data.folder, hint="pack the images anew, or name another --data")
