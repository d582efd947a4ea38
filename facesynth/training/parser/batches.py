"""The batches that a parser learns from: faces with label maps, then those of each setting that names folders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from facesynth.training.augment import moved, recoloured, resized, resized_labels
from facesynth.training.collectives import Ranks
from facesynth.training.feeding import Feeder
from facesynth.training.parser.material import Material
from facesynth.training.rows import Rows, rows_of
from facesynth.training.runs.parser import ParserRun
from facesynth.training.sampling import ShuffledOrder, generator_at, repeated_for_rare

_LABELLED = "labelled"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch, or the rows of it that are gone through here.

    `faces` N×3×S×S in 0..1 are as they were moved, `images` the same at the parser's size in other colours, `labels`
    those of the first of them. `kinds` are the rows that each kind of faces has here, of its own, in order.
    """

    faces: Tensor
    images: Tensor
    labels: Tensor
    kinds: Mapping[str, Rows]

    def up_to(self, kind: str) -> slice:
        """Where the faces with label maps lie, with those of a kind that comes at once after them, if there are any."""
        return slice(0, len(self.labels) + (self.kinds[kind].count if kind in self.kinds else 0))

    def of(self, kind: str) -> slice:
        """Where the faces of a kind lie."""
        kinds = list(self.kinds)
        first = sum(self.kinds[each].count for each in kinds[: kinds.index(kind)])
        return slice(first, first + self.kinds[kind].count)


class Batches:
    """Gives the batch that starts at an image, a pure function of the run's seed, and what a rank goes through of it in
    each part."""

    def __init__(self, config: ParserRun, material: Material, device: torch.device, ranks: Ranks) -> None:
        self._config = config
        pairs, rare = material.pairs, config.rare_repeat
        items = repeated_for_rare(material.counts, rare, config.seed) if rare else len(pairs)
        sources = {_LABELLED: (pairs, ShuffledOrder(items, config.seed))}
        for setting, faces in material.unlabelled.items():
            sources[setting] = faces.packed, ShuffledOrder(faces.allowed, config.seed)
        self._sizes = {_LABELLED: config.labelled, **config.unlabelled}
        self._feeds = {kind: Feeder(*source, self._sizes[kind], device) for kind, source in sources.items()}
        share = (ranks.rank, ranks.count, config.accumulate)
        shares = {kind: rows_of(size, *share) for kind, size in self._sizes.items()}
        self._parts = [{kind: rows[part] for kind, rows in shares.items()} for part in range(config.accumulate)]

    def __call__(self, nimg: int) -> Batch:
        """The whole batch that starts at image `nimg`."""
        config, size = self._config, self._config.parser.size
        steps = nimg // config.batch_size
        fed = [self._feeds[kind](steps * count) for kind, count in self._sizes.items()]
        faces, labels = fed[0] if len(fed) == 1 else (torch.cat(planes) for planes in zip(*fed, strict=True))
        generator = generator_at(config.seed, nimg)
        faces, labels = moved(faces, labels, config.augment, generator)
        images = recoloured(resized(faces, size), config.augment, generator)
        labels = resized_labels(labels, size // 2)[: config.labelled]
        return Batch(faces, images, labels, {kind: Rows(0, count, count) for kind, count in self._sizes.items()})

    def part(self, batch: Batch, number: int) -> Batch:
        """What this rank goes through of a whole batch in a part."""
        kinds = self._parts[number]
        if kinds[_LABELLED].count == len(batch.labels):
            return batch
        sizes = list(self._sizes.values())

        def taken(planes: Tensor) -> Tensor:
            split = zip(kinds.values(), torch.split(planes, sizes), strict=True)
            return torch.cat([rows.of(each) for rows, each in split])

        return Batch(taken(batch.faces), taken(batch.images), kinds[_LABELLED].of(batch.labels), kinds)
