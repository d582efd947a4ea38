from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from facesynth.cli.main import main
from facesynth.datasets.importing import engine as importing
from facesynth.datasets.manifest import Manifest
from tests.drawn_datasets import draw_celebamask_hq, write_image
from tests.drawn_pairs import write_pairs


def ended(*arguments: str | Path) -> int:
    """The exit code of `facesynth dataset import …`."""
    with pytest.raises(SystemExit) as caught:
        main(["dataset", "import", *map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_a_folder_becomes_a_manifest_in_its_own_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = write_pairs(tmp_path / "pairs", 3, size=16)
    for made in (3, 0):
        assert ended("folder", pairs) == 0
        out, error = capsys.readouterr()
        assert out == f"{pairs / 'dataset.jsonl'}\n"
        report = pairs / "dataset-report.json"
        assert error.splitlines()[-1] == f"3 faces ({made} made, {3 - made} known), 0 failed, 0 warnings: {report}"
    assert [sample.name for sample in Manifest.open(pairs / "dataset.jsonl")] == ["000", "001", "002"]


def test_failures_are_told_in_few_lines_and_give_exit_code_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = write_pairs(tmp_path / "pairs", 40, size=16)
    for index in range(20):
        (pairs / "images" / f"{index:03}.png").write_bytes(b"")
        (pairs / "labels" / f"{index + 20:03}.png").write_bytes(bytes([index]) * (index + 1))
    for index in range(30):
        (pairs / "labels" / f"lonely{index}.png").write_bytes(b"")
    assert ended("folder", pairs, "-o", tmp_path / "out", "--quiet", "--workers", "3") == 3
    out, error = capsys.readouterr()
    assert out == f"{tmp_path / 'out' / 'dataset.jsonl'}\n"
    lines = error.splitlines()
    assert len(lines) <= 10
    assert lines[0] == "failed: a label map without image: 30 faces (lonely0.png, lonely1.png, lonely10.png, …)"
    assert "failed: the file is empty: 20 faces (000, 001, 002, …)" in lines
    assert "0 faces (0 made, 0 known), 70 failed" in lines[-1]
    assert len(json.loads((tmp_path / "out" / "dataset-report.json").read_text())["failures"]) == 70


def test_a_name_stays_on_its_line_whatever_it_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(tmp_path / "photos" / "a.png", 8)
    (tmp_path / "photos" / "two\nlines.png").write_bytes(b"")
    assert ended("folder", tmp_path / "photos") == 3
    failed, summary = capsys.readouterr().err.splitlines()[-2:]
    assert failed == f"failed: {tmp_path}/photos/two\\nlines.png: the file is empty" and summary.startswith("1 faces")


def test_celebamask_hq_and_schema_reach_their_layouts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = draw_celebamask_hq(tmp_path / "source", (5,), size=64)
    assert ended("celebamask-hq", source, "--log-format", "json") == 0
    told = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert "celebamask-hq: 1/1" in told
    assert "warning: 5: the image is 64×64, published are 1024×1024" in told
    assert (source / "labels" / "5.png").is_file()
    pairs = write_pairs(tmp_path / "pairs", 1, size=16)
    assert ended("folder", pairs / "images", "--labels", pairs / "labels", "--schema", "facer", "-o", tmp_path) == 3
    assert "the order 'celebamask-hq', not 'facer'" in capsys.readouterr().err


@pytest.mark.parametrize("layout", ["celebamask-hq", "ffhq", "celeba", "folder"])
def test_a_wrong_folder_is_a_mistake_of_use(layout: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "list.doc").touch()
    for folder in (tmp_path / "wrong", tmp_path / "nowhere"):
        assert ended(layout, folder) == 2
        out, error = capsys.readouterr()
        assert not out and error.startswith(f"error: {folder}: ") and len(error.splitlines()) == 1
    assert [path.name for path in (tmp_path / "wrong").iterdir()] == ["list.doc"]


def test_interrupted_it_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = write_pairs(tmp_path / "pairs", 3, size=16)

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(importing, "write_manifest", interrupt)
        assert ended("folder", pairs) == 130
        assert ended("folder", pairs, "--force") == 130
    told = capsys.readouterr().err
    assert "run the same command again to go on" in told
    assert "run the same command again without --force to go on" in told
    assert ended("folder", pairs) == 0


def test_by_force_known_files_are_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = write_pairs(tmp_path / "pairs", 3, size=16)
    for more, made in (((), 3), ((), 0), (("--force",), 3)):
        assert ended("folder", pairs, *more) == 0
        assert f"3 faces ({made} made, {3 - made} known)" in capsys.readouterr().err


def test_two_at_once_do_one_another_no_harm(tmp_path: Path) -> None:
    for index in range(300):
        write_image(tmp_path / "photos" / f"{index}.png", 64, index)
    command = [
        sys.executable,
        "-m",
        "facesynth.cli.main",
        "dataset",
        "import",
        "folder",
        str(tmp_path / "photos"),
        "-q",
    ]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(process.communicate(timeout=120)[1].decode(), process.returncode) for process in started]
    assert min(code for _, code in ends) == 0
    for error, code in ends:  # they may also miss one another
        assert code == 0 or (code == 2 and "another import is at work here" in error), error
    assert len(list(Manifest.open(tmp_path / "photos" / "dataset.jsonl"))) == 300


def test_help_needs_no_heavy_import() -> None:
    code = (
        "import sys\nfrom facesynth.cli.main import main\n"
        "try: main(['dataset', 'import', 'folder', '--help'])\nexcept SystemExit as end: assert end.code == 0\n"
        "assert not {'torch', 'cv2', 'PIL', 'sqlite3'} & set(sys.modules), 'imported'"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout
    assert "--labels" in told and "--schema" in told
