"""Checkpoints of other projects made into our weights files: which kinds there are, and what tells them apart."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor, nn

from facesynth import __version__
from facesynth.core.errors import OutputError, UsageError, WeightsError
from facesynth.core.labels import LabelSchema, schema_named
from facesynth.core.refs import Digest, sha256_bytes
from facesynth.inference import networks
from facesynth.inference.convert.bisenet import from_bisenet
from facesynth.inference.convert.reading import decode_state, read_bytes

Parts = Mapping[str, tuple[networks.Spec, Mapping[str, Tensor]]]
"""Role → spec, and parameters under the names that our module has for them."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of checkpoint.

    `signature` is the name of a tensor that no other kind has, and `schema` the order of its classes. `convert` makes
    parts of its tensors and a schema; what is wrong with their number or shape may stay for others to find.
    """

    about: str
    signature: str
    schema: str
    convert: Callable[[Mapping[str, Tensor], LabelSchema], Parts]


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "bisenet": Kind(
            about="the face parser of zllrunning/face-parsing.PyTorch, 79999_iter.pth",
            signature="cp.arm16.conv_atten.weight",
            schema="zllrunning",
            convert=from_bisenet,
        ),
    }
)
"""What can be converted, by the kind's name."""

_COUNTER = ".num_batches_tracked"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a checkpoint: its kind, its sha256, the schema its classes were in, and the parameters kept."""

    kind: str
    sha256: Digest
    schema: str
    parameters: int


def convert(
    source: Path, target: Path, *, schema: str | None = None, licence: str = "unstated", replace: bool = False
) -> Conversion:
    """Make a facesynth weights file of another project's checkpoint, whose kind its tensors' names tell.

    `schema` is the order of the checkpoint's classes (default: its kind's); those of the file are CelebAMask-HQ's.
    `replace` allows a target that is there already, though never the source. Nothing that the checkpoint holds is run.
    Raises WeightsError where it cannot be converted, OutputError and UsageError where the target or schema cannot be.
    """
    _check_target(source, target, replace=replace)
    data = read_bytes(source)
    state = decode_state(data, source)
    name, prefix = _recognised(state, source)
    order = schema_named(schema or KINDS[name].schema)
    try:
        parts = KINDS[name].convert({key.removeprefix(prefix): value for key, value in state.items()}, order)
        made = {role: (spec, _filled(spec, tensors)) for role, (spec, tensors) in parts.items()}
    except ValueError as error:
        raise WeightsError(f"is no {name} checkpoint that can be used: {error}", where=source) from error
    digest = sha256_bytes(data)
    about = {"converted_from": name, "source_sha256": digest, "source_labels": order.name, "facesynth": __version__}
    networks.save(target, made, licence=licence, half=False, about=about)
    parameters = sum(each.numel() for _, network in made.values() for each in network.parameters())
    return Conversion(name, digest, order.name, parameters)


def _check_target(source: Path, target: Path, *, replace: bool) -> None:
    if target.suffix != ".safetensors":
        raise UsageError("a weights file's name ends in .safetensors", where=target, hint="name it so with -o")
    if target.is_dir():
        raise OutputError("is a folder", where=target, hint="name a file in it with -o")
    if target.exists():
        if source.exists() and os.path.samefile(source, target):
            raise OutputError("is the input, which is never overwritten", where=target, hint="choose another -o")
        if not replace:
            raise OutputError("is there already", where=target, hint="choose another -o, or replace it with --force")


def _recognised(state: Mapping[str, Tensor], where: Path) -> tuple[str, str]:
    """The kind of a checkpoint, and what comes before its tensors' names (`module.` after DataParallel)."""
    for name, kind in KINDS.items():
        for key in state:
            if key == kind.signature or key.endswith(f".{kind.signature}"):
                return name, key.removesuffix(kind.signature)
    known = "; ".join(f"{name}, {kind.about}" for name, kind in KINDS.items())
    what = f"its {len(state)} tensors ({_listed(state)}) are of no kind that can be converted"
    raise WeightsError(what, where=where, hint=f"the known kinds: {known}")


def _filled(spec: networks.Spec, tensors: Mapping[str, Tensor]) -> nn.Module:
    """A network with these parameters; ValueError names those that it lacks, does not know or cannot take."""
    with torch.device("meta"):
        wanted = {key: value.shape for key, value in networks.build(spec).state_dict().items()}
    # Counters of training, that old files lack and nothing here reads.
    state = dict(tensors) | {key: torch.tensor(0) for key in wanted if key.endswith(_COUNTER)}
    faults = {
        "lacks": [key for key in wanted if key not in state],
        "has, beyond what is known,": [key for key in state if key not in wanted],
        "has another shape of": [
            f"{key} ({_sides(value.shape)}, not {_sides(wanted[key])})"
            for key, value in state.items()
            if key in wanted and value.shape != wanted[key]
        ],
        "has no finite numbers in": [key for key, value in state.items() if not _finite(key, value)],
    }
    if told := [f"it {fault} {_listed(keys)}" for fault, keys in faults.items() if keys]:
        raise ValueError(", ".join(told))
    network = networks.build(spec)
    network.load_state_dict(state)
    return network.eval()


def _finite(key: str, value: Tensor) -> bool:
    return key.endswith(_COUNTER) or (value.is_floating_point() and bool(value.isfinite().all()))


def _sides(shape: Iterable[int]) -> str:
    return "×".join(str(side) for side in shape) or "a single number"


def _listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more
