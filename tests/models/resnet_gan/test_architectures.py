"""The table of networks: names that say their size, and the generators and discriminators that they stand for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from facesynth.models.resnet_gan.architectures import ARCHITECTURES
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec


def test_names_end_in_the_size_of_their_pictures() -> None:
    for name, (spec, about) in ARCHITECTURES.items():
        size = int(name.rpartition("-")[2])
        assert about.strip() and size in (32, 128)
        if isinstance(spec, ResnetGeneratorSpec):
            assert spec.size == size
            assert spec.spectral == (size == 128)  # section 4.1


def test_no_two_are_the_same_and_the_table_is_read_only() -> None:
    specs = [spec for spec, _ in ARCHITECTURES.values()]
    assert len(set(specs)) == len(specs)
    with pytest.raises(TypeError):
        ARCHITECTURES["mine"] = ARCHITECTURES["spn-32"]  # type: ignore[index]


def test_names_are_known_without_torch() -> None:
    code = "import facesynth.models.resnet_gan.architectures, sys; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
