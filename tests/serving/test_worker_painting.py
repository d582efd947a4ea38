"""How a worker paints: alone or side by side, always the same picture."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from facesynth.core.errors import LabelMapError
from facesynth.core.labels import LabelMap
from facesynth.core.styles import Style
from facesynth.inference.synthesizer import Synthesizer
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import GeneratorSpec
from facesynth.serving.worker.painting import Painting
from tests.drawn_pairs import drawn_labels

SPEC = GeneratorSpec(size=64, start=2, style_channels=8, width=4, max_width=16, spade_hidden=8, noise=True)


@pytest.fixture(scope="module")
def synthesizer() -> Iterator[Synthesizer]:
    """A tiny seeded one on two threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    torch.manual_seed(5)
    cpu = torch.device("cpu")
    network = SpadeGenerator(SPEC).eval()
    yield Synthesizer(network, SPEC, device=cpu, dtype=torch.float32, identity="e" * 64, patterns="auto")
    torch.set_num_threads(before)


def test_pictures_side_by_side_are_those_that_are_painted_alone(synthesizer: Synthesizer) -> None:
    painting = Painting(synthesizer, 1)
    maps, styles = [drawn_labels(seed, 64) for seed in range(12)], [Style.from_seed(seed) for seed in range(12)]
    alone = [painting([labels], [style])[0] for labels, style in zip(maps, styles, strict=True)]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda labels, style: painting([labels], [style])[0], maps, styles))
    for mine, expected, wanted in zip(together, alone, synthesizer(maps, styles), strict=True):
        assert np.array_equal(mine.pixels, expected.pixels) and np.array_equal(mine.pixels, wanted.pixels)


def test_a_core_is_a_picture_on_a_cpu(synthesizer: Synthesizer) -> None:
    openmp = "OpenMP" in torch.__config__.parallel_info()
    assert Painting(synthesizer, 1).side_by_side == (2 if openmp else 1)


def test_after_an_error_it_paints_on(synthesizer: Synthesizer) -> None:
    painting = Painting(synthesizer, 1)
    oblong = LabelMap(np.zeros((8, 16), dtype=np.uint8))
    with ThreadPoolExecutor(2) as threads:
        for failed in [threads.submit(painting, [oblong], [Style.from_seed(0)]) for _ in range(4)]:
            with pytest.raises(LabelMapError):
                failed.result()
    labels = drawn_labels(1, 64)
    assert painting([labels], [Style.from_seed(1)])[0].size == (64, 64)
    painting.warm_up(labels)
