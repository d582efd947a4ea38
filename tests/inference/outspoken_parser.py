"""A random parser that answers differently from picture to picture, and that knows one picture in many shades."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from facesynth.core.images import Photo
from facesynth.inference import networks
from facesynth.inference.likeness import MIN_FACES, Likeness, likeness_of
from facesynth.inference.parser import Parser
from facesynth.models.parser import ParserNet
from facesynth.models.specs import ParserSpec
from tests.inference.exported_parsers import drawn_face

BLACK = Photo(np.zeros((96, 96, 3), dtype=np.uint8))


def outspoken_parser(path: Path) -> Path:
    """Write the parser, which tells nothing of its training faces."""
    torch.manual_seed(0)
    spec = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)
    network = ParserNet(spec)
    state = network.state_dict()
    state["head.classify.weight"] *= 100
    network.load_state_dict(state)
    networks.save(path, {"parser": (spec, network)})
    return path


def shades() -> list[Photo]:
    """One drawn picture, the darkest first."""
    pixels = drawn_face().pixels
    return [Photo(np.clip(pixels * (0.75 + 0.01 * n), 0, 255).astype(np.uint8)) for n in range(MIN_FACES)]


def knowing_shades(path: Path) -> Likeness:
    """What the weights would tell, had they been trained on the shades."""
    likeness = likeness_of(Parser.load(path, device="cpu", engine="eager").layouts(shades(), batch_size=8))
    assert likeness is not None
    return likeness
