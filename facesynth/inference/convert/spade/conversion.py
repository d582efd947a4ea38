"""NVlabs/SPADE's checkpoints (latest_net_G.pth, _E, _D) as parameters of our own modules (Park et al. 2019)."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from facesynth.inference import networks
from facesynth.inference.convert.parts import Made, Part, State, Told, UnfitError
from facesynth.inference.convert.spade.labels import class_channels, in_our_order
from facesynth.inference.convert.spade.names import in_discriminator, in_encoder, in_generator
from facesynth.inference.convert.spade.size import picture_size
from facesynth.inference.convert.spectral import folded
from facesynth.models.specs import DiscriminatorSpec, EncoderSpec, GeneratorSpec

_WIDEST = 512  # channels at the last block, before a wrong file makes us fill the memory
# What synchronised batch normalisation added up in training; running_mean and running_var were made of it.
_SUMS = ("._tmp_running_mean", "._tmp_running_var", "._running_iter")
# Biases whose effect the mean of instance normalisation takes out.
_IDLE = re.compile(r"layer\d+\.0\.bias|discriminator_\d+\.model\d+\.0\.0\.bias")


def from_spade(states: Mapping[str, State], told: Told) -> Made:
    """Return generator, encoder and discriminator, as many as there are, for label maps in CelebAMask-HQ's order.

    Raises UnfitError where one was built in a way that ours cannot be, or they do not belong together.
    """
    plain = {role: _folded(role, state) for role, state in states.items()}
    channels, notes = class_channels(plain["generator"], told)
    parts: dict[str, Part] = {}
    encoder = _encoder_spec(plain["encoder"], states["encoder"]) if "encoder" in plain else None
    generator, more = _generator_spec(plain["generator"], states["generator"], told, encoder)
    state = in_our_order(plain["generator"], ".mlp_shared.0.weight", told.schema, channels)
    parts["generator"] = _part(generator, state, in_generator)
    if encoder is None:
        more = (*more, "it has no encoder: it paints in the styles of seeds, in none of a photo's")
    else:
        if encoder.style_channels != generator.style_channels:
            theirs, ours = encoder.style_channels, generator.style_channels
            raise UnfitError(
                "encoder", f"its styles are {theirs} numbers, the generator's {ours}: they are of two trainings"
            )
        parts["encoder"] = _part(encoder, plain["encoder"], in_encoder)
    if "discriminator" in plain:
        judged = plain["discriminator"]
        discriminator = _discriminator_spec(judged, states["discriminator"], channels)
        state = in_our_order(judged, ".model0.0.weight", told.schema, channels)
        parts["discriminator"] = _part(discriminator, state, lambda ours: in_discriminator(ours, discriminator.layers))
    return Made(parts, (*notes, *more))


def _folded(role: str, state: State) -> dict[str, Tensor]:
    try:
        return folded(
            {key: value for key, value in state.items() if not key.endswith(_SUMS) and not _IDLE.fullmatch(key)}
        )
    except ValueError as error:
        raise UnfitError(role, str(error)) from error


def _generator_spec(
    state: State, raw: State, told: Told, encoder: EncoderSpec | None
) -> tuple[GeneratorSpec, tuple[str, ...]]:
    first, wide, shared = (
        state.get(key) for key in ("fc.weight", "head_0.conv_0.weight", "head_0.norm_0.mlp_shared.0.weight")
    )
    if first is not None and first.ndim == 4:
        what = "it was trained without --use_vae: it begins with its label map and takes no style, which here all take"
        raise UnfitError("generator", what)
    if first is None or wide is None or shared is None or first.ndim != 2 or not wide.ndim:
        raise UnfitError("generator", "it has no fc.weight, head_0.conv_0 or head_0.norm_0 to tell its size by")
    if "head_0.norm_0.param_free_norm.running_mean" not in state:
        what = "its SPADE layers keep no statistics (norm_G spadeinstance); here they need those of syncbatch or batch"
        raise UnfitError("generator", what)
    width, rest = divmod(len(wide), 16)
    start = math.isqrt(len(first) // max(1, len(wide)))
    if rest or not 1 <= width <= _WIDEST or not shared.ndim:
        raise UnfitError("generator", f"its first block is {len(wide)} wide, not 16 times the last, of 1 to {_WIDEST}")
    if not start or start**2 * len(wide) != len(first):
        raise UnfitError(
            "generator", f"its fc.weight makes {len(first)} numbers, which are no square map {len(wide)} deep"
        )
    size, notes = picture_size(start, told, encoder, ninth=any(key.startswith("up_4.") for key in state))
    spec = GeneratorSpec(
        size=size,
        start=start,
        style_channels=first.shape[1],
        width=width,
        max_width=max(GeneratorSpec().max_width, 16 * width),
        spade_hidden=len(shared),
        spectral=_normalised(raw),
    )
    return spec, notes


def _encoder_spec(state: State, raw: State) -> EncoderSpec:
    blocks = 0
    while f"layer{blocks + 1}.0.weight" in state:
        blocks += 1
    first, mean = state.get("layer1.0.weight"), state.get("fc_mu.weight")
    if first is None or mean is None or mean.ndim != 2 or not 1 <= len(first) <= _WIDEST:
        raise UnfitError("encoder", "it has no layer1 or fc_mu to tell its size by")
    flat, most = mean.shape[1], 8 * len(first)
    side = math.isqrt(flat // most)
    if side < 2 or side**2 * most != flat:
        raise UnfitError("encoder", f"its fc_mu takes {flat} numbers, which are no square map {most} deep")
    return EncoderSpec(
        size=side << blocks,
        style_channels=len(mean),
        width=len(first),
        max_width=most,
        blocks=blocks,
        spectral=_normalised(raw),
    )


def _discriminator_spec(state: State, raw: State, channels: int) -> DiscriminatorSpec:
    scales = layers = 0
    while f"discriminator_{scales}.model0.0.weight" in state:
        scales += 1
    while any(key.startswith(f"discriminator_0.model{layers + 1}.") for key in state):
        layers += 1
    first = state["discriminator_0.model0.0.weight"]
    if first.ndim != 4 or not 1 <= len(first) <= _WIDEST:
        raise UnfitError("discriminator", f"its first layer is no convolution of 1 to {_WIDEST} channels")
    if first.shape[1] != channels + 3:
        what = f"it judges {first.shape[1] - 3} label channels, the generator takes {channels}"
        raise UnfitError("discriminator", f"{what}: they are of two trainings")
    return DiscriminatorSpec(scales=scales, layers=layers, width=len(first), spectral=_normalised(raw))


def _normalised(raw: State) -> bool:
    return any(key.endswith((".weight_orig", ".parametrizations.weight.original")) for key in raw)


def _part(spec: networks.Spec, state: State, published: Callable[[str], tuple[str, ...]]) -> Part:
    """The tensors under our names; what is not known stays under its own, for others to find."""
    with torch.device("meta"):
        wanted = networks.build(dataclasses.replace(spec, spectral=False)).state_dict()  # type: ignore[arg-type]
    rest, tensors = dict(state), dict[str, Tensor]()
    for ours in wanted:
        found = [rest[theirs] for theirs in published(ours) if theirs in rest]
        if len(found) == len(published(ours)) and len({each.shape for each in found}) == 1:
            tensors[ours] = torch.cat(found) if len(found) > 1 else found[0]
            for theirs in published(ours):
                del rest[theirs]
    return Part(spec, tensors | rest, {ours: " and ".join(published(ours)) for ours in wanted})
