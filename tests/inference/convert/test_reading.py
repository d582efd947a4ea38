"""PyTorch files: whatever is in them, nothing of it is run, and what is wrong is said."""

from __future__ import annotations

import io
import os
import pickle
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save as safetensors

from facesynth.core.errors import FacesynthError, WeightsDamaged, WeightsError, WeightsMissing
from facesynth.inference.convert import read_state

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2, dtype=torch.float16)}


def saved(found: object, *, zipped: bool = True) -> bytes:
    stream = io.BytesIO()
    torch.save(found, stream, _use_new_zipfile_serialization=zipped)
    return stream.getvalue()


def test_what_was_saved_on_a_gpu_years_ago_is_read_without_one(tmp_path: Path) -> None:
    here, there = b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0"
    data = saved(torch.nn.BatchNorm2d(3).state_dict(), zipped=False)
    assert here in data
    (tmp_path / "w.pth").write_bytes(data.replace(here, there))
    state = read_state(tmp_path / "w.pth")
    assert list(state) == ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    assert torch.equal(state["weight"], torch.ones(3)) and state["weight"].device.type == "cpu"


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_tensors_come_back_from_both_formats_and_from_inside(zipped: bool, wrapper: str | None, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(saved(STATE if wrapper is None else {wrapper: STATE, "epoch": 3}, zipped=zipped))
    state = read_state(path)
    assert list(state) == list(STATE)
    assert all(torch.equal(state[key], STATE[key]) and state[key].dtype == STATE[key].dtype for key in STATE)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_pickle_that_runs_code_is_refused_unrun(zipped: bool, tmp_path: Path) -> None:
    trace, path = tmp_path / "trace", tmp_path / "w.pth"
    path.write_bytes(saved({**STATE, "bomb": Bomb(trace)}, zipped=zipped))
    with pytest.raises(WeightsDamaged, match="so it is not read") as caught:
        read_state(path)
    assert "weights_only" not in str(caught.value), "torch's own advice is to run it"
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists(), "the bomb was none"


def test_a_whole_pickled_network_names_what_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "w.pth").write_bytes(saved(torch.nn.Linear(2, 2)))
    with pytest.raises(WeightsDamaged, match=r"holds torch\.nn\.modules\.linear\.Linear.*save its state_dict"):
        read_state(tmp_path / "w.pth")


def archived(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("79999_iter.pth", data)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a PyTorch weights file"),
        (b"<!DOCTYPE html><html>Quota exceeded</html>", "not a PyTorch weights file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "not a PyTorch weights file"),
        (saved(STATE)[:-40], "not a PyTorch weights file, or a damaged one"),
        (saved(STATE, zipped=False)[:-4], "not a PyTorch weights file, or a damaged one"),
        (saved(STATE).replace(np.float32(4).tobytes(), np.float32(5).tobytes()), "is damaged in .*/data/0"),
        (pickle.dumps({"a": [1.0, 2.0]}), "not a PyTorch weights file"),
        (archived(saved(STATE)), "compressed archive.*unpack it"),
        (safetensors(STATE), "safetensors file.*needs no conversion"),
        (saved({"a": 3}), "more than tensors by name"),
        (saved({3: torch.ones(1)}), "more than tensors by name"),
        (saved([torch.ones(1)]), "more than tensors by name"),
        (saved({"a": torch.ones(1).expand(1 << 40)}), "more than tensors by name"),
        (saved({"a": torch.ones(2).to_sparse()}), "more than tensors by name"),
        (saved({"a": torch.ones(2, device="meta")}), "more than tensors by name"),
    ],
)
def test_other_content_is_told(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(data)
    with pytest.raises(WeightsDamaged, match=said) as caught:
        read_state(path)
    assert caught.value.where == str(path)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="no such file"):
        read_state(tmp_path / "nothing.pth")
    with pytest.raises(WeightsError, match="is a folder"):
        read_state(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(WeightsError, match="no ordinary file"):
            read_state(tmp_path / "pipe")


def test_no_damage_ends_in_another_error(tmp_path: Path) -> None:
    chance, path = random.Random(0), tmp_path / "w.pth"
    outcomes: set[type] = set()
    for data in (saved(STATE), saved(STATE, zipped=False)):
        for _ in range(150):
            damaged = bytearray(data[: chance.randrange(len(data))] if chance.random() < 0.3 else data)
            for _ in range(min(3, len(damaged))):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            path.write_bytes(damaged)
            try:
                outcomes.add(type(read_state(path)))
            except FacesynthError as error:
                outcomes.add(type(error))
    assert outcomes == {dict, WeightsDamaged}
