"""The kinds of checkpoints that can be converted, and what tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from facesynth.core.labels import STANDARD
from facesynth.inference.convert.bisenet import from_bisenet
from facesynth.inference.convert.parts import Converter
from facesynth.inference.convert.spade import from_spade


@dataclass(frozen=True, slots=True)
class Role:
    """A network of a checkpoint: the name of a tensor that nothing else has, and the letter that its file ends in.

    Without a letter there is one file alone.
    """

    signature: str
    letter: str | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of checkpoint: its networks, the first of which brings the others along, and the order of its classes.

    `options` is the name of the file in which its training notes its options.
    """

    about: str
    roles: Mapping[str, Role]
    schema: str
    convert: Converter
    options: str | None = None


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "bisenet": Kind(
            about="the face parser of zllrunning/face-parsing.PyTorch, 79999_iter.pth",
            roles=MappingProxyType({"parser": Role("cp.arm16.conv_atten.weight")}),
            schema="zllrunning",
            convert=from_bisenet,
        ),
        "spade": Kind(
            about="the face painter of NVlabs/SPADE, latest_net_G.pth with latest_net_E.pth and latest_net_D.pth",
            roles=MappingProxyType(
                {
                    "generator": Role("head_0.norm_0.mlp_gamma.weight", "G"),
                    "encoder": Role("fc_var.weight", "E"),
                    "discriminator": Role("discriminator_0.model0.0.weight", "D"),
                }
            ),
            schema=STANDARD,
            convert=from_spade,
            options="opt.txt",
        ),
    }
)
"""What can be converted, by the kind's name."""
