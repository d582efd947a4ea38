"""The family's members by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from facesynth.models.normalisation.channelwise import ChannelAffine, ConditionalAffine
from facesynth.models.normalisation.conditional_self_pixelwise import ConditionalSelfPixelwise
from facesynth.models.normalisation.modulation import Modulation
from facesynth.models.normalisation.options import NormalisationName, NormalisationOptions
from facesynth.models.normalisation.self_pixelwise import SelfPixelwise
from facesynth.models.normalisation.statistics import BatchStatistics, InstanceStatistics, LayerStatistics
from facesynth.models.spade import Spade

NORMALISATIONS: Mapping[NormalisationName, Callable[[int, NormalisationOptions], Modulation]] = MappingProxyType(
    {
        "batch": lambda channels, _: ChannelAffine(BatchStatistics(channels), channels),
        "instance": lambda channels, _: ChannelAffine(InstanceStatistics(channels), channels),
        "layer": lambda channels, _: ChannelAffine(LayerStatistics(channels), channels),
        "cbn": lambda channels, options: ConditionalAffine(channels, options.classes, None),
        "ccbn": lambda channels, options: ConditionalAffine(channels, options.classes, options.z_channels),
        "spade": lambda channels, options: Spade(channels, options.labels, options.hidden, None),
        "spn": SelfPixelwise,
        "cspn": ConditionalSelfPixelwise,
    }
)
"""Name → what makes that member for a number of channels."""
