"""Where weights files lie on this disk, and whether they are whole."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from facesynth.core.errors import WeightsDamaged, WeightsMissing
from facesynth.core.refs import Digest, sha256_file, short
from facesynth.weights import entries
from facesynth.weights.entries import WeightsFile, data_folder, entry_of


def user_folder() -> Path:
    """`facesynth` in the user's cache folder, wherever this system has that: what it holds can be made or got again."""
    if sys.platform == "darwin":
        caches = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        caches = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "facesynth"


def fetched_folder() -> Path:
    """Where fetched weights are kept: FACESYNTH_WEIGHTS, or `weights` in the user's own folder."""
    chosen = os.environ.get("FACESYNTH_WEIGHTS")
    return Path(chosen).expanduser() if chosen else user_folder() / "weights"


def candidates(entry: WeightsFile, search: Sequence[Path] = ()) -> Iterator[Path]:
    """The files, verified or not, that may be an entry's: in `search`, then bundled, packaged, fetched, torch.hub's."""
    places = [folder / entry.file for folder in search]
    if entry.source == "bundled":
        places.append(data_folder("weights") / entry.file)
    if entry.package and entry.path and (spec := importlib.util.find_spec(entry.package)):
        places += [Path(folder) / entry.path for folder in spec.submodule_search_locations or ()]
    if entry.url:
        places += [fetched_folder() / entry.file, _torch_hub() / entry.file]
    return (place for place in places if os.path.isfile(place))  # Path's raises where a folder may not be entered


def _torch_hub() -> Path:
    """torch.hub's own folder of checkpoints, as torch finds it: those who used torchvision have files there already."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = Path(os.environ.get("TORCH_HOME") or Path(caches) / "torch").expanduser()
    return home / "hub" / "checkpoints"


def check(path: Path, entry: WeightsFile) -> Digest:
    """Verify a file against its entry and return its sha256; WeightsDamaged says what differs.

    The file is read once in a process, and again when its size or its time of change differs.
    """
    try:
        stat = path.stat()
        if stat.st_size != entry.size:
            fault = f"has {stat.st_size} bytes, {entry.name} has {entry.size}"
            raise WeightsDamaged(fault, where=path, hint=f"delete it, then {entry.how_to_get}")
        digest = _digest(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise WeightsDamaged(f"cannot be read ({error.strerror or error})", where=path) from error
    if digest != entry.sha256:
        fault = f"its sha256 begins with {short(digest)}, that of {entry.name} with {short(entry.sha256)}"
        raise WeightsDamaged(fault, where=path, hint=f"delete it, then {entry.how_to_get}")
    return digest


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _changed: int) -> Digest:
    return sha256_file(path)


def find(entry: WeightsFile, search: Sequence[Path] = ()) -> Path:
    """The first whole file of an entry on this disk. WeightsDamaged where all are damaged, WeightsMissing for none."""
    damaged: WeightsDamaged | None = None
    for path in candidates(entry, search):
        try:
            check(path, entry)
        except WeightsDamaged as error:
            damaged = damaged or error
        else:
            return path
    raise damaged or WeightsMissing(f"the weights {entry.name} are not on this disk", hint=entry.how_to_get)


def locate(name_or_path: str | os.PathLike[str], *, search: Sequence[Path] = ()) -> Path:
    """The file that a weights name means, verified, or the file of that path as it is; `search` folders come first.

    Raises WeightsMissing, which names the command that brings it, or WeightsDamaged. Never fetches.
    """
    if (name := os.fspath(name_or_path)) in (known := entries.manifest()):
        return find(known[name], search)
    if os.path.isfile(path := Path(name_or_path)):
        return path
    if os.path.isdir(path):
        raise WeightsMissing("is a folder", where=path, hint="name the weights file inside it")
    return find(entry_of(name), search)


def sha256_of(name_or_path: str | os.PathLike[str]) -> Digest:
    """The sha256 that stands for weights in cache keys; that of a name is the manifest's, and needs no file."""
    if (entry := entries.manifest().get(os.fspath(name_or_path))) is not None:
        return entry.sha256
    path = locate(name_or_path)
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)


def read_header(path: Path) -> dict[str, str]:
    """The metadata in a safetensors file's header. WeightsDamaged where it is cut short or is another kind of file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as tensors:
            return dict(tensors.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise not_whole(path, error) from error


_CHECKPOINTS = (".pth", ".pt", ".ckpt", ".bin")
_PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How a zip archive begins, and pickles of every protocol that PyTorch has written."""


def not_whole(path: Path, error: Exception) -> WeightsDamaged:
    """What to raise where a file was read as safetensors and is none: most often it is a PyTorch checkpoint."""
    if not isinstance(error, OSError) and (path.suffix.lower() in _CHECKPOINTS or _is_pickled(path)):
        hint = f"run: facesynth weights convert {path} -o NEW.safetensors"
        return WeightsDamaged("is a PyTorch checkpoint, not a safetensors file", where=path, hint=hint)
    hint = "get the file again, or see: facesynth weights list"
    return WeightsDamaged(f"is not a whole safetensors file ({error})", where=path, hint=hint)


def _is_pickled(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            begins = file.read(8)
    except OSError:
        return False
    return begins.startswith(_PICKLED) and any(begins[4:])  # the length of a safetensors header ends in four zeros
