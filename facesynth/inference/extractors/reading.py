"""Published PyTorch files as tensors, never run as programs, and never other bytes than those that results go by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from facesynth import weights
from facesynth.core.errors import WeightsDamaged, WeightsError
from facesynth.core.images import Photo
from facesynth.core.refs import Digest, sha256_bytes
from facesynth.inference.convert.reading import decode_state, read_bytes


def published_state(name: str | Path, sha256: Digest | None = None) -> tuple[Path, dict[str, Tensor]]:
    """The file of a weights name or path, and its tensors by name.

    Raises WeightsMissing, WeightsDamaged, and WeightsError where its bytes are not those of `sha256`.
    """
    path = weights.locate(name)
    data = read_bytes(path)
    if sha256 is not None and sha256_bytes(data) != sha256:
        raise WeightsError("the file changed while it was being read", where=path, hint="run again")
    return path, decode_state(data, path)


def fill(network: nn.Module, state: dict[str, Tensor], where: Path) -> None:
    """Load tensors into a network that has exactly their names and shapes. Raises WeightsDamaged."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        what = f"these are not the weights of {type(network).__name__} ({str(error).splitlines()[-1].strip()})"
        raise WeightsDamaged(what, where=where, hint="see: facesynth weights list") from error


def batches(pictures: Sequence[Photo], size: int) -> Iterator[tuple[list[int], Tensor]]:
    """Yield positions with their pictures, M×3×H×W uint8, M at most `size`, all of one size."""
    by_shape: dict[tuple[int, int], list[int]] = {}
    for index, picture in enumerate(pictures):
        by_shape.setdefault(picture.size, []).append(index)
    for rows in by_shape.values():
        for start in range(0, len(rows), size):
            group = rows[start : start + size]
            pixels = np.stack([pictures[index].pixels for index in group])
            yield group, torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def padded(tensor: Tensor, size: int) -> Tensor:
    """A batch brought to `size` rows with zeros, so that its make-up changes nothing."""
    return torch.cat((tensor, tensor.new_zeros(size - len(tensor), *tensor.shape[1:])))
