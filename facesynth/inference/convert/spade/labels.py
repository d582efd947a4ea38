"""The channels of label maps that NVlabs/SPADE's networks take, put into CelebAMask-HQ's order."""

from __future__ import annotations

import torch
from torch import Tensor

from facesynth.core.labels import NUM_LABELS, LabelSchema
from facesynth.inference.convert.parts import State, Told, UnfitError
from facesynth.inference.convert.spade.options import label_channels

_SHARED = "head_0.norm_0.mlp_shared.0.weight"
_EDGES = "edges between instances (it was trained without --no_instance), which no label map here tells"


def class_channels(generator: State, told: Told) -> tuple[int, tuple[str, ...]]:
    """The number of label channels that a generator takes, and a note where one of them is left out.

    After the classes NVlabs/SPADE puts a channel for pixels of no class (--contain_dontcare_label), and then one for
    edges between instances (unless --no_instance). No label map here has pixels of no class, so that the former is 0
    everywhere and can go; the latter cannot. Raises UnfitError for it, and for other numbers of classes.
    """
    shared = generator.get(_SHARED)
    if shared is None or shared.ndim != 4:
        raise UnfitError("generator", f"it lacks {_SHARED}")
    channels = shared.shape[1]
    dontcare = told.dontcare
    if not dontcare and (noted := label_channels(told.options)) is not None:
        classes, dontcare, edges = noted
        if classes + dontcare + edges != channels:
            what = f"opt.txt beside it tells of {classes + dontcare + edges} label channels, and it takes {channels}"
            raise UnfitError("generator", f"{what}: move that file away if it is not its own")
        if dontcare and classes == NUM_LABELS - 1:
            what = f"opt.txt beside it tells of {classes} classes and one channel for pixels of none"
            raise UnfitError("generator", f"{what}, a face's label map has {NUM_LABELS} classes")
        if edges:
            raise UnfitError("generator", f"its last label channel is of {_EDGES}")
    if channels == NUM_LABELS + dontcare:
        return channels, ("its label channel for pixels of no class is left out",) if dontcare else ()
    if channels == NUM_LABELS + 1:
        what = f"it takes {channels} label channels, one beyond the {NUM_LABELS} classes"
        raise UnfitError(
            "generator", f"{what}: with --contain_dontcare_label say --dontcare; it cannot be one of {_EDGES}"
        )
    if channels == NUM_LABELS + 2:
        raise UnfitError("generator", f"it takes {channels} label channels, so that the last is of {_EDGES}")
    expected = f"a face's label map has {NUM_LABELS}" + (" and the one that --dontcare tells of" if dontcare else "")
    raise UnfitError("generator", f"it takes {channels} label channels, {expected}")


def in_our_order(state: State, ending: str, schema: LabelSchema, channels: int) -> dict[str, Tensor]:
    """The state with the inputs of the weights of that ending reordered: its classes from `schema`'s order into ours.

    Channels between the classes and `channels` go; those beyond, a discriminator's picture, stay.
    """
    classes = torch.from_numpy(schema.from_standard).long()

    def ordered(weight: Tensor) -> Tensor:
        return torch.cat([weight[:, classes], weight[:, channels:]], dim=1)

    return {
        key: ordered(value) if key.endswith(ending) and value.ndim > 1 and value.shape[1] >= channels else value
        for key, value in state.items()
    }
