"""Checkpoints of other projects made into our weights files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from facesynth import __version__
from facesynth.core.errors import OutputError, UsageError, WeightsError
from facesynth.core.labels import schema_named
from facesynth.core.refs import Digest
from facesynth.inference import networks
from facesynth.inference.convert.filling import filled
from facesynth.inference.convert.kinds import KINDS
from facesynth.inference.convert.parts import Told, UnfitError
from facesynth.inference.convert.sources import Source, read_sources
from facesynth.inference.convert.spade.options import read_options


@dataclass(frozen=True, slots=True)
class Converted:
    """What became of one file of a checkpoint: its path, its sha256, and how many parameters of it are kept."""

    path: Path
    sha256: Digest
    parameters: int


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a checkpoint: its kind, the order its classes were in, its networks by role, what to know of it.

    `options` is the file of its training's options where one was read.
    """

    kind: str
    schema: str
    networks: Mapping[str, Converted]
    notes: tuple[str, ...]
    options: Path | None

    @property
    def sha256(self) -> Digest:
        """That of the file that was named, or that leads those that were."""
        return next(iter(self.networks.values())).sha256

    @property
    def parameters(self) -> int:
        """How many are kept of all its files."""
        return sum(each.parameters for each in self.networks.values())


def convert(
    source: Path | Sequence[Path],
    target: Path,
    *,
    schema: str | None = None,
    size: int | None = None,
    dontcare: bool = False,
    licence: str = "unstated",
    replace: bool = False,
) -> Conversion:
    """Make a facesynth weights file of another project's checkpoint, whose kind its tensors' names tell.

    `source` is one file or those of one checkpoint; of NVlabs/SPADE a single latest_net_G.pth brings along what lies
    beside it by name. `schema` is the order of the checkpoint's classes (default: its kind's); those of the file are
    CelebAMask-HQ's. `size` (the pictures' side in pixels) and `dontcare` (its last label channel is of no class) tell
    what tensors of SPADE leave open. `replace` allows a target that is there already, though never a source. Nothing
    that the checkpoint holds is run. Raises WeightsError where it cannot be converted, OutputError and UsageError where
    the target, the schema or the choice of files cannot be.
    """
    paths = [source] if isinstance(source, Path) else list(source)
    if not paths:
        raise UsageError("no checkpoint is named")
    _check_target(target)
    _spare(paths, target, replace=replace)
    name, sources = read_sources(paths)
    _spare([each.path for each in sources.values()], target, replace=replace)
    kind = KINDS[name]
    if kind.options is None and (size is not None or dontcare):
        raise UsageError(f"--size and --dontcare tell nothing of {name}", hint="leave them out")
    lead = next(iter(sources.values())).path
    noted = None if kind.options is None else lead.with_name(kind.options)
    options = {} if noted is None else read_options(noted)
    told = Told(schema_named(schema or kind.schema), size, dontcare, options)
    states = {role: each.state for role, each in sources.items()}
    made = {}
    role = next(iter(sources))
    try:
        result = kind.convert(states, told)
        for role, part in result.parts.items():
            made[role] = (part.spec, filled(part))
    except ValueError as error:
        where = sources[error.role if isinstance(error, UnfitError) else role].path
        raise WeightsError(f"is no {name} checkpoint that can be used: {error}", where=where) from error
    about = {"converted_from": name, "source_labels": told.schema.name, "facesynth": __version__}
    networks.save(target, made, licence=licence, half=False, about=about | _digests(sources))
    converted = {
        role: Converted(sources[role].path, sources[role].sha256, _parameters(network))
        for role, (_, network) in made.items()
    }
    return Conversion(name, told.schema.name, converted, result.notes, noted if options else None)


def _parameters(network: nn.Module) -> int:
    return sum(each.numel() for each in network.parameters())


def _digests(sources: Mapping[str, Source]) -> dict[str, str]:
    """The leading file's sha256 as `source_sha256`, those of the others with their role behind it."""
    lead, *others = sources
    return {"source_sha256": sources[lead].sha256} | {f"source_sha256_{role}": sources[role].sha256 for role in others}


def _check_target(target: Path) -> None:
    if target.suffix != ".safetensors":
        raise UsageError("a weights file's name ends in .safetensors", where=target, hint="name it so with -o")
    if target.is_dir():
        raise OutputError("is a folder", where=target, hint="name a file in it with -o")


def _spare(sources: Sequence[Path], target: Path, *, replace: bool) -> None:
    """Raise OutputError where the target is one of the files that are read, or is there and must not be replaced."""
    if not target.exists():
        return
    if any(source.exists() and os.path.samefile(source, target) for source in sources):
        raise OutputError("is the input, which is never overwritten", where=target, hint="choose another -o")
    if not replace:
        raise OutputError("is there already", where=target, hint="choose another -o, or replace it with --force")
