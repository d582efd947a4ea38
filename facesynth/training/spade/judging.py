"""How a painter in training does on held-out faces at their full size, and a sheet that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.sheets import contact_sheet
from facesynth.core.styles import Style
from facesynth.inference.encoder import Encoder, as_tensor
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.perceptual import PerceptualDistance
from facesynth.models.specs import EncoderSpec, GeneratorSpec
from facesynth.training.data import HeldOut
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
) -> Mapping[str, float]:
    """Held-out faces painted from their own label maps and styles: L1 in grey levels, perceptual distance."""
    if not held_out or encoder is None:
        return {}
    l1: list[float] = []
    distances: list[float] = []
    for group in held_out.groups():
        painted = synthesizer([labels for _, labels in group], encoder([face for face, _ in group]))
        for pair in zip(painted, (face.resized(size, size) for face, _ in group), strict=True):
            l1.append(float(np.abs(pair[0].pixels.astype(float) - pair[1].pixels).mean()))
            if perceptual is not None:
                with torch.no_grad():
                    distance = perceptual(*(as_tensor([photo], size).to(device) for photo in pair))
                distances.append(distance.item())
    scores = {"validation/l1": float(np.mean(l1))}
    return scores | ({"validation/perceptual": float(np.mean(distances))} if distances else {})


def sheet_of(
    synthesizer: Synthesizer, encoder: Encoder | None, shown: Sequence[tuple[Photo, LabelMap]], size: int
) -> Photo | None:
    """Rows of label map, face, painted in its own style, and painted by three seeds; None where nothing is shown."""
    if not shown:
        return None
    rows: list[list[Photo | LabelMap | None]] = []
    for face, labels in shown:
        styles = [Style.from_seed(seed) for seed in _SEEDS]
        if encoder is not None:
            styles = [*encoder([face]), *styles]
        rows.append([labels, face, *synthesizer([labels] * len(styles), styles)])
    return contact_sheet(rows, cell=size)
