"""What each job writes and reports, with stages whose results are known; those that paint are in test_painting."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import CacheError, FacesynthError, ImageError, LabelMapError
from facesynth.core.image_files import read_photo, write_photo
from facesynth.core.label_files import read_label_map
from facesynth.core.labels import SCHEMAS, LabelMap
from facesynth.core.refs import Done
from facesynth.core.styles import Style
from facesynth.jobs.align import align
from facesynth.jobs.items import style_item
from facesynth.jobs.plan import carry_out
from facesynth.jobs.segment import SegmentOutputs, segment
from facesynth.jobs.transfer import transfer
from facesynth.plans import SynthesizePlan
from tests.jobs.conftest import PINK, Opener, progress, rows, written
from tests.painted_stages import Brightness, Tiles, flat_photo, painted_stages


def test_align_writes_every_face_and_reports_the_rest(tmp_path: Path, opened: Opener) -> None:
    with opened() as session:
        align(session, Tiles(), sheet=True)
    faces = {"one.png", "green.png", "sub/two_00.png", "sub/two_01.png"}
    assert written(tmp_path / "out") == faces | {"report.json", "sheet.png"}
    expected = {"one.png": "done", "two.png": "done", "green.png": "done", "none.png": "rejected", "text.png": "failed"}
    assert rows(session) == expected
    assert session.report.exit_code == 3 and progress(session) == (5, 5)
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert report["complete"] and report["counts"] == {"done": 3, "cached": 0, "rejected": 1, "failed": 1}
    assert report["weights"] == {"align/fake": "f" * 64}
    by_input = {Path(item["input"]).name: item for item in report["items"]}
    assert by_input["two.png"]["outputs"] == ["sub/two_00.png", "sub/two_01.png"]
    assert by_input["none.png"]["reason"] == "no face found"
    assert by_input["text.png"]["reason"].startswith("not an image")


def test_a_second_run_computes_nothing_and_mends_the_output(tmp_path: Path, opened: Opener) -> None:
    with opened() as session:
        align(session, Tiles())
    first = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.png")}
    (tmp_path / "out" / "one.png").unlink()
    stage = Tiles()
    with opened() as session:
        align(session, stage)
    assert stage.computed == 0
    assert rows(session)["one.png"] == "cached" and rows(session)["none.png"] == "rejected"
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.png")} == first
    with opened(force=True) as session:
        align(session, stage)
    assert stage.computed == 4 and rows(session)["one.png"] == "done"


def test_fail_fast_ends_at_the_first_failure_and_reports_what_was_done(tmp_path: Path, opened: Opener) -> None:
    with pytest.raises(ImageError, match=r"text\.png"), opened(fail_fast=True) as session:
        align(session, Tiles())
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert not report["complete"] and report["counts"]["failed"] == 1


def test_an_interrupted_run_keeps_what_was_computed(tmp_path: Path, opened: Opener) -> None:
    stage = Tiles()

    def interrupt() -> None:
        if stage.computed:
            raise KeyboardInterrupt

    stage.before = interrupt
    with pytest.raises(KeyboardInterrupt), opened() as session:
        align(session, stage)
    assert stage.computed == 2
    again = Tiles()
    with opened() as session:
        align(session, again)
    assert again.computed == 2 and "cached" in rows(session).values()


def test_a_dry_run_writes_nothing_and_counts_what_follows(tmp_path: Path, opened: Opener) -> None:
    plan = SynthesizePlan(others=1)
    with opened(dry_run=True) as session:
        carry_out(session, painted_stages(), plan)
    assert not (tmp_path / "out").exists() and not (tmp_path / "cache").exists()
    assert session.estimate.missing == {"align": 5, "segment": 5, "encode": 5, "synthesize": 10}
    assert session.estimate.disk() > 1_000_000 and session.estimate.memory(8) > session.estimate.memory(1)
    assert session.estimate.free(tmp_path / "not" / "there") > 0
    with opened() as session:
        carry_out(session, painted_stages(), plan)
    with opened(dry_run=True) as session:
        carry_out(session, painted_stages(), plan)
    # What failed is tried anew: the text, and the green face.
    assert session.estimate.missing == {"align": 1, "segment": 2, "encode": 2, "synthesize": 4}
    assert session.estimate.disk() < 20_000  # by the small artifacts that are in the cache now


def test_segment_writes_pairs_ready_to_train_on(tmp_path: Path, opened: Opener) -> None:
    with opened() as session:
        segment(session, Brightness(), align=Tiles(), outputs=SegmentOutputs())
    names = {"one.png", "sub/two_00.png", "sub/two_01.png"}
    folders = {f"{folder}/{name}" for folder in ("images", "labels") for name in names}
    assert written(tmp_path / "out") == folders | {"report.json"}
    assert (read_label_map(tmp_path / "out/labels/sub/two_01.png").ids == 15).all()
    assert rows(session) == {
        "one.png": "done", "two.png (face 0)": "done", "two.png (face 1)": "done",
        "none.png": "rejected", "text.png": "failed", "green.png": "failed",
    }  # fmt: skip
    assert progress(session) == (6, 6)


def test_segment_finds_what_align_wrote_in_the_cache(tmp_path: Path, opened: Opener) -> None:
    with opened(out="pairs") as session:
        segment(session, Brightness(), align=Tiles(), outputs=SegmentOutputs())
    with opened(out="faces") as session:
        align(session, Tiles(), sheet=True)
    stage = Brightness()
    with opened(tmp_path / "faces", out="again") as session:
        segment(session, stage, align=None, outputs=SegmentOutputs())
    assert stage.computed == 1  # what failed is tried anew
    assert set(rows(session).values()) == {"cached", "failed"}
    assert written(tmp_path / "again") == {f"labels/{n}.png" for n in ("one", "sub/two_00", "sub/two_01")} | {
        "report.json"
    }


def test_segment_adds_what_is_asked_for(tmp_path: Path, opened: Opener) -> None:
    class Likely(Brightness):
        name = "probabilities"

    Likely.codec = type(Brightness.codec)("probabilities.npz", Brightness.codec.encode, Brightness.codec.decode)
    outputs = SegmentOutputs(schema="facer", parts=True, on_photo=True, sheet=True)
    with opened() as session:
        segment(session, Brightness(), align=Tiles(), probabilities=Likely(), outputs=outputs)
    out = tmp_path / "out"
    assert len([*(out / "parts").rglob("*.png")]) == 3 * 19
    mouth = read_photo(out / "parts/one_mouth.png")  # 140 // 14 is 10, the mouth
    assert (mouth.pixels == 255).all() and not read_photo(out / "parts/one_skin.png").pixels.any()
    whole = read_label_map(out / "on-photo/sub/two.png")
    assert whole.ids.shape == (20, 40)
    assert (whole.ids[:, :20] == 10).all() and (whole.ids[:, 20:] == 15).all()
    assert (read_label_map(out / "labels/one.png").ids == 10).all()
    with Image.open(out / "labels/one.png") as image:
        assert (np.asarray(image) == SCHEMAS["facer"].from_standard[10]).all()
    assert {path.name for path in (out / "probabilities").rglob("*")} >= {"one.npz"}
    first = next(row for row in session.report.rows if str(row).endswith("/one.png"))
    assert len(first.outputs) == 19 + 4


def test_what_cannot_be_written_is_that_items_failure(tmp_path: Path, opened: Opener) -> None:
    (tmp_path / "out" / "one.png").mkdir(parents=True)
    with opened() as session:
        align(session, Tiles())
    assert rows(session)["one.png"] == "failed" and rows(session)["two.png"] == "done"


def test_the_report_goes_where_it_is_asked_to(tmp_path: Path, opened: Opener) -> None:
    with opened(more={"report_file": tmp_path / "deep" / "r.json"}) as session:
        align(session, Tiles())
    assert (tmp_path / "deep" / "r.json").is_file() and "report.json" not in written(tmp_path / "out")
    assert issubclass(LabelMapError, FacesynthError)


def test_long_sheets_have_pages(tmp_path: Path, opened: Opener) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for index in range(45):
        write_photo(flat_photo(PINK), many / f"{index}.png")
    with opened(many) as session:
        align(session, Tiles(), sheet=True)
    assert {name for name in written(tmp_path / "out") if name.startswith("sheet")} == {"sheet_00.png", "sheet_01.png"}


def test_faces_whose_map_cannot_be_laid_on_their_photo_have_their_rows(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out" / "on-photo" / "sub" / "two.png").mkdir(parents=True)
    outputs = SegmentOutputs(on_photo=True)
    with opened() as session:
        segment(session, Brightness(), align=Tiles(), outputs=outputs)
    told = rows(session)
    assert told["two.png (on photo)"] == "failed"
    assert told["two.png (face 0)"] == told["two.png (face 1)"] == "done"
    done, total = progress(session)
    assert done == total

    def about(labels: Done[LabelMap]) -> dict[str, object]:
        if labels.origin.index == 0:
            raise CacheError("damaged", where="confidence.json")
        return {}

    monkeypatch.setattr("facesynth.jobs.segment.about_confidence", about)
    with opened(out="again") as session:
        segment(session, Brightness(), align=Tiles(), outputs=outputs)
    assert rows(session)["two.png (face 0)"] == "failed" and rows(session)["two.png (face 1)"] == "cached"
    assert (tmp_path / "again" / "on-photo" / "sub" / "two.png").is_file()


def test_a_png_without_a_face_may_be_a_label_map_and_a_jpeg_may_not(tmp_path: Path, opened: Opener) -> None:
    black = flat_photo((0, 0, 0))
    write_photo(black, tmp_path / "a.png")
    Image.fromarray(black.pixels).save(tmp_path / "b.jpg")
    with opened(tmp_path / "a.png", tmp_path / "b.jpg") as session:
        transfer(session, painted_stages(), style_item(Style.from_seed(1)))
    told = [row.reason for row in session.report.rows]
    assert told == ["no face found; if it is a label map: --labels", "no face found"]
