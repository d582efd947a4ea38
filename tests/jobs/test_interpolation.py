"""From one style to another: the frames, the strip and the loop that a job writes, and what it says of them."""

from __future__ import annotations

import io
import signal
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.animation import animation_text
from facesynth.core.errors import FacesynthError, UsageError
from facesynth.core.image_files import SYNTHETIC_TEXT, read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Item, Outcome
from facesynth.core.styles import SeedSource, Style
from facesynth.jobs.interpolation import between, interpolate
from facesynth.jobs.items import style_item
from facesynth.jobs.painting import StyleReader
from facesynth.jobs.synthesize import VARIANT_TAIL, by_seeds, synthesize
from tests.jobs.conftest import PINK, RED, Listener, Opener, progress, rows, written
from tests.painted_stages import Colouring, flat_photo, painted_stages


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    folder = tmp_path / "maps"
    folder.mkdir()
    write_label_map(LabelMap(np.full((20, 20), 3)), folder / "a.png")
    write_label_map(LabelMap(np.full((20, 20), 4)), folder / "b.png")
    return folder


def seed(number: int) -> Item[Style]:
    return style_item(Style.from_seed(number))


def face(*colour: float) -> Item[Style]:
    return style_item(Style.from_code(np.array(colour, dtype=np.float32), "e" * 64))


def reds(folder: Path, name: str, count: int) -> list[int]:
    return [int(read_photo(folder / f"{name}_frame{index:03d}.png").pixels[0, 0, 0]) for index in range(count)]


def test_each_label_map_gets_its_frames_a_strip_and_a_loop(tmp_path: Path, opened: Opener, maps: Path) -> None:
    with opened(maps, more={"tail": VARIANT_TAIL}) as session:
        interpolate(session, painted_stages().synthesize, face(0, 0, 0), face(100, 0, 0), 5)
    out = tmp_path / "out"
    one = {f"frame00{index}.png" for index in range(5)} | {"strip.png", "loop.webp"}
    assert written(out) == {f"{name}_{end}" for name in "ab" for end in one} | {"report.json"}
    assert reds(out, "a", 5) == [0, 25, 50, 75, 100]
    with Image.open(out / "b_strip.png") as strip:
        assert strip.size == (5 * 20 + 4 * 2, 20) and strip.info == dict(SYNTHETIC_TEXT)
        assert [strip.getpixel((22 * index, 0)) for index in range(5)] == [(25 * index, 0, 4) for index in range(5)]
    assert session.report.exit_code == 0 and progress(session) == (10, 10)
    assert rows(session)["a.png (frame003)"] == rows(session)["a.png (strip and loop)"] == "done"
    shown = next(row for row in session.report.rows if row.part == "strip and loop")
    assert shown.outputs == ("a_strip.png", "a_loop.webp")


def test_the_loop_goes_there_and_back_and_says_that_it_is_synthetic(tmp_path: Path, opened: Opener, maps: Path) -> None:
    with opened(maps / "a.png") as session:
        interpolate(session, painted_stages().synthesize, face(0, 0, 0), face(200, 0, 0), 5)
    data = (tmp_path / "out/a_loop.webp").read_bytes()
    assert animation_text(data, "loop") == SYNTHETIC_TEXT
    seen, times = [], []
    with Image.open(io.BytesIO(data)) as image:
        for index in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(index)
            image.load()
            times.append(image.info["duration"])
            seen.append(np.asarray(image.convert("RGB"))[..., 0].mean())
    assert seen == pytest.approx([0, 50, 100, 150, 200, 150, 100, 50], abs=5)
    assert times[0] == times[4] > times[1] == times[7] == times[5]


def test_two_frames_are_the_two_styles(tmp_path: Path, opened: Opener, maps: Path) -> None:
    with opened(maps / "a.png") as session:
        interpolate(session, painted_stages().synthesize, seed(0), seed(100), 2)
    assert reds(tmp_path / "out", "a", 2) == [0, 100]
    with Image.open(tmp_path / "out/a_loop.webp") as image:
        assert image.n_frames == 2  # type: ignore[attr-defined]


def test_what_was_painted_before_is_found(tmp_path: Path, opened: Opener, maps: Path) -> None:
    def painted(frames: int) -> tuple[int, set[str]]:
        stage = painted_stages().synthesize
        with opened(maps / "a.png") as session:
            interpolate(session, stage, seed(5), seed(90), frames)
        return stage.computed, {row.status for row in session.report.rows}  # type: ignore[attr-defined]

    with opened(maps / "a.png") as session:
        synthesize(session, painted_stages().synthesize, by_seeds((5, 90)))
    assert painted(2) == (0, {"cached"})  # the ends are the seeds' own pictures
    assert painted(5)[0] == 3
    before = (tmp_path / "out/a_loop.webp").read_bytes()
    assert painted(5) == (0, {"cached"})
    assert (tmp_path / "out/a_loop.webp").read_bytes() == before
    assert painted(9)[0] == 4  # every other one is there


class NoMiddle(Colouring):
    """Cannot paint halfway."""

    def __call__(self, batch: Sequence[tuple[LabelMap, Style]]) -> list[Outcome[Photo]]:
        if any(weight == 0.5 for _, style in batch for weight, _ in style.components):
            raise FacesynthError("no halves")
        return super().__call__(batch)


def test_without_one_of_its_frames_a_label_map_gets_no_strip(tmp_path: Path, opened: Opener, maps: Path) -> None:
    (maps / "bad.png").write_text("no image")
    with opened(maps / "a.png", maps / "bad.png") as session:
        interpolate(session, NoMiddle(), face(0, 0, 0), face(100, 0, 0), 5)
    assert written(tmp_path / "out") == {f"a_frame00{index}.png" for index in (0, 1, 3, 4)} | {"report.json"}
    told = rows(session)
    assert told["a.png (frame002)"] == told["a.png (strip and loop)"] == told["bad.png"] == "failed" and len(told) == 7
    reason = next(row.reason for row in session.report.rows if row.part == "strip and loop")
    assert reason is not None and "of 5 frames 1 could not be painted" in reason
    assert session.report.exit_code == 3 and progress(session) == (10, 10)


def test_a_dry_run_writes_nothing_and_counts_the_frames(tmp_path: Path, opened: Opener, maps: Path) -> None:
    for _ in range(2):
        with opened(maps, dry_run=True) as session:
            interpolate(session, painted_stages().synthesize, seed(0), seed(1), 6, sheet=True)
        assert session.estimate.missing["synthesize"] == 12 and not (tmp_path / "out").exists()
    with opened(maps, dry_run=True) as frames_alone:
        synthesize(frames_alone, painted_stages().synthesize, between(seed(0), seed(1), 6))
    assert session.estimate.disk() == pytest.approx(1.5 * frames_alone.estimate.disk(), rel=0.01)  # strip and loop
    with opened(maps) as session:
        interpolate(session, painted_stages().synthesize, seed(0), seed(1), 6)
    with opened(maps, dry_run=True) as session:
        interpolate(session, painted_stages().synthesize, seed(0), seed(1), 6)
    assert not session.estimate.missing["synthesize"] and session.report.counts["cached"] == 12


def test_a_contact_sheet_shows_a_dozen_of_many_frames(tmp_path: Path, opened: Opener, maps: Path) -> None:
    with opened(maps / "a.png") as session:
        interpolate(session, painted_stages().synthesize, seed(0), seed(99), 40, sheet=True)
    assert 13 * 128 < read_photo(tmp_path / "out/sheet.png").width < 16 * 128
    shown = [variant.name for variant in between(seed(0), seed(1), 100) if variant.on_sheet]
    assert len(shown) == 12 and shown[0] == "frame000" and shown[-1] == "frame099"
    assert all(variant.on_sheet for variant in between(seed(0), seed(1), 12))


@pytest.mark.parametrize("frames", [-1, 0, 1, 241, 10**9])
def test_too_few_frames_and_too_many_are_refused(opened: Opener, maps: Path, frames: int) -> None:
    with pytest.raises(UsageError, match=f"2 to 240 frames, not {frames}"), opened(maps) as session:
        interpolate(session, painted_stages().synthesize, seed(0), seed(1), frames)


def test_names_that_a_strip_or_a_loop_would_take_are_told_apart(tmp_path: Path, opened: Opener, maps: Path) -> None:
    for name in ("a_strip", "b_loop"):
        write_label_map(LabelMap(np.full((20, 20), 5)), maps / f"{name}.png")
    with opened(maps, more={"tail": VARIANT_TAIL}) as session:
        interpolate(session, painted_stages().synthesize, seed(0), seed(1), 2)
    found = written(tmp_path / "out")
    assert {"a_png_strip.png", "a_strip_png_strip.png", "b_png_loop.webp", "b_loop_png_loop.webp"} < found
    assert len(found) == 4 * 4 + 1


def test_interrupted_it_leaves_whole_files_alone_and_goes_on(tmp_path: Path, opened: Opener, maps: Path) -> None:
    stage = painted_stages().synthesize

    def interrupt() -> None:
        if stage.computed >= 6:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    stage.before = interrupt  # type: ignore[attr-defined]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), opened(maps) as session:
            interpolate(session, stage, seed(0), seed(1), 4)
    finally:
        signal.signal(signal.SIGINT, before)
    found = written(tmp_path / "out")
    assert {"a_strip.png", "a_loop.webp", "b_frame001.png", "report.json"} <= found
    assert not any(name.startswith("b") and "frame" not in name for name in found)
    assert all(name.endswith((".png", ".webp", ".json")) for name in found) and not session.report.complete
    again = painted_stages().synthesize
    with opened(maps) as session:
        interpolate(session, again, seed(0), seed(1), 4)
    assert again.computed == 2 and "b_loop.webp" in written(tmp_path / "out")  # type: ignore[attr-defined]


def test_a_number_is_a_seed_and_a_path_a_photo(
    tmp_path: Path, opened: Opener, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_photo(flat_photo(PINK), tmp_path / "pink.png")
    (tmp_path / "pink.png").rename("7")
    session = opened()
    styles = StyleReader(session, painted_stages())
    first, second = (style.identify().load() for style in styles.ends("7", "./7"))
    assert [source for _, source in first.components] == [SeedSource(7)] and second.kind == "face"
    listener = session.execution.progress
    assert isinstance(listener, Listener) and listener.notes == ["7 is taken for a seed; write ./7 for the file"]
    largest = styles.named(str(photos / "sub" / "two.png")).identify().load()
    assert largest in (Style.from_code(np.array(colour, dtype=np.float32), "e" * 64) for colour in (RED, PINK))
    for wrong in ("seed 7", "-1", "3.5", "", "nowhere.jpg", str(photos), "9" * 19, "9" * 5000):
        with pytest.raises(UsageError, match="neither a seed nor an image file"):
            styles.named(wrong)


def test_one_style_twice_is_refused(tmp_path: Path, opened: Opener, photos: Path) -> None:
    copy = tmp_path / "copy.png"
    copy.write_bytes((photos / "one.png").read_bytes())
    for first, second in (("7", "7"), ("7", "07"), (str(copy), str(copy)), (str(copy), str(photos / "one.png"))):
        with pytest.raises(UsageError, match="the same style twice"):
            StyleReader(opened(), painted_stages()).ends(first, second)
    dry = StyleReader(opened(dry_run=True, force=True), painted_stages())
    assert len(dry.ends(str(copy), str(photos / "one.png"))) == 2  # it has read no style yet
