"""The manifest, and which weights are used when none are named."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from facesynth import weights
from facesynth.cli.options import default_cache_dir
from facesynth.core.errors import WeightsError, WeightsMissing
from facesynth.weights import WeightsFile
from tests.weights.conftest import SHA, made


def test_the_manifest_is_sound() -> None:
    entries = weights.manifest()
    assert {"mobilenet-v2-imagenet", "dlib-landmarks-68", "dlib-mmod", "2dfan4", "s3fd"} <= entries.keys()
    folder = weights.data_folder("weights")
    for name, entry in entries.items():
        assert entry.name == name
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert entry.url is None or entry.url.startswith("https://")
        if published := re.search(r"-([0-9a-f]{8,})\.pth", entry.file):  # torch.hub's convention
            assert entry.sha256.startswith(published[1])
        if entry.source == "bundled":
            assert entry.card, f"{name} needs a model card"
            assert (folder / entry.card).is_file()
            assert weights.check(folder / entry.file, entry) == entry.sha256


def test_the_files_in_packages_are_the_ones_the_manifest_means() -> None:
    for name in ("dlib-landmarks-68", "dlib-mmod"):  # these packages are in the base installation
        assert weights.locate(name).name == weights.manifest()[name].file


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("name = 3", "name stands outside the tables"),
        ("[toy]\nfiel = 'x'", r"\[toy\] has no field fiel"),
        ("[toy]\nfile = 'x'", "not complete"),
        ("[toy", "cannot be read"),
        ("[toy]\nkind='a'\nfile='x'\nlicence='a'\nabout='a'\nsha256='ab'\nsize=1", "not 64 digits"),
        (f"[toy]\nkind='a'\nfile='x'\nlicence='a'\nabout='a'\nsha256='{SHA}'", "size"),
        (f"[toy]\nkind='a'\nfile='x'\nlicence='a'\nabout='a'\nsha256='{SHA.upper()}'\nsize=1", "hexadecimal"),
        (f"[toy]\nkind='a'\nfile='../x'\nlicence='a'\nabout='a'\nsha256='{SHA}'\nsize=1", "bare name"),
        (f"[toy]\nkind='a'\nfile='x'\nlicence='a'\nabout='a'\nsha256='{SHA}'\nsize=1\npackage='p'", "come together"),
    ],
)
def test_a_wrong_manifest_is_refused_by_entry(text: str, fault: str, tmp_path: Path) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WeightsError, match=fault):
        weights.read_manifest(path)


def test_the_newest_bundled_one_of_a_kind_is_the_default(known: dict[str, WeightsFile]) -> None:
    known["p-v1"] = made(name="p-v1")
    known["p-v2"] = made(name="p-v2")
    known["p-elsewhere"] = made(name="p-elsewhere", url="https://example.org/p")
    known["g-v1"] = made(name="g-v1", kind="generator")
    assert weights.default_name("parser") == "p-v2"
    with pytest.raises(WeightsMissing, match="no encoder weights are bundled"):
        weights.default_name("encoder")


def test_the_bundled_folders_are_found() -> None:
    assert (weights.data_folder("weights") / "manifest.toml").is_file()
    assert any(weights.data_folder("photos").glob("*.jpg"))


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_what_is_cached_and_what_is_fetched_lie_in_one_folder_of_the_users(
    system: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    for name in ("FACESYNTH_WEIGHTS", "FACESYNTH_CACHE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / name))
    named = {"linux": "XDG_CACHE_HOME", "win32": "LOCALAPPDATA"}
    folder = tmp_path / named[system] if system in named else Path.home() / "Library" / "Caches"
    assert weights.user_folder() == folder / "facesynth"
    assert weights.fetched_folder() == folder / "facesynth" / "weights"
    assert default_cache_dir() == folder / "facesynth" / "artifacts"
    monkeypatch.setenv("FACESYNTH_WEIGHTS", "~/w")
    monkeypatch.setenv("FACESYNTH_CACHE", "~/c")
    assert (weights.fetched_folder(), default_cache_dir()) == (Path.home() / "w", Path.home() / "c")
