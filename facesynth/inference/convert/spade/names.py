"""What NVlabs/SPADE's state dictionaries call the parameters of our generator, encoder and discriminator."""

from __future__ import annotations

import re

BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3", "up_4")
"""The generator's blocks in the order in which they are run; `up_4` is there with "most" up-sampling alone."""


def in_generator(ours: str) -> tuple[str, ...]:
    """The published name; two for γ and β, which we compute by one convolution, γ's channels first."""
    name = re.sub(r"^blocks\.(\d+)\.", lambda found: f"{BLOCKS[int(found[1])]}.", ours)
    name = re.sub(r"^picture\.", "conv_img.", re.sub(r"^first\.", "fc.", name))
    name = name.replace(".normalise.", ".param_free_norm.").replace(".shared.", ".mlp_shared.0.")
    if ".gamma_beta." in name:
        return name.replace(".gamma_beta.", ".mlp_gamma."), name.replace(".gamma_beta.", ".mlp_beta.")
    return (name,)


def in_encoder(ours: str) -> tuple[str, ...]:
    """The published name: convolutions are counted from 1, and stand first in their layer."""
    name = re.sub(r"^convolutions\.(\d+)\.", lambda found: f"layer{int(found[1]) + 1}.0.", ours)
    return (re.sub(r"^log_variance\.", "fc_var.", re.sub(r"^mean\.", "fc_mu.", name)),)


def in_discriminator(ours: str, layers: int) -> tuple[str, ...]:
    """The published name, `layers` being the number of those before the score; the first and the score stand bare."""
    scale, which, name = re.fullmatch(r"scales\.(\d+)\.(layers\.\d+|score)\.(.+)", ours).groups()  # type: ignore[union-attr]
    index = layers if which == "score" else int(which.removeprefix("layers."))
    normalised = "0." if 0 < index < layers else ""
    return (f"discriminator_{scale}.model{index}.0.{normalised}{name}",)
