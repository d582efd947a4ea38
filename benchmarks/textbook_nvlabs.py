"""The generator of a user's own checkout of NVlabs/SPADE, with the textbook generator's weights in it."""

from __future__ import annotations

import importlib
import sys
from argparse import Namespace
from pathlib import Path

import torch.nn.functional as F
from textbook_spade import TextbookGenerator
from torch import Tensor, nn

_BLOCKS = ("head_0", "G_middle_0", "G_middle_1", "up_0", "up_1", "up_2", "up_3", "up_4")
_PARTS = (("normalise", "param_free_norm"), ("shared", "mlp_shared"), ("gamma", "mlp_gamma"), ("beta", "mlp_beta"))


def nvlabs_generator(checkout: Path, textbook: TextbookGenerator) -> nn.Module:
    """`SPADEGenerator` in evaluation mode, called as the textbook's: label map, style, noise (which it has none of).

    Exits where the checkout cannot be imported, or the network is one that NVlabs' code cannot build.
    """
    shape = textbook.shape
    if shape.style_affine or shape.noise:
        raise SystemExit(
            "NVlabs/SPADE knows neither noise nor styles in its blocks: leave out --nvlabs, or --generator"
        )
    if shape.max_width != 16 * shape.width or shape.hidden != 128:
        raise SystemExit("NVlabs/SPADE has 16 times its last width at first, and 128 hidden channels")
    sys.path.insert(0, str(checkout))
    try:
        made = importlib.import_module("models.networks.generator")
    except ImportError as error:
        raise SystemExit(
            f"{checkout} cannot be imported ({error}): is it NVlabs/SPADE, with all that it needs?"
        ) from error
    doublings = (shape.size // shape.start).bit_length() - 1
    options = Namespace(
        ngf=shape.width,
        semantic_nc=shape.labels,
        label_nc=shape.labels,
        norm_G="spectralspadesyncbatch3x3",
        num_upsampling_layers={5: "normal", 6: "more", 7: "most"}[doublings],
        crop_size=shape.size,
        aspect_ratio=1.0,
        use_vae=True,
        z_dim=shape.style_channels,
    )
    network: nn.Module = made.SPADEGenerator(options).eval().requires_grad_(False)
    network.load_state_dict(_state(network, textbook))

    class Called(nn.Module):
        def forward(self, label_map: Tensor, style: Tensor, noise: object) -> Tensor:
            painted: Tensor = network(label_map, style)
            return painted

    return Called()


def _state(network: nn.Module, textbook: TextbookGenerator) -> dict[str, Tensor]:
    """The textbook's numbers by NVlabs' names; u and v of the spectral norms such that σ is 1."""
    state = dict(network.state_dict())
    for name, value in textbook.state_dict().items():
        theirs = name.replace("first.", "fc.").replace("picture.", "conv_img.")
        for number, block in enumerate(_BLOCKS):
            theirs = theirs.replace(f"blocks.{number}.", f"{block}.")
        for ours, part in _PARTS:
            theirs = theirs.replace(f".{ours}.", f".{part}.")
        if f"{theirs}_orig" not in state:
            state[theirs] = value
            continue
        matrix, u = value.flatten(1), state[f"{theirs}_u"]
        v = F.normalize(matrix.T @ u, dim=0)
        state |= {f"{theirs}_orig": value, f"{theirs}_v": v, f"{theirs}_u": u / u.dot(matrix @ v)}
    return state
