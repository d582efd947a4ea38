"""Networks from specs and weights files: building, loading, saving."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as serialise
from torch import Tensor, nn

from facesynth.core.errors import OutputError, WeightsDamaged, WeightsError
from facesynth.core.labels import FLIP_TABLE, STANDARD
from facesynth.core.refs import Digest, sha256_bytes
from facesynth.inference.likeness import Likeness
from facesynth.models.bisenet import Bisenet
from facesynth.models.discriminator import Discriminator
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.parser import ParserNet
from facesynth.models.resnet_gan.discriminator import ResnetDiscriminator
from facesynth.models.resnet_gan.generator import ResnetGenerator
from facesynth.models.resnet_gan.specs import ResnetDiscriminatorSpec, ResnetGeneratorSpec
from facesynth.models.segmentation_discriminator import SegmentationDiscriminator
from facesynth.models.specs import (
    BisenetSpec,
    DiscriminatorSpec,
    EncoderSpec,
    GeneratorSpec,
    ParserSpec,
    SegmentationDiscriminatorSpec,
)
from facesynth.weights.places import not_whole

# Spectrally, while they are trained.
_Normalised = (
    GeneratorSpec
    | EncoderSpec
    | DiscriminatorSpec
    | SegmentationDiscriminatorSpec
    | ResnetGeneratorSpec
    | ResnetDiscriminatorSpec
)
Spec = ParserSpec | BisenetSpec | _Normalised

# What a network is for, and its architecture as a file's specs name it: None for those that say nothing of it.
_NETWORKS: Mapping[tuple[str, str | None], tuple[type[Any], Callable[[Any], nn.Module]]] = MappingProxyType(
    {
        ("parser", None): (ParserSpec, partial(ParserNet, exchanged=FLIP_TABLE.tolist())),
        ("parser", "bisenet"): (BisenetSpec, Bisenet),
        ("generator", None): (GeneratorSpec, SpadeGenerator),
        ("encoder", None): (EncoderSpec, StyleEncoder),
        ("generator", "resnet"): (ResnetGeneratorSpec, ResnetGenerator),
        ("discriminator", None): (DiscriminatorSpec, Discriminator),
        ("discriminator", "resnet"): (ResnetDiscriminatorSpec, ResnetDiscriminator),
        ("segmentation_discriminator", None): (SegmentationDiscriminatorSpec, SegmentationDiscriminator),
    }
)
FORMAT = "facesynth-1"
_LIKENESS = "likeness"
"""What a parser's training faces are told by: a key of the metadata, and the beginning of its tensors' names."""


def build(spec: Spec) -> nn.Module:
    """Build the network that a spec describes, with random parameters from torch's current seed."""
    for kind, make in _NETWORKS.values():
        if isinstance(spec, kind):
            return make(spec)
    raise TypeError(f"{type(spec).__name__} is not the spec of a network")


def save(
    path: Path,
    networks: Mapping[str, tuple[Spec, nn.Module]],
    *,
    licence: str = "unstated",
    half: bool = True,
    about: Mapping[str, str] | None = None,
    likeness: Likeness | None = None,
) -> None:
    """Write networks into one safetensors file whose metadata holds their specs, the label schema and the licence.

    Spectral normalisation is folded into the weights. `half` stores floating-point tensors in float16, but for those
    with numbers that it does not reach. `likeness` tells of the faces that a parser among them was trained on. Raises
    OutputError where the file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    for name, (_, network) in networks.items():
        for key, value in folded_state(network).items():
            stored = value.detach().cpu().contiguous()
            tensors[f"{name}.{key}"] = _halved(stored) if half and stored.is_floating_point() else stored
    metadata = {
        "format": FORMAT,
        "specs": json.dumps({name: _told(spec) for name, (spec, _) in networks.items()}, sort_keys=True),
        "labels": STANDARD,
        "licence": licence,
        **(about or {}),
    }
    _write(path, *_with_likeness(tensors, metadata, likeness))


def copy_with_likeness(source: Path, target: Path, likeness: Likeness) -> None:
    """Write a weights file anew with what is told of its parser's training faces; all else stays as it is."""
    metadata, tensors = _read(source, None)
    _write(target, *_with_likeness(tensors, metadata, likeness))


def load_likeness(path: Path, *, sha256: Digest | None = None) -> Likeness | None:
    """Read what a weights file tells of its parser's training faces; None where it tells nothing. Raises as `load`."""
    return _likeness(*_read(path, sha256), path)


def _likeness(metadata: Mapping[str, str], tensors: Mapping[str, Tensor], path: Path) -> Likeness | None:
    if _LIKENESS not in metadata:
        return None
    try:
        mean, whitening = (tensors[f"{_LIKENESS}.{name}"].float().numpy() for name in ("mean", "whitening"))
        return Likeness(mean, whitening, json.loads(metadata[_LIKENESS])["faces"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsDamaged(f"what it tells of its training faces cannot be read ({error})", where=path) from error


def _halved(tensor: Tensor) -> Tensor:
    """In float16, or as it is where numbers beyond ±65,504 would become infinite."""
    halved = tensor.half()
    return halved if torch.equal(halved.isfinite(), tensor.isfinite()) else tensor


def _with_likeness(
    tensors: Mapping[str, Tensor], metadata: Mapping[str, str], likeness: Likeness | None
) -> tuple[dict[str, Tensor], dict[str, str]]:
    if likeness is None:
        return dict(tensors), dict(metadata)
    more = {
        f"{_LIKENESS}.mean": _halved(torch.from_numpy(likeness.mean)),
        f"{_LIKENESS}.whitening": _halved(torch.from_numpy(likeness.whitening)),
    }
    return {**tensors, **more}, {**metadata, _LIKENESS: json.dumps({"faces": likeness.faces})}


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    draft = path.with_name(f".{path.name}-{uuid.uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_bytes(_in_order(serialise(tensors, metadata=metadata)))
            os.replace(draft, path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "free some space, or name a file on another disk" if full else "name a file that can be written"
        raise OutputError(f"cannot be written ({error.strerror or error})", where=path, hint=hint) from error


def _in_order(data: bytes) -> bytes:
    """A safetensors file with its metadata sorted: the library writes them in a new order each time.

    A file's sha256 names its weights in cache keys and styles, so the same network has to give the same bytes.
    """
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors start at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def load(
    path: Path, wanted: tuple[str, ...], device: torch.device, *, sha256: Digest | None = None
) -> dict[str, tuple[Any, nn.Module]]:
    """Read the wanted networks of a weights file: name → (spec, module in eval mode, float32, on the device).

    Raises WeightsError when the file is of another kind or its bytes are not those of `sha256`, and WeightsDamaged when
    it does not hold what its specs say.
    """
    return _restored(*_read(path, sha256), path, wanted, device)


def load_with_likeness(
    path: Path, wanted: tuple[str, ...], device: torch.device, *, sha256: Digest | None = None
) -> tuple[dict[str, tuple[Any, nn.Module]], Likeness | None]:
    """What `load` and `load_likeness` read, from one reading of the file. Raises as they do."""
    metadata, tensors = _read(path, sha256)
    return _restored(metadata, tensors, path, wanted, device), _likeness(metadata, tensors, path)


def _restored(
    metadata: Mapping[str, str],
    tensors: Mapping[str, Tensor],
    path: Path,
    wanted: tuple[str, ...],
    device: torch.device,
) -> dict[str, tuple[Any, nn.Module]]:
    if metadata.get("format") != FORMAT:
        raise WeightsError("this is not a facesynth weights file", where=path, hint="run: facesynth weights list")
    if (labels := metadata.get("labels")) != STANDARD:
        what = f"its label schema is {labels!r}, not {STANDARD!r}"
        raise WeightsError(what, where=path, hint=f"name weights that were trained on {STANDARD}'s labels")
    try:
        specs = json.loads(metadata["specs"])
        if missing := [name for name in wanted if name not in specs]:
            raise WeightsError(
                f"holds {', '.join(specs)}, but no {missing[0]}", where=path, hint="run: facesynth weights list"
            )
        return {name: _restore(name, specs[name], tensors, device, path) for name in wanted}
    except KeyError as error:
        raise WeightsDamaged(f"its metadata holds no {error}", where=path) from error
    except (RuntimeError, TypeError, ValueError) as error:
        raise WeightsDamaged(f"the weights do not fit their description ({error})", where=path) from error


def _read(path: Path, sha256: Digest | None) -> tuple[Mapping[str, str], dict[str, Tensor]]:
    """The metadata and the tensors, of the very bytes that are compared with `sha256`."""
    try:
        data = path.read_bytes()
        if sha256 is not None and sha256_bytes(data) != sha256:
            # Or what these weights make would be cached under the sha256 of others, for ever.
            raise WeightsError("the file changed while it was being read", where=path, hint="run again")
        tensors = load_tensors(data)
    except (SafetensorError, OSError) as error:
        raise not_whole(path, error) from error
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return header.get("__metadata__") or {}, tensors


def _told(spec: Spec) -> dict[str, Any]:
    """A spec as metadata hold it."""
    [architecture] = [architecture for (_, architecture), (kind, _) in _NETWORKS.items() if type(spec) is kind]
    return dataclasses.asdict(spec) | ({} if architecture is None else {"architecture": architecture})


def _restore(
    name: str, told: Mapping[str, Any], tensors: Mapping[str, Tensor], device: torch.device, path: Path
) -> tuple[Spec, nn.Module]:
    fields = dict(told)
    architecture = fields.pop("architecture", None)
    if (name, architecture) not in _NETWORKS:
        what = f"its {name} is of the architecture {architecture!r}, which this facesynth does not know"
        raise WeightsError(what, where=path, hint="it was made by a newer facesynth: install that one")
    kind, _ = _NETWORKS[name, architecture]
    if unknown := sorted(fields.keys() - {field.name for field in dataclasses.fields(kind)}):
        what = f"its {name} is described by {', '.join(unknown)}, which this facesynth does not know"
        raise WeightsError(what, where=path, hint="it was made by a newer facesynth: install that one")
    spec: Spec = kind(**fields)
    # The file holds folded weights: the network to run has no spectral normalisation.
    plain = dataclasses.replace(spec, spectral=False) if isinstance(spec, _Normalised) else spec
    network = build(plain)
    own = {key[len(name) + 1 :]: value for key, value in tensors.items() if key.startswith(f"{name}.")}
    network.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in own.items()})
    return spec, network.eval().requires_grad_(False).to(device)


def folded_state(network: nn.Module) -> dict[str, Tensor]:
    """Return the state with spectral normalisation multiplied out, under the names of the plain network."""
    state: dict[str, Tensor] = {}
    for key, value in network.state_dict().items():
        if ".parametrizations." not in key and not key.startswith("parametrizations."):
            state[key] = value
    for prefix, module in network.named_modules():
        if nn.utils.parametrize.is_parametrized(module, "weight"):
            training = module.training
            module.eval()  # in training mode a read would advance the power iteration
            with torch.no_grad():
                state[f"{prefix}.weight" if prefix else "weight"] = module.weight.detach().clone()
            module.train(training)
    return state
