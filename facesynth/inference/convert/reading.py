"""PyTorch files read without running what they hold: besides checkpoints the one place of `torch.load`."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facesynth.core.errors import WeightsDamaged, WeightsError, WeightsMissing

# Where training scripts put the state dictionary, in files that hold more than that.
_WRAPPERS = ("state_dict", "model_state_dict", "model")


def read_state(path: Path) -> dict[str, Tensor]:
    """Read a PyTorch state dictionary (tensors by name).

    WeightsDamaged when the file holds anything else, WeightsMissing or WeightsError when it cannot be read.
    """
    return decode_state(read_bytes(path), path)


def read_bytes(path: Path) -> bytes:
    """Read a whole file. Raises as `read_state` does."""
    if not path.exists():
        raise WeightsMissing("there is no such file", where=path, hint="check its name")
    if not path.is_file():  # opening a pipe would wait for ever
        raise WeightsError("is a folder, or no ordinary file", where=path, hint="name the file of the weights")
    try:
        return path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot be read ({error.strerror or error})", where=path) from error


def decode_state(data: bytes, where: Path) -> dict[str, Tensor]:
    """The tensors by name in a PyTorch file's bytes; WeightsDamaged when they hold anything else."""
    try:
        _refuse_unfit_files(data, where)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of how old the file is
            found = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except WeightsDamaged:
        raise
    except Exception as error:  # a damaged pickle makes torch.load raise whatever it likes
        if forbidden := re.search(r"GLOBAL ([\w.]+)", str(error)):
            what = f"holds {forbidden[1]}, so it is not read: that would run code of the file's choosing"
            hint = "where you trust the file, save its state_dict() alone with its own project's code"
            raise WeightsDamaged(what, where=where, hint=hint) from error
        what = f"not a PyTorch weights file, or a damaged one ({type(error).__name__})"
        raise WeightsDamaged(what, where=where, hint="get it again") from error
    if isinstance(found, dict):
        found = next((found[key] for key in _WRAPPERS if isinstance(found.get(key), dict)), found)
    if not isinstance(found, dict) or not all(isinstance(key, str) and _plain(found[key]) for key in found):
        raise WeightsDamaged("this file holds more than tensors by name", where=where)
    return dict(found)


def _refuse_unfit_files(data: bytes, where: Path) -> None:
    if data[8:9] == b"{" and 8 + int.from_bytes(data[:8], "little") <= len(data):
        hint = "if facesynth made it, it needs no conversion"
        raise WeightsDamaged("is a safetensors file, not one of PyTorch", where=where, hint=hint)
    if zipfile.is_zipfile(stream := io.BytesIO(data)):
        with zipfile.ZipFile(stream) as archive:
            # PyTorch stores without compression; what is compressed may swell until the memory is full.
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                hint = "if the file is inside, unpack it first"
                raise WeightsDamaged("is a compressed archive, not a PyTorch file", where=where, hint=hint)
            if (name := archive.testzip()) is not None:  # torch.load itself compares no checksums
                raise WeightsDamaged(f"is damaged in {name}", where=where, hint="get it again")


def _plain(value: Any) -> bool:
    """Whether this is a tensor with a number of its own in memory for each of its elements."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_meta or value.is_quantized:
        return False
    return value.untyped_storage().nbytes() >= value.numel() * value.element_size()
