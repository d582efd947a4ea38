"""The folder of a run: which recipes go on from one another, and what is written about it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from facesynth.core.errors import OutputError, TrainingError
from facesynth.core.image_files import decode_photo, read_photo
from facesynth.core.images import Photo
from facesynth.training.folder import RunFolder
from facesynth.training.runs.parser import ParserRun
from facesynth.training.runs.settings import Augment, Data, Schedule

RUN = ParserRun(name="one", data=Data(folder="here"))


def full(*names: object) -> NoReturn:
    raise OSError(28, "No space left on device")


def stats(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "stats.jsonl").read_text().splitlines()]


def told_tensorboard(folder: Path) -> list[tuple[int, float]]:
    """What TensorBoard shows of `loss`: (step, value)."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return [(event.step, round(event.value, 4)) for event in events.Scalars("loss")]


def test_one_event_file_a_process_and_what_a_killed_one_said_too_much_is_hidden(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    first = RunFolder(tmp_path)
    with first.locked():
        first.forget_after(0)
        for nimg in (8, 16, 24):
            first.write_stats(nimg, {"loss": 1.0, "bad": float("nan")})
            assert (nimg, 1.0) in told_tensorboard(tmp_path), "on the disk at once"
    assert len([*(tmp_path / "tensorboard").iterdir()]) == 1
    second = RunFolder(tmp_path)
    with second.locked():
        second.forget_after(16)
        for nimg in (24, 32):
            second.write_stats(nimg, {"loss": 0.5})
    assert len([*(tmp_path / "tensorboard").iterdir()]) == 2
    wanted = [(8, 1.0), (16, 1.0), (24, 0.5), (32, 0.5)]
    assert told_tensorboard(tmp_path) == wanted
    assert [(row["nimg"], row["loss"]) for row in stats(tmp_path)] == wanted
    assert "bad" not in stats(tmp_path)[0]


def test_tensorboard_shows_sample_sheets_no_larger_than_they_need_be(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = RunFolder(tmp_path)
    with folder.locked():
        folder.write_samples(8, Photo(np.full((20, 30, 3), 200, np.uint8)), {})
        folder.write_samples(16, Photo(np.full((40, 2048, 3), 9, np.uint8)), {})
        events = EventAccumulator(str(tmp_path / "tensorboard"))
        events.Reload()
    small, large = events.Images("samples")
    assert (small.step, small.width, small.height) == (8, 30, 20) and (large.step, large.width) == (16, 1024)
    shown = decode_photo(small.encoded_image_string, "small")
    assert shown.pixels.shape == (20, 30, 3) and (shown.pixels == 200).all()
    assert read_photo(tmp_path / "samples" / "0000000016.png").size == (2048, 40)


def test_tensorboard_is_imported_when_there_is_something_to_tell(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom facesynth.training.folder import RunFolder\n"
        f"with RunFolder(Path({str(tmp_path)!r})).locked(): pass\n"
        "assert not {'torch', 'tensorboard'} & set(sys.modules), 'imported'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_only_one_process_holds_a_run(tmp_path: Path) -> None:
    with RunFolder(tmp_path).locked(), pytest.raises(TrainingError, match="another process"):  # noqa: SIM117
        with RunFolder(tmp_path).locked():
            pass


def test_a_recipe_that_cannot_be_written_leaves_the_old_one_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path)
    folder.settle(RUN, data="d", begun=False)
    before = (tmp_path / "run.json").read_bytes()
    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OutputError, match=r"run\.json: cannot be written \(No space left on device\)"):
        folder.settle(replace(RUN, images=99), data="d", begun=False)
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
    assert (tmp_path / "run.json").read_bytes() == before


def test_drafts_of_a_killed_process_go_when_the_run_goes_on(tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    drafts = [tmp_path / ".0123456789abcdef.part", tmp_path / "samples" / ".fedcba9876543210.part"]
    for path in (*drafts, tmp_path / "stats.jsonl"):
        path.write_text("half")
    with RunFolder(tmp_path).locked():
        assert not any(path.exists() for path in drafts) and (tmp_path / "stats.jsonl").exists()


def test_a_run_goes_on_with_what_may_change(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.settle(RUN, data="d", begun=True)
    longer = replace(RUN, images=99, every=Schedule(stats=1), licence="MIT", data=Data(folder="there"))
    folder.settle(longer, data="d", begun=True)
    assert json.loads((tmp_path / "run.json").read_text())["config"]["images"] == 99


@pytest.mark.parametrize(
    ("changes", "data", "named"),
    [
        ({"seed": 1}, "d", "seed"),
        ({"initial": "parser.safetensors"}, "d", "initial"),
        ({"augment": Augment(grey=0.5), "dice": 0.25}, "d", r"dice, augment\.grey"),
        ({"data": Data(folder="here", limit=3)}, "d", r"data\.limit"),
        ({}, "other files", "data"),
    ],
)
def test_other_settings_are_named(tmp_path: Path, changes: dict[str, object], data: str, named: str) -> None:
    folder = RunFolder(tmp_path)
    folder.settle(RUN, data="d", begun=True)
    with pytest.raises(TrainingError, match=f"other settings: {named};.*--set name=NEW"):
        folder.settle(replace(RUN, **changes), data=data, begun=True)  # type: ignore[arg-type]
    folder.settle(RUN, data="d", begun=True)


def test_a_key_that_came_later_counts_as_its_default(tmp_path: Path) -> None:
    folder, path = RunFolder(tmp_path), tmp_path / "run.json"
    folder.settle(RUN, data="d", begun=True)
    recipe = json.loads(path.read_text())
    del recipe["config"]["initial"], recipe["config"]["augment"]["blur"]
    for changes, named in (({"initial": "x"}, "initial"), ({"augment": Augment(blur=0.9)}, r"augment\.blur")):
        path.write_text(json.dumps(recipe))
        with pytest.raises(TrainingError, match=f"other settings: {named};"):
            folder.settle(replace(RUN, **changes), data="d", begun=True)
    folder.settle(RUN, data="d", begun=True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"data": 1, "config": 2}'])
def test_a_recipe_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(TrainingError, match=r"run\.json: not a run's recipe"):
        RunFolder(tmp_path).settle(RUN, data="d", begun=True)
