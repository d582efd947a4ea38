"""A run's folder and its images, opened for a process that trains: held and settled by the first rank alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from facesynth.datasets.image_sets import PackedImages, identify_images, packed_images
from facesynth.store import ArtifactStore
from facesynth.training import checkpoint
from facesynth.training.folder import RunFolder
from facesynth.training.opening import OnPacked, Order
from facesynth.training.place import Place
from facesynth.training.runs.spn import SpnRun
from facesynth.training.spn.choosing import check_ids, image_set


@dataclass(frozen=True, slots=True)
class OpenedImages:
    """A run's folder and its packed images."""

    folder: RunFolder
    images: PackedImages


@contextmanager
def opened_images(order: Order[SpnRun], place: Place, on_packed: OnPacked) -> Iterator[OpenedImages]:
    """Lend a run's images at the generator's size. The first rank holds the run, and sees that it goes on as it began.

    Raises as `image_set` does, InputError for images that cannot be used, TrainingError for a run of another recipe.
    """
    config, store, folder = order.config, ArtifactStore(order.cache), RunFolder(order.folder)
    with nullcontext() if place.rank else folder.locked():
        images = image_set(config, order.base)
        digest, begun = identify_images(images), bool(checkpoint.found(folder.path))
        if begun and not place.rank:
            folder.settle(config, data=digest, begun=True)
        size, fit = config.packed_size, config.data.fit
        with packed_images(images, size, store, fit=fit, digest=digest, on_packed=on_packed) as packed:
            check_ids(packed, config)
            if not begun and not place.rank:  # only now: a start that failed on a bad file is no start
                folder.settle(config, data=digest, begun=False)
            yield OpenedImages(folder, packed)
