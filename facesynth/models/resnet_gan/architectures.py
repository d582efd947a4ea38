"""The networks of the SPN paper by name; without torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from facesynth.models.resnet_gan.specs import ResnetDiscriminatorSpec as Discriminator
from facesynth.models.resnet_gan.specs import ResnetGeneratorSpec as Generator

ARCHITECTURES: Mapping[str, tuple[Generator | Discriminator, str]] = MappingProxyType(
    {
        # 32 pixels: CIFAR-10's ten classes where they are told.
        "sngan-32": (Generator(), "table 2, top: batch normalisation"),
        "sngan-wide-32": (Generator(width=271, max_width=271), "SNGAN† of table 6, as many parameters as spn-32"),
        "sngan-instance-32": (Generator(normalisation="instance"), "table 1"),
        "sngan-layer-32": (Generator(normalisation="layer"), "table 1"),
        "spn-32": (Generator(normalisation="spn"), "table 2, top: SPN in all blocks"),
        "spn-kernel1-32": (Generator(normalisation="spn", kernel=1), "table 7: kernels 1×1"),
        "spn-kernel5-32": (Generator(normalisation="spn", kernel=5), "table 7: kernels 5×5"),
        "spn-onemask-32": (Generator(normalisation="spn", mask="one"), "table 7: one mask for all channels"),
        "spn-standard-32": (Generator(normalisation="spn", convolution="standard"), "table 7: no depthwise kernels"),
        "sngan-attention-32": (Generator(attention=True), "table 10"),
        "spn-attention-32": (Generator(normalisation="spn", attention=True), "table 10"),
        "sngan-cbn-32": (Generator(normalisation="cbn", classes=10), "table 3: conditional SNGAN, ten classes"),
        "biggan-32": (Generator(normalisation="ccbn", classes=10), "table 3: cBN with a noise bias, ten classes"),
        "cspn-32": (Generator(normalisation="cspn", classes=10), "table 3: conditional SPN, ten classes"),
        "cspn-nobias-32": (
            Generator(normalisation="cspn", classes=10, noise_bias=False),
            "table 8: conditional SPN without its noise bias",
        ),
        "discriminator-32": (Discriminator(), "table 2, top"),
        "projection-32": (Discriminator(classes=10), "table 2, top, with a projection of ten classes"),
        # 128 pixels: tiny-ImageNet's two hundred classes.
        "sngan-128": (Generator(size=128, width=64, max_width=512, spectral=True), "table 2, bottom"),
        "spn-128": (
            Generator(size=128, width=64, max_width=512, spectral=True, normalisation="spn"),
            "table 2, bottom: SPN in the last three blocks",
        ),
        "sngan-cbn-128": (
            Generator(size=128, width=64, max_width=512, spectral=True, normalisation="cbn", classes=200),
            "table 5: conditional SNGAN, two hundred classes",
        ),
        "biggan-128": (
            Generator(size=128, width=64, max_width=512, spectral=True, normalisation="ccbn", classes=200),
            "table 5: cBN with a noise bias, two hundred classes",
        ),
        "cspn-128": (
            Generator(size=128, width=64, max_width=512, spectral=True, normalisation="cspn", classes=200),
            "table 5: conditional SPN in the last three blocks, two hundred classes",
        ),
        "discriminator-128": (Discriminator(width=64, max_width=512, halvings=5, flat=1), "table 2, bottom"),
        "projection-128": (
            Discriminator(width=64, max_width=512, halvings=5, flat=1, classes=200),
            "table 2, bottom, with a projection of two hundred classes",
        ),
    }
)
"""Name → its spec, and where the paper has it."""
