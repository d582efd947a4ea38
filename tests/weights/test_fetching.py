"""Fetching: verified, never half, and never without being asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from facesynth import weights
from facesynth.core.errors import WeightsDamaged, WeightsError, WeightsMissing
from facesynth.weights import WeightsFile
from tests.weights.conftest import DATA, Server, made


def test_fetches_verifies_and_then_keeps(known: dict[str, WeightsFile], server: Server, alone: Path) -> None:
    known["toy"] = made(url=f"{server.url}/toy")
    server.files["/toy"] = DATA
    seen: list[tuple[int, int]] = []
    path = weights.fetch("toy", lambda done, total: seen.append((done, total)))
    assert path == alone / "toy.bin"
    assert path.read_bytes() == DATA
    assert seen[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert weights.fetch("toy") == path
    assert server.asked == ["/toy"]


@pytest.mark.parametrize(
    ("sent", "error"),
    [(DATA[:-1] + b"x", WeightsDamaged), (DATA[:1000], WeightsError), (None, WeightsError)],
    ids=["another file", "broken off", "404"],
)
def test_a_failed_fetch_leaves_nothing(
    sent: bytes | None, error: type[WeightsError], known: dict[str, WeightsFile], server: Server, alone: Path
) -> None:
    known["toy"] = made(url=f"{server.url}/toy")
    if sent is not None:
        server.files["/toy"] = sent
    with pytest.raises(error) as caught:
        weights.fetch("toy")
    assert caught.value.where == f"{server.url}/toy"
    assert str(alone / "toy.bin") in str(caught.value.hint)
    assert list(alone.iterdir()) == []


def test_no_more_is_kept_than_the_file_has(
    known: dict[str, WeightsFile], server: Server, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known["toy"] = made(url=f"{server.url}/toy")
    server.files["/toy"] = DATA + bytes(3 << 20)
    kept: list[int] = []

    def removed(folder: Path, **how: object) -> None:
        kept.extend(path.stat().st_size for path in folder.iterdir())

    monkeypatch.setattr("facesynth.weights.fetching.shutil.rmtree", removed)
    with pytest.raises(WeightsDamaged, match=f"the server sent another file: it has more bytes than the {len(DATA)}"):
        weights.fetch("toy")
    assert len(kept) == 1 and kept[0] <= len(DATA)


def test_a_damaged_file_is_fetched_again(known: dict[str, WeightsFile], server: Server, alone: Path) -> None:
    known["toy"] = made(url=f"{server.url}/toy")
    server.files["/toy"] = DATA
    alone.mkdir()
    (alone / "toy.bin").write_bytes(b"cut")
    assert weights.fetch("toy").read_bytes() == DATA


def test_offline_asks_nobody(known: dict[str, WeightsFile], server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    known["toy"] = made(url=f"{server.url}/toy")
    server.files["/toy"] = DATA
    monkeypatch.setenv("FACESYNTH_OFFLINE", "1")
    with pytest.raises(WeightsError, match="FACESYNTH_OFFLINE"):
        weights.fetch("toy")
    assert server.asked == []
    monkeypatch.setenv("FACESYNTH_OFFLINE", "0")
    assert weights.fetch("toy").is_file()


def test_what_has_no_url_cannot_be_fetched(known: dict[str, WeightsFile]) -> None:
    known["toy"] = made(package="no_such_package", path="x", pip="no-such==1")
    with pytest.raises(WeightsMissing, match="pip install no-such==1"):
        weights.fetch("toy")
    with pytest.raises(WeightsMissing):
        weights.fetch("unheard-of")


def test_needs_no_torch_and_reads_nothing_at_import() -> None:
    code = "import sys, facesynth.weights as w; w.manifest(); print(any(m in sys.modules for m in ('torch', 'pooch')))"
    tried = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert tried.stdout.strip() == "False"
