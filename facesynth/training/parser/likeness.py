"""What a parser's weights tell of the faces that it was trained on, so that others can be told to be unlike them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from facesynth.core.errors import ConfigError
from facesynth.core.images import Photo
from facesynth.datasets.packed import packed
from facesynth.inference import networks
from facesynth.inference.likeness import MIN_FACES, Likeness, likeness_of
from facesynth.inference.parser import Parser
from facesynth.store import ArtifactStore
from facesynth.training.data import chosen_pairs
from facesynth.training.parser.material import Material, material
from facesynth.training.runs.parser import ParserRun

_ENOUGH = 1_000
"""Faces that are looked at: two minutes on a CPU."""
_TOGETHER = 16


def measured(parser: Parser, learnt_from: Material, seed: int) -> Likeness | None:
    """How the faces of a run are laid out in its parser's eyes: up to 1,000, drawn by the seed from all it learnt from.

    None where they are fewer than MIN_FACES.
    """
    faces = [(learnt_from.pairs.images, index) for index in range(len(learnt_from.pairs))]
    several = {more.packed.digest: more for more in learnt_from.unlabelled.values()}  # two settings may name the same
    faces += [(more.packed.images, int(index)) for more in several.values() for index in more.allowed]
    if len(faces) < MIN_FACES:
        return None
    drawn = np.random.default_rng(seed).permutation(len(faces))[:_ENOUGH]
    groups = (drawn[start : start + _TOGETHER] for start in range(0, len(drawn), _TOGETHER))
    chosen = ([faces[index] for index in group] for group in groups)
    found = (parser.layouts([Photo(np.array(images[index])) for images, index in group]) for group in chosen)
    return likeness_of(np.concatenate(list(found)))


def add_likeness(
    source: Path, target: Path, config: ParserRun, *, base: Path, store: ArtifactStore, device: str = "auto"
) -> Likeness:
    """Write finished weights anew, with what training now tells of its faces; `config` is the run that made them.

    For weights of before that. `base` is the folder that the run's relative paths start from, `store` that of its
    packed pairs. Raises ConfigError where the faces are too few, and as `train_parser` does.
    """
    train, _ = chosen_pairs(config.data, base, config.seed)
    with (
        packed(train, config.packed_size, store) as pairs,
        TemporaryDirectory() as notes,
        material(
            config, base, pairs, store=store, notes=Path(notes), on_packed=lambda done, total: None
        ) as learnt_from,
    ):
        likeness = measured(Parser.load(source, device=device, engine="eager"), learnt_from, config.seed)
    if likeness is None:
        what = f"fewer than {MIN_FACES} training faces say too little of what faces look like"
        raise ConfigError(what, where=config.name, hint="leave these weights as they are")
    networks.copy_with_likeness(source, target, likeness)
    return likeness
