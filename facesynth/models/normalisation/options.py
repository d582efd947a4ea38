"""The names of the family's members, and what can be chosen about them; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

NormalisationName = Literal["batch", "instance", "layer", "cbn", "ccbn", "spade", "spn", "cspn"]
MaskName = Literal["channels", "one"]
ConvolutionName = Literal["depthwise", "standard"]
Padding = Literal["zeros", "replicate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalisationOptions:
    """What members of the family take beside their channels, each what it needs; by default as the SPN paper has it."""

    classes: int = 0  # of cbn, ccbn and cspn
    z_channels: int = 0  # length of z, of ccbn and of cspn with its noise bias
    noise_bias: bool = True  # of cspn (table 8)
    kernel: int = 3  # side of the kernels over the mask: 1, 3 or 5 (table 7)
    mask: MaskName = "channels"  # a mask a channel, or one for all of them (table 7)
    convolution: ConvolutionName = "depthwise"  # standard: γ and β of a channel see the masks of all (table 7)
    padding: Padding = "zeros"
    labels: int = 19  # of spade
    hidden: int = 128  # of spade: channels between the label map and γ, β

    def __post_init__(self) -> None:
        if self.kernel not in (1, 3, 5):
            raise ValueError(f"kernel {self.kernel} must be 1, 3 or 5")
        for kind, value in ((MaskName, self.mask), (ConvolutionName, self.convolution), (Padding, self.padding)):
            if value not in (known := get_args(kind)):
                raise ValueError(f"{value!r} must be one of {', '.join(known)}")
