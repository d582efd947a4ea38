from __future__ import annotations

import dataclasses
import errno
import hashlib
import importlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import save_file

from facesynth import weights
from facesynth.cli.options import default_cache_dir
from facesynth.cli.weights import weights as command
from facesynth.core.errors import WeightsDamaged, WeightsError, WeightsMissing
from facesynth.weights import WeightsFile

DATA = bytes(range(256)) * 4096
SHA = hashlib.sha256(DATA).hexdigest()


def made(**fields: object) -> WeightsFile:
    plain: dict[str, object] = {"name": "toy", "kind": "parser", "file": "toy.bin", "licence": "CC0", "about": "a toy"}
    known = {} if "sha256_prefix" in fields else {"sha256": SHA, "size": len(DATA)}
    return WeightsFile(**(plain | known | fields))  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees this machine's own folders of weights."""
    monkeypatch.setenv("FACESYNTH_WEIGHTS", str(tmp_path / "fetched"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("FACESYNTH_OFFLINE", raising=False)
    return tmp_path / "fetched"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> dict[str, WeightsFile]:
    """The manifest, which the test fills."""
    entries: dict[str, WeightsFile] = {}
    for place in ("facesynth.weights.entries.manifest", "facesynth.weights.manifest"):
        monkeypatch.setattr(place, lambda: entries)
    return entries


@dataclasses.dataclass
class Server:
    url: str
    files: dict[str, bytes]
    asked: list[str]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    files: dict[str, bytes] = {}
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            data = files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(DATA)))  # fewer bytes than promised is a broken connection
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield Server(f"http://127.0.0.1:{http.server_port}", files, asked)
        http.shutdown()
        thread.join()


# ---- the manifest


def test_the_manifest_is_sound() -> None:
    entries = weights.manifest()
    assert {"mobilenet-v2-imagenet", "dlib-landmarks-68", "dlib-mmod", "2dfan4", "s3fd"} <= entries.keys()
    folder = weights.data_folder("weights")
    for name, entry in entries.items():
        assert entry.name == name
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert entry.url is None or entry.url.startswith("https://")
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
        ("[toy]\nkind='a'\nfile='x'\nlicence='a'\nabout='a'\nsha256='ab'\nsize=1", "needs sha256"),
        (f"[toy]\nkind='a'\nfile='x'\nlicence='a'\nabout='a'\nsha256='{SHA}'", "needs sha256"),
        (f"[toy]\nkind='a'\nfile='x'\nlicence='a'\nabout='a'\nsha256='{SHA.upper()}'\nsize=1", "hexadecimal"),
        ("[toy]\nkind='a'\nfile='../x'\nlicence='a'\nabout='a'\nsha256_prefix='0123456789'", "bare name"),
        ("[toy]\nkind='a'\nfile='x'\nlicence='a'\nabout='a'\nsha256_prefix='0123456789'\npackage='p'", "come together"),
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


# ---- finding


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


def test_a_prefix_is_verified_and_completed(known: dict[str, WeightsFile], alone: Path) -> None:
    known["toy"] = made(sha256_prefix=SHA[:10], url="https://example.org/toy.bin")
    alone.mkdir()
    (alone / "toy.bin").write_bytes(DATA)
    assert weights.sha256_of("toy") == SHA
    (alone / "toy.bin").write_bytes(DATA[:-1] + b"?")
    with pytest.raises(WeightsDamaged, match=SHA[:10]):
        weights.sha256_of("toy")


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


# ---- headers


def test_reads_a_header_and_refuses_a_cut_file(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    save_file({"a": np.arange(6, dtype=np.float32)}, path, metadata={"labels": "celebamask-hq"})
    assert weights.read_header(path) == {"labels": "celebamask-hq"}
    whole = path.read_bytes()
    for cut in (whole[:-1], whole[:10], b"", b"\x80\x04 pickle"):
        path.write_bytes(cut)
        with pytest.raises(WeightsDamaged, match="not a whole safetensors file"):
            weights.read_header(path)
    with pytest.raises(WeightsDamaged):
        weights.read_header(tmp_path / "absent.safetensors")


# ---- fetching


@pytest.mark.parametrize("known_by", [{}, {"sha256_prefix": SHA[:10]}])
def test_fetches_verifies_and_then_keeps(
    known_by: Mapping[str, str], known: dict[str, WeightsFile], server: Server, alone: Path
) -> None:
    known["toy"] = made(url=f"{server.url}/toy", **known_by)
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


# ---- the command


def test_list_marks_the_newest_of_a_kind_that_is_bundled() -> None:
    lines = CliRunner().invoke(command, ["list"], catch_exceptions=False).stdout.splitlines()
    marked = [line.split()[0] for line in lines if line.split()[1] == "*"]
    assert set(marked) == {weights.default_name(kind) for kind in ("parser", "generator")} and len(marked) == 2
    assert all("CC-BY-NC-SA-4.0" in line for line in lines if " bundled " in line)


def test_list_tells_what_little_is_known_of_some(known: dict[str, WeightsFile], alone: Path) -> None:
    known["toy"] = made(url="https://example.org/toy.bin")
    known["begun"] = made(name="begun", sha256_prefix=SHA[:10], file="b.bin", url="https://example.org/b.bin")
    alone.mkdir()
    (alone / "toy.bin").write_bytes(DATA)
    lines = CliRunner().invoke(command, ["list"], catch_exceptions=False).stdout.splitlines()
    assert lines[1].split()[:5] == ["toy", "parser", "url", "yes", "1.0"]
    assert lines[1].split()[5:] == ["sha256", "CC0"] and lines[2].split()[4:] == ["?", "10", "digits", "CC0"]
    rows = json.loads(CliRunner().invoke(command, ["list", "--json"], catch_exceptions=False).stdout)
    assert [(row["name"], row["here"]) for row in rows] == [("toy", str(alone / "toy.bin")), ("begun", None)]


def test_show_says_how_to_get_it_or_what_is_inside(known: dict[str, WeightsFile], tmp_path: Path) -> None:
    known["toy"] = made(url="https://example.org/toy.bin")
    assert "facesynth weights fetch toy" in CliRunner().invoke(command, ["show", "toy"], catch_exceptions=False).stdout
    path = tmp_path / "x.safetensors"
    save_file({"a": np.zeros(2, dtype=np.float32)}, path, metadata={"licence": "CC BY-NC-SA 4.0"})
    assert "CC BY-NC-SA 4.0" in CliRunner().invoke(command, ["show", str(path)], catch_exceptions=False).stdout
    failed = CliRunner().invoke(command, ["show", "unheard-of"])
    assert isinstance(failed.exception, WeightsMissing) and not failed.output
    path.write_bytes(b"cut")
    failed = CliRunner().invoke(command, ["show", str(path)])
    assert isinstance(failed.exception, WeightsDamaged) and not failed.output


def test_fetch_prints_the_path(known: dict[str, WeightsFile], server: Server, alone: Path) -> None:
    known["toy"] = made(url=f"{server.url}/toy")
    server.files["/toy"] = DATA
    for options in ([], ["--quiet"]):
        result = CliRunner().invoke(command, ["fetch", "toy", *options], catch_exceptions=False)
        assert result.stdout == f"{alone / 'toy.bin'}\n"


def test_verify_ends_with_1_for_damage_and_for_what_is_needed(known: dict[str, WeightsFile], alone: Path) -> None:
    known["toy"] = made(url="https://example.org/toy.bin", optional=True)
    assert CliRunner().invoke(command, ["verify"]).exit_code == 0
    assert CliRunner().invoke(command, ["verify", "toy"]).exit_code == 1
    alone.mkdir()
    (alone / "toy.bin").write_bytes(DATA)
    assert CliRunner().invoke(command, ["verify", "toy"]).exit_code == 0
    (alone / "toy.bin").write_bytes(b"cut")
    result = CliRunner().invoke(command, ["verify"])
    assert (result.exit_code, "DAMAGED  toy" in result.stdout) == (1, True)
