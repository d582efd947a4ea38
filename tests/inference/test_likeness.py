"""What is like some layouts and what is not, and how weights keep it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from facesynth.core.errors import WeightsDamaged, WeightsError
from facesynth.core.refs import sha256_file
from facesynth.inference import networks
from facesynth.inference.likeness import MIN_FACES, Likeness, likeness_of
from facesynth.inference.parser import Parser
from tests.inference.outspoken_parser import BLACK, knowing_shades, outspoken_parser, shades

SIZE = 12


def drawn(count: int, seed: int) -> NDArray[np.float32]:
    """Layouts from one distribution, whose values depend on each other."""
    mixing = np.random.default_rng(0).normal(size=(SIZE, SIZE)) * np.geomspace(1, 0.01, SIZE)
    return (np.random.default_rng([seed, 1]).normal(size=(count, SIZE)) @ mixing.T + 3).astype(np.float32)


def known(layouts: NDArray[np.float32]) -> Likeness:
    likeness = likeness_of(layouts)
    assert likeness is not None
    return likeness


def share_unlike(likeness: Likeness, layouts: NDArray[np.float32]) -> float:
    return float(np.mean([likeness.unlikeness(layout) > 1 for layout in layouts]))


def test_others_of_the_same_kind_are_like_and_those_far_away_are_not() -> None:
    likeness, others = known(drawn(200, 0)), drawn(500, 1)
    assert share_unlike(likeness, others) <= 0.03
    assert share_unlike(likeness, 3 + 6 * (others - 3)) > 0.9
    assert share_unlike(likeness, np.random.default_rng(2).normal(3, 1, (100, SIZE)).astype(np.float32)) > 0.9


def test_it_depends_on_the_faces_and_is_not_told_of_few() -> None:
    likeness = known(drawn(200, 0))
    assert likeness.faces == 200
    assert likeness_of(drawn(MIN_FACES - 1, 0)) is None and known(drawn(MIN_FACES, 0)).faces == MIN_FACES
    with pytest.raises(ValueError, match="are no likeness"):
        Likeness(likeness.mean, likeness.whitening[:-1], 200)


def test_equal_faces_are_like_each_other_alone() -> None:
    likeness = known(np.ones((MIN_FACES, SIZE), dtype=np.float32))
    assert likeness.unlikeness(np.ones(SIZE, dtype=np.float32)) == 0
    assert likeness.unlikeness(np.zeros(SIZE, dtype=np.float32)) > 1


def bits(path: Path) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in load_file(path).items() if not name.startswith("likeness.")}


def test_weights_keep_it_and_a_parser_tells_by_it(tmp_path: Path) -> None:
    plain, marked = outspoken_parser(tmp_path / "plain.safetensors"), tmp_path / "marked.safetensors"
    networks.copy_with_likeness(plain, marked, knowing_shades(plain))
    assert bits(marked) == bits(plain)
    with safe_open(plain, "np") as before, safe_open(marked, "np") as after:
        assert after.metadata() == before.metadata() | {"likeness": '{"faces": 50}'}
    told = Parser.load(marked, device="cpu")
    [like, unlike] = told([shades()[20], BLACK], batch_size=2)
    assert like.confidence is not None and unlike.confidence is not None
    assert not like.confidence.unlike and unlike.confidence.unlike
    [untold] = Parser.load(plain, device="cpu")([BLACK])
    assert untold.confidence is not None and untold.confidence.unlikeness is None and not untold.confidence.unlike
    assert networks.load_likeness(plain) is None


def test_a_parser_and_what_it_knows_come_from_one_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, marked = outspoken_parser(tmp_path / "plain.safetensors"), tmp_path / "marked.safetensors"
    networks.copy_with_likeness(plain, marked, known(drawn(MIN_FACES, 0)))
    cpu, readings, read = torch.device("cpu"), list[Path](), Path.read_bytes

    def counted(path: Path) -> bytes:
        readings.append(path)
        return read(path)

    [expected, told] = networks.load(marked, ("parser",), cpu)["parser"], networks.load_likeness(marked)
    monkeypatch.setattr(Path, "read_bytes", counted)
    found, likeness = networks.load_with_likeness(marked, ("parser",), cpu, sha256=sha256_file(marked))
    assert readings.count(marked) == 1
    spec, network = found["parser"]
    assert spec == expected[0] and told is not None and likeness is not None
    assert all(map(torch.equal, network.state_dict().values(), expected[1].state_dict().values()))
    assert np.array_equal(likeness.mean, told.mean) and np.array_equal(likeness.whitening, told.whitening)
    assert networks.load_with_likeness(plain, ("parser",), cpu)[1] is None
    with pytest.raises(WeightsError, match="run again"):
        networks.load_with_likeness(marked, ("parser",), cpu, sha256="0" * 64)


def test_saving_anew_replaces_it_and_damage_is_told(tmp_path: Path) -> None:
    plain, path = outspoken_parser(tmp_path / "plain.safetensors"), tmp_path / "marked.safetensors"
    for seed in range(2):
        networks.copy_with_likeness(plain if seed == 0 else path, path, known(drawn(MIN_FACES + seed, seed)))
    kept = networks.load_likeness(path)
    assert kept is not None and kept.faces == MIN_FACES + 1
    layout = drawn(1, 9)[0]
    assert kept.unlikeness(layout) == pytest.approx(known(drawn(MIN_FACES + 1, 1)).unlikeness(layout), rel=0.01)
    tensors = load_file(path)
    with safe_open(path, "np") as file:
        metadata = file.metadata()
    tensors["likeness.mean"] = tensors["likeness.mean"][:-1]
    save_file(tensors, path, metadata)
    with pytest.raises(WeightsDamaged, match=r"marked\.safetensors: what it tells of its training faces"):
        networks.load_likeness(path)
    assert networks.load(path, ("parser",), torch.device("cpu"))
