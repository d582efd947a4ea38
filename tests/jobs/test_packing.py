"""Whole jobs from and into archives: what is packed, what the report says, and what an end in the middle leaves."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest

from facesynth.core.archives import LABELS_EXTENSION
from facesynth.core.errors import ImageError, OutputError, UsageError
from facesynth.core.faces import Face
from facesynth.core.image_files import decode_photo, encode_png, write_photo
from facesynth.core.label_files import LABEL_SUFFIXES, decode_label_map, encode_label_map
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Outcome
from facesynth.jobs.align import align
from facesynth.jobs.packing import Packing
from facesynth.jobs.segment import IN_SAMPLE, SegmentOutputs, segment
from facesynth.jobs.session import Session
from facesynth.jobs.synthesize import VARIANT_TAIL, by_seeds, synthesize
from facesynth.stages.base import FileCodec
from facesynth.stages.segment import PROBABILITIES_FILE
from tests.jobs.conftest import GREEN, PINK, RED, Listener, Opener, progress, rows, write_flat_faces, written
from tests.painted_stages import Brightness, Colouring, Tiles, flat_photo
from tests.tar_files import pack, unpacked


def face(red: int) -> bytes:
    return encode_png(flat_photo((red, 1, 1)))


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    """Two archives of faces; the second holds one that cannot be parsed, and one that is no image."""
    one = {f"{red:03}_dot_png": face(red) for red in (14, 42)}
    pack(tmp_path / "in" / "a.tar", **one, **{"014_dot_json": b"{}", "x_dot_y_dot_png": face(70)})
    pack(tmp_path / "in" / "b.tar", g_dot_png=encode_png(flat_photo(GREEN)), n_dot_png=b"no", z_dot_png=face(98))
    return tmp_path / "in"


def segmented(
    opened: Opener, *inputs: Path, size: int = 3, how: Mapping[str, Any] | None = None, **options: Any
) -> Session:
    """A finished `segment --aligned` into archives."""
    more = {"packing": Packing(size, IN_SAMPLE)}
    with opened(*inputs, command="segment", more=more, **(how or {}), **options) as session:
        segment(session, Brightness(), align=None, outputs=SegmentOutputs())
    return session


def test_an_archive_in_gives_an_archive_out_of_whole_samples(shards: Path, opened: Opener) -> None:
    session = segmented(opened, shards)
    assert written(session.folder) == {"a.tar", "b.tar", "report.json"}
    made = unpacked(session.folder / "a.tar")
    assert list(made) == ["014.png", "014.labels.png", "042.png", "042.labels.png", "x%2Ey.png", "x%2Ey.labels.png"]
    assert made["042.png"] == face(42) and (decode_label_map(made["042.labels.png"], "").ids == 3).all()
    assert list(unpacked(session.folder / "b.tar")) == ["z.png", "z.labels.png"]
    assert rows(session) == {"014.png": "done", "042.png": "done", "x.y.png": "done", "g.png": "failed",
                             "n.png": "failed", "z.png": "done"}  # fmt: skip
    told = json.loads((session.folder / "report.json").read_bytes())["items"]
    assert told[0]["input"] == str(shards / "a.tar" / "014.png")
    assert told[0]["outputs"] == ["a.tar/014.png", "a.tar/014.labels.png"]
    assert progress(session) == (6, 6)


def test_the_same_command_again_writes_nothing_and_as_files_the_labels_are_the_same(
    shards: Path, opened: Opener
) -> None:
    first = segmented(opened, shards)
    before = {name: os.stat(first.folder / name) for name in ("a.tar", "b.tar")}
    again = segmented(opened, shards)
    assert {name: os.stat(first.folder / name) for name in before} == before
    assert set(rows(again).values()) == {"cached", "failed"}
    with opened(shards, out="files") as session:
        segment(session, Brightness(), align=None, outputs=SegmentOutputs())
    labels = session.folder / "labels"
    assert written(labels) == {"a/014.png", "a/042.png", "a/x.y.png", "b/z.png"}
    assert (labels / "a" / "x.y.png").read_bytes() == unpacked(first.folder / "a.tar")["x%2Ey.labels.png"]


def test_files_share_archives_by_their_place_and_one_that_fails_moves_no_other(tmp_path: Path, opened: Opener) -> None:
    faces = write_flat_faces(tmp_path / "faces", 8)
    (faces / "03.png").write_bytes(b"no image")
    session = segmented(opened, faces)
    packed = {path.name: list(unpacked(path))[::2] for path in sorted(session.folder.glob("*.tar"))}
    assert packed == {"shard-00000.tar": ["00.png", "01.png", "02.png"], "shard-00001.tar": ["04.png", "05.png"],
                      "shard-00002.tar": ["06.png", "07.png"]}  # fmt: skip
    before = (session.folder / "shard-00002.tar").read_bytes()
    (faces / "03.png").write_bytes(face(200))
    segmented(opened, faces)
    assert next(iter(unpacked(session.folder / "shard-00001.tar"))) == "03.png"
    assert (session.folder / "shard-00002.tar").read_bytes() == before


def test_an_interrupted_run_leaves_whole_archives_and_tells_of_no_others(tmp_path: Path, opened: Opener) -> None:
    faces = write_flat_faces(tmp_path / "faces", 8)

    def run(stage: Brightness, out: str) -> Session:
        session = opened(faces, out=out, more={"packing": Packing(3, IN_SAMPLE)}, workers=1)
        with session:
            segment(session, stage, align=None, outputs=SegmentOutputs())
        return session

    def stop() -> None:
        if stopped.computed >= 4:
            raise KeyboardInterrupt

    stopped = Brightness(before=stop)
    with pytest.raises(KeyboardInterrupt):
        run(stopped, "out")
    out = tmp_path / "out"
    assert written(out) == {"shard-00000.tar", ".shards.json", "report.json"}
    told = json.loads((out / "report.json").read_bytes())
    assert not told["complete"] and told["counts"]["done"] == 3
    assert {output.partition("/")[0] for item in told["items"] for output in item["outputs"]} == {"shard-00000.tar"}
    kept = os.stat(out / "shard-00000.tar")
    finished = Brightness()
    run(finished, "out")
    assert finished.computed == 4 and os.stat(out / "shard-00000.tar") == kept
    run(Brightness(), "whole")
    assert {path.name: path.read_bytes() for path in out.glob("*.tar")} == {
        path.name: path.read_bytes() for path in (tmp_path / "whole").glob("*.tar")
    }


def test_several_faces_of_a_photo_are_samples_of_their_own(photos: Path, opened: Opener) -> None:
    with opened(photos, more={"packing": Packing(100, IN_SAMPLE)}) as session:
        segment(session, Brightness(), align=Tiles(), outputs=SegmentOutputs(sheet=True))
    assert written(session.folder) == {"shard-00000.tar", ".shards.json", "report.json", "sheet.png"}
    names = list(unpacked(session.folder / "shard-00000.tar"))
    assert names == ["one.png", "one.labels.png", "sub/two_00.png", "sub/two_00.labels.png", "sub/two_01.png",
                     "sub/two_01.labels.png"]  # fmt: skip
    with opened(photos, out="aligned", more={"packing": Packing(100)}) as session:
        align(session, Tiles())
    made = unpacked(session.folder / "shard-00000.tar")
    assert list(made) == ["green.png", "one.png", "sub/two_00.png", "sub/two_01.png"]
    assert decode_photo(made["sub/two_01.png"], "").pixels[0, 0].tolist() == list(PINK)


class Likely(Brightness):
    """Has something to say of every face but one: that of red 28."""

    name: ClassVar[str] = "probabilities"
    codec: ClassVar[FileCodec[LabelMap]] = FileCodec(PROBABILITIES_FILE, encode_label_map, decode_label_map)

    def __call__(self, batch: Sequence[Face]) -> list[Outcome[LabelMap]]:
        if any(face.photo.pixels[0, 0, 0] == 28 for face in batch):
            raise ImageError("too unlikely")
        return Brightness.__call__(self, batch)


def test_probabilities_come_into_their_samples_and_a_face_without_them_into_none(
    tmp_path: Path, opened: Opener
) -> None:
    """They are made batches after the label maps that they lie beside."""
    faces = write_flat_faces(tmp_path / "faces", 9)
    (faces / "03.png").write_bytes(face(28))
    with opened(faces, more={"packing": Packing(5, IN_SAMPLE)}) as session:
        segment(session, Brightness(), align=None, probabilities=Likely(), outputs=SegmentOutputs())
    assert [name for name, status in rows(session).items() if status != "done"] == ["03.png"]
    made = unpacked(session.folder / "shard-00000.tar") | unpacked(session.folder / "shard-00001.tar")
    ends = ("png", "labels.png", "probabilities.npz")
    assert list(made) == [f"{index:02}.{end}" for index in range(9) if index != 3 for end in ends]
    assert made["08.png"] == (faces / "08.png").read_bytes()
    assert (decode_label_map(made["04.labels.png"], "").ids == 5).all()


def test_what_segment_packs_synthesize_reads(shards: Path, opened: Opener) -> None:
    packed = segmented(opened, shards).folder
    more = {"suffixes": LABEL_SUFFIXES, "extension": LABELS_EXTENSION, "tail": VARIANT_TAIL, "packing": Packing(100)}
    with opened(packed, out="painted", more=more) as session:
        synthesize(session, Colouring(), by_seeds([3, 4]), sheet=True)
    assert session.report.counts == {"done": 8, "cached": 0, "rejected": 0, "failed": 0}
    made = unpacked(session.folder / "a.tar")
    assert list(made)[:4] == ["014_seed3.png", "014_seed4.png", "042_seed3.png", "042_seed4.png"]
    assert decode_photo(made["042_seed4.png"], "").pixels[0, 0].tolist() == [4, 4, 3]
    assert progress(session) == (8, 8) and (session.folder / "sheet.png").exists()


def test_an_archive_that_is_cut_off_fails_by_name_and_the_rest_is_done(shards: Path, opened: Opener) -> None:
    whole = (shards / "a.tar").read_bytes()
    (shards / "a.tar").write_bytes(whole[: whole.index(b"042.png") + 600])
    session = segmented(opened, shards)
    found = {str(row).rpartition("/")[2]: row for row in session.report.rows}
    assert found["014.png"].status == found["z.png"].status == "done"
    assert "ends in the middle of it" in str(found["042.png"].reason)
    assert "cut off" in str(found["a.tar"].reason) and session.report.exit_code == 3
    assert list(unpacked(session.folder / "a.tar")) == ["014.png", "014.labels.png"]


def test_no_archive_takes_the_place_of_an_input(shards: Path, opened: Opener) -> None:
    before = (shards / "a.tar").read_bytes()
    for given, what in ((shards, "inside the input"), (shards / "*.tar", "pattern"), (shards / "a.tar", "take the pl")):
        with pytest.raises(UsageError, match=what):
            segmented(opened, given, out="in")
    assert (shards / "a.tar").read_bytes() == before


def test_an_archive_that_cannot_be_put_in_its_place_fails_all_that_is_in_it(shards: Path, opened: Opener) -> None:
    (shards.parent / "out" / "a.tar").mkdir(parents=True)
    session = segmented(opened, shards)
    assert [row.status for row in session.report.rows] == ["failed"] * 5 + ["done"]
    assert "Is a directory" in str(next(iter(session.report.rows)).reason)
    with pytest.raises(OutputError):
        segmented(opened, shards / "a.tar", fail_fast=True)


def test_a_full_disk_ends_the_run_and_nothing_is_told_to_be_done(
    tmp_path: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = write_flat_faces(tmp_path / "faces", 3)
    write_photo(flat_photo(RED, PINK), photos / "two.png")

    def replace(source: str, target: str, real: Any = os.replace) -> None:
        if str(target).endswith(".tar"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    session = opened(photos, more={"packing": Packing(100, IN_SAMPLE)})
    with pytest.raises(OSError, match="No space"), session:
        segment(session, Brightness(), align=Tiles(), outputs=SegmentOutputs())
    told = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert not told["complete"] and told["counts"]["done"] == 0
    assert isinstance(session.execution.progress, Listener)
    assert session.execution.progress.notes == ["the results of 4 inputs are not written: their shard is not whole"]


def test_with_fail_fast_the_inputs_of_an_archive_that_cannot_be_placed_are_counted(
    shards: Path, opened: Opener
) -> None:
    (shards.parent / "out" / "a.tar").mkdir(parents=True)
    session = opened(shards / "a.tar", more={"packing": Packing(3, IN_SAMPLE)}, fail_fast=True)
    with pytest.raises(OutputError), session:
        segment(session, Brightness(), align=None, outputs=SegmentOutputs())
    assert isinstance(session.execution.progress, Listener)
    assert len(session.report.rows) == 1 and "of 2 inputs are not written" in session.execution.progress.notes[-1]


def test_numbered_archives_keep_out_of_the_way_of_named_ones(tmp_path: Path, opened: Opener) -> None:
    write_flat_faces(tmp_path / "faces", 2)
    pack(tmp_path / "faces" / "shard-00000.tar", a_dot_png=encode_png(flat_photo(RED)))
    session = segmented(opened, tmp_path / "faces")
    assert written(session.folder) == {"files-00000.tar", "shard-00000.tar", ".shards.json", "report.json"}


def test_numbered_archives_are_one_command_s(tmp_path: Path, opened: Opener) -> None:
    """Their numbers mean its inputs: another's would replace them, or lie among them."""
    faces, more = write_flat_faces(tmp_path / "faces", 5), write_flat_faces(tmp_path / "more", 1)
    session = segmented(opened, faces)
    before = {path.name: path.read_bytes() for path in session.folder.glob("*.tar")}
    for other, size in ((more, 3), (faces, 2)):
        with pytest.raises(
            UsageError, match=r"shard-00000.tar: lies there from another command.*; give each command an"
        ):
            segmented(opened, other, size=size)
    assert {path.name: path.read_bytes() for path in session.folder.glob("*.tar")} == before
    segmented(opened, faces)
    (session.folder / ".shards.json").unlink()
    with pytest.raises(UsageError, match="another command"):  # nobody knows whose they are
        segmented(opened, faces)
    for path in session.folder.glob("*.tar"):
        path.unlink()
    segmented(opened, more)
    assert written(session.folder) == {".shards.json", "report.json", "shard-00000.tar"}


def test_what_arrives_is_not_packed(shards: Path, opened: Opener) -> None:
    with pytest.raises(UsageError, match="not packed"):
        opened(shards, more={"packing": Packing(3), "arriving": True})


def test_a_dry_run_into_archives_writes_nothing(shards: Path, opened: Opener) -> None:
    session = segmented(opened, shards, dry_run=True)
    assert not session.folder.exists() and session.estimate.missing["segment"] == 6
