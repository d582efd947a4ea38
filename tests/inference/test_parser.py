"""The parser on faces of any number and size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from facesynth.core.errors import DeviceError, UsageError
from facesynth.inference.foreign.declaration import Intake
from facesynth.inference.parser import Parser
from facesynth.pipeline.failures import OF_THE_RUN
from tests.inference.exported_parsers import TinyNet, drawn_face, export, own_parser

FACES = [drawn_face(seed, side) for seed, side in enumerate((96, 64, 130))]


def test_faces_are_told_the_same_alone_and_in_batches() -> None:
    parser = Parser(TinyNet().eval(), Intake(height=64, width=64), device=torch.device("cpu"), dtype=torch.float32)
    alone = [parser([face])[0] for face in FACES]
    for batch_size in (1, 2, 3, 8):
        for face, found, wanted in zip(FACES, parser(FACES, batch_size=batch_size), alone, strict=True):
            assert (found.width, found.height) == face.size
            assert np.mean(found.ids == wanted.ids) >= 0.999
    assert parser([]) == []


@pytest.mark.parametrize("own", [True, False])
def test_the_batch_size_that_it_is_loaded_with_is_kept(own: bool, tmp_path: Path) -> None:
    if own:
        parser = Parser.load(own_parser(tmp_path / "p.safetensors"), engine="eager", device="cpu", batch_size=2)
    else:
        path = export(tmp_path / "p.onnx", TinyNet(), (1, 3, 64, 64), dynamic=(0,))
        parser = Parser.load(path, schema="facer", batch_size=2)
    network, seen = parser.network, []

    def watched(x: Tensor) -> Tensor:
        seen.append(len(x))
        return network(x)

    parser.network = watched
    parser(FACES)
    parser.probabilities(FACES)
    assert seen == [2, 2, 2, 2]
    parser(FACES, batch_size=3)
    assert seen[4:] == [3]


@pytest.mark.parametrize("engine", ["eager", "onnx", "openvino"])
def test_many_at_once_are_told_bit_for_bit_as_one_by_one(engine: str, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        parser = Parser.load(own_parser(tmp_path / "p.safetensors"), engine=engine, device="cpu")
        assert parser.lanes.cores.lanes == 3
        faces = [drawn_face(seed, 96) for seed in range(12)]
        together, alone = parser(faces), [parser([face])[0] for face in faces]
        for found, wanted in zip(together, alone, strict=True):
            assert np.array_equal(found.ids, wanted.ids) and found.confidence == wanted.confidence
        for many, one in zip(
            parser.probabilities(faces), map(parser.probabilities, ([face] for face in faces)), strict=True
        ):
            assert np.array_equal(many, one[0])
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 8 bytes"),
        MemoryError(),
    ],
)
def test_a_batch_beyond_the_memory_ends_the_run(error: Exception) -> None:
    def network(x: Tensor) -> Tensor:
        raise error

    parser = Parser(network, Intake(height=64, width=64), device=torch.device("cpu"), dtype=torch.float32)
    with pytest.raises(DeviceError, match="not enough memory for a batch of 3; use a smaller --batch-size") as caught:
        parser(FACES, batch_size=3)
    assert isinstance(caught.value, OF_THE_RUN)
    with pytest.raises(DeviceError, match="for a batch of 1; close other programs"):
        parser(FACES)


@pytest.mark.parametrize("engine", ["eager", "onnx"])
def test_a_batch_beyond_all_memory_is_told_so(engine: str, tmp_path: Path) -> None:
    own = own_parser(tmp_path / "p.safetensors")
    with pytest.raises(DeviceError, match=r"not enough memory for a batch of 10+; use a smaller --batch-size"):
        Parser.load(own, engine=engine, device="cpu", batch_size=10**13)(FACES)


def test_other_errors_of_a_network_stay_what_they_are() -> None:
    def network(x: Tensor) -> Tensor:
        raise RuntimeError("shapes differ")

    parser = Parser(network, Intake(height=64, width=64), device=torch.device("cpu"), dtype=torch.float32)
    with pytest.raises(RuntimeError, match="shapes differ"):
        parser(FACES)


def test_a_precision_that_the_device_has_not_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="fp16 is not for CPUs"):
        Parser.load(own_parser(tmp_path / "p.safetensors"), device="cpu", precision="fp16")
