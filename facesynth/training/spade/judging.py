"""How a painter in training does on held-out faces at their full size, and a sheet that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from facesynth.core.images import Photo
from facesynth.core.labels import Label, LabelMap
from facesynth.core.sheets import contact_sheet
from facesynth.core.styles import Style
from facesynth.inference.encoder import Encoder, as_tensor
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.perceptual import PerceptualDistance
from facesynth.models.specs import EncoderSpec, GeneratorSpec
from facesynth.training.data import HeldOut
from facesynth.training.onlooker import Onlooker
from facesynth.training.spade.painter import Painter

_SEEDS = (0, 1, 2)
_UNSAVED = "0" * 64  # the encoder's name while it has no file


def predictors(
    painter: Painter, generator: GeneratorSpec, encoder: EncoderSpec | None, device: torch.device
) -> tuple[Synthesizer, Encoder | None]:
    """What people call, made of a painter that is being trained."""
    dtype = torch.float32
    synthesizer = Synthesizer(painter.generator, generator, device=device, dtype=dtype, identity=_UNSAVED)
    if painter.encoder is None or encoder is None:
        return synthesizer, None
    return synthesizer, Encoder(painter.encoder, encoder, device=device, dtype=dtype, identity=_UNSAVED)


def scores_of(
    synthesizer: Synthesizer,
    encoder: Encoder | None,
    held_out: HeldOut,
    size: int,
    perceptual: PerceptualDistance | None,
    device: torch.device,
    onlooker: Onlooker | None = None,
) -> Mapping[str, float]:
    """Held-out faces painted from their own label maps and styles: L1 in grey levels, perceptual distance.

    And what an onlooker has to say; without an encoder that alone, of pictures in the styles of seeds.
    """
    if not held_out or (encoder is None and onlooker is None):
        return {}
    l1: list[float] = []
    distances: list[float] = []
    first = 0
    for group in held_out.groups():
        labels = [labels for _, labels in group]
        if encoder is None:
            styles = [Style.from_seed(first + index) for index in range(len(group))]
        else:
            styles = encoder([face for face, _ in group], labels)
        painted = synthesizer(labels, styles)
        if onlooker is not None:
            onlooker.look(first, group, painted)
        first += len(group)
        if encoder is None:
            continue
        for pair in zip(painted, (face.resized(size, size) for face, _ in group), strict=True):
            l1.append(float(np.abs(pair[0].pixels.astype(float) - pair[1].pixels).mean()))
            if perceptual is not None:
                with torch.no_grad():
                    distance = perceptual(*(as_tensor([photo], size).to(device) for photo in pair))
                distances.append(distance.item())
    scores = {} if onlooker is None else onlooker.scores()
    scores |= {"validation/l1": float(np.mean(l1))} if l1 else {}
    return scores | ({"validation/perceptual": float(np.mean(distances))} if distances else {})


def sheet_of(
    synthesizer: Synthesizer, encoder: Encoder | None, shown: Sequence[tuple[Photo, LabelMap]], size: int
) -> Photo | None:
    """Rows of label map, face, painted in its own style, and painted by three seeds; None where nothing is shown.

    Where styles are of regions, each face is painted before the seeds with the hair of the next one, too, and in the
    learned average.
    """
    if not shown:
        return None
    styles = _styles(synthesizer, encoder, shown)
    rows: list[list[Photo | LabelMap | None]] = []
    for (face, labels), row in zip(shown, styles, strict=True):
        rows.append([labels, face, *synthesizer([labels] * len(row), row)])
    return contact_sheet(rows, cell=size)


def _styles(
    synthesizer: Synthesizer, encoder: Encoder | None, shown: Sequence[tuple[Photo, LabelMap]]
) -> list[list[Style]]:
    """What each row's label map is painted in."""
    seeds = [Style.from_seed(seed) for seed in _SEEDS]
    if encoder is None:
        return [seeds for _ in shown]
    own = encoder([face for face, _ in shown], [labels for _, labels in shown])
    if not encoder.reads_regions:
        return [[style, *seeds] for style in own]
    following = [*own[1:], own[0]]
    mixed = [
        style.with_regions([Label.HAIR], other) if other.knows(Label.HAIR) else style
        for style, other in zip(own, following, strict=True)
    ]
    return [[style, other, synthesizer.mean_style, *seeds] for style, other in zip(own, mixed, strict=True)]
