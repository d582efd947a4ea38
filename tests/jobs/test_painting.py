"""What the jobs that paint write and report, with stages whose results are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.errors import ImageError, InputError, UsageError
from facesynth.core.faces import Face, Similarity
from facesynth.core.image_files import read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import SCHEMAS, LabelMap
from facesynth.core.refs import Outcome, Rejected
from facesynth.core.styles import Style
from facesynth.jobs.items import style_item
from facesynth.jobs.plan import carry_out
from facesynth.jobs.styles import style_of
from facesynth.jobs.synthesize import VARIANT_TAIL, by_seeds, synthesize
from facesynth.jobs.transfer import transfer
from facesynth.plans import SynthesizePlan
from tests.jobs.conftest import BLACK, PINK, RED, Listener, Opener, progress, rows, written
from tests.painted_stages import Tiles, flat_photo, painted_stages


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    folder = tmp_path / "maps"
    folder.mkdir()
    write_label_map(LabelMap(np.full((20, 20), 3)), folder / "a.png")
    write_label_map(LabelMap(np.full((20, 20), 4)), folder / "b.png")
    write_photo(flat_photo((255, 255, 255)), folder / "unknown.png")
    return folder


def test_synthesize_paints_each_label_map_by_each_seed(tmp_path: Path, opened: Opener, maps: Path) -> None:
    with opened(maps, more={"tail": VARIANT_TAIL}) as session:
        synthesize(session, painted_stages().synthesize, by_seeds((5, 6)), sheet=True)
    names = {f"{name}_seed{seed}.png" for name in "ab" for seed in (5, 6)}
    assert written(tmp_path / "out") == names | {"report.json", "sheet.png"}
    assert tuple(read_photo(tmp_path / "out/b_seed6.png").pixels[0, 0]) == (6, 6, 4)
    assert rows(session)["a.png (seed5)"] == "done" and progress(session) == (6, 6)
    bad = [row for row in session.report.rows if row.status == "failed"]
    assert bad[0].reason is not None and "pixel" in bad[0].reason and bad[0].input.endswith("unknown.png")


def test_synthesize_in_one_style_adds_nothing_to_names(tmp_path: Path, opened: Opener, maps: Path) -> None:
    with opened(maps / "a.png") as session:
        synthesize(session, painted_stages().synthesize, by_seeds((9,)))
    assert written(tmp_path / "out") == {"a.png", "report.json"}


def test_a_label_map_that_is_not_square_is_refused_by_name(tmp_path: Path, opened: Opener, maps: Path) -> None:
    write_label_map(LabelMap(np.zeros((20, 40), dtype=np.uint8)), maps / "wide.png")
    with opened(maps / "wide.png", maps / "a.png") as session:
        synthesize(session, painted_stages().synthesize, by_seeds((0,)))
    assert written(tmp_path / "out") == {"a.png", "report.json"}
    [bad] = [row for row in session.report.rows if row.status == "failed"]
    assert bad.input.endswith("wide.png") and "40×20, a face is square" in str(bad.reason)


def test_a_foreign_schema_is_read_as_what_it_is_and_cached_as_such(tmp_path: Path, opened: Opener, maps: Path) -> None:
    Image.fromarray(np.full((20, 20), 3, dtype=np.uint8)).save(maps / "plain.png")
    for schema, label in ((None, 3), ("facer", SCHEMAS["facer"].to_standard[3])):
        with opened(maps / "plain.png") as session:
            synthesize(session, painted_stages().synthesize, by_seeds((0,)), schema=schema)
        assert read_photo(tmp_path / "out/plain.png").pixels[0, 0, 2] == label
    with pytest.raises(UsageError, match="unknown label schema"), opened(maps / "plain.png") as session:
        synthesize(session, painted_stages().synthesize, by_seeds((0,)), schema="mine")


class Growing(Tiles):
    """Tiles, each of which was cut out of a larger square of the photo than the one before."""

    def __call__(self, batch: Sequence[Photo]) -> list[Outcome[tuple[Face, ...]]]:
        def grown(faces: Outcome[tuple[Face, ...]]) -> Outcome[tuple[Face, ...]]:
            if isinstance(faces, Rejected):
                return faces
            scaled = (Similarity.of(number + 1) for number in range(len(faces)))
            return tuple(Face(face.photo, to_source=scale) for face, scale in zip(faces, scaled, strict=True))

        return [grown(faces) for faces in super().__call__(batch)]


def test_of_several_faces_the_largest_gives_the_style(opened: Opener, photos: Path) -> None:
    stages, session = painted_stages(), opened()
    path = photos / "sub" / "two.png"
    style = style_of(session, path, replace(stages, align=Growing())).identify().load()
    assert style == Style.from_code(np.array(PINK, dtype=np.float32), "e" * 64)
    listener = session.execution.progress
    assert isinstance(listener, Listener)
    assert listener.notes == [f"{path} shows 2 faces: the largest gives the style"]
    style_of(session, photos / "one.png", replace(stages, align=Growing()))
    assert len(listener.notes) == 1


def test_the_style_of_an_image_is_its_faces(tmp_path: Path, opened: Opener, photos: Path) -> None:
    stages = painted_stages()
    session = opened()
    style = style_of(session, photos / "one.png", stages).identify().load()
    assert style == Style.from_code(np.array(RED, dtype=np.float32), "e" * 64)
    black = style_of(session, photos / "none.png", stages).identify().load()
    assert black == Style.from_code(np.zeros(3, dtype=np.float32), "e" * 64)
    notes = session.execution.progress
    assert isinstance(notes, Listener) and "taken for an aligned face" in notes.notes[0]
    write_photo(flat_photo(BLACK, BLACK), tmp_path / "dark.png")
    with pytest.raises(InputError, match=r"dark\.png: no face found"):
        style_of(session, tmp_path / "dark.png", stages)
    with pytest.raises(ImageError, match=r"text\.png"):
        style_of(session, photos / "text.png", stages)


def colour(path: Path) -> tuple[int, ...]:
    return tuple(int(value) for value in read_photo(path).pixels[0, 0])


def test_transfer_paints_photos_and_label_maps_in_a_style(
    tmp_path: Path, opened: Opener, photos: Path, maps: Path
) -> None:
    style = style_item(Style.from_code(np.array([100, 50, 0], dtype=np.float32), "e" * 64))
    with opened(photos, maps) as session:
        transfer(session, painted_stages(), style, sheet=True)
    out = tmp_path / "out"
    assert colour(out / "one.png") == (100, 50, 10) and colour(out / "sub/two_01.png") == (100, 50, 15)
    assert colour(out / "a.png") == (100, 50, 3)
    assert (out / "sheet.png").is_file() and not session.execution.dry_run
    with opened(photos, maps, out="half") as session:
        transfer(session, painted_stages(), style, strength=0.5)
    assert colour(tmp_path / "half/one.png") == (120, 30, 10)  # halfway from its own colour
    assert colour(tmp_path / "half/a.png") == (50, 25, 3)  # halfway from nobody's
    with opened(maps / "unknown.png", out="forced") as session:
        transfer(session, painted_stages(), style, all_labels=True)
    assert rows(session) == {"unknown.png": "failed"}


def test_transfer_pastes_all_faces_back_into_their_photo(tmp_path: Path, opened: Opener, photos: Path) -> None:
    style = style_item(Style.from_code(np.array([0, 0, 0], dtype=np.float32), "e" * 64))
    with opened(photos / "sub") as session:
        transfer(session, painted_stages(), style, paste_back=True)
    pasted = read_photo(tmp_path / "out/two.png")
    assert pasted.size == (40, 20)
    assert tuple(pasted.pixels[10, 10]) == (0, 0, 10) and tuple(pasted.pixels[10, 30]) == (0, 0, 15)
    assert 0 < pasted.pixels[0, 0, 0] < RED[0]  # the edge of a face fades into the photo
    assert rows(session) == {"two.png": "done"} and progress(session) == (2, 2)


def test_a_plan_paints_every_face_in_its_own_and_others_styles(tmp_path: Path, opened: Opener) -> None:
    stages = painted_stages()
    with opened() as session:
        carry_out(session, stages, SynthesizePlan(others=2, seeds=(7,)))
    out = tmp_path / "out"
    names = ("one", "sub/two_00", "sub/two_01")
    wanted = {f"{folder}/{name}.png" for folder in ("faces", "labels", "own-style") for name in names}
    wanted |= {f"seeds/{name}/seed7.png" for name in names}
    wanted |= {
        f"other-styles/{name}/in-the-style-of-{other.replace('/', '-')}.png"
        for name in names for other in names if name != other
    }  # fmt: skip
    assert written(out) == wanted | {"report.json", "sheet.png"}
    assert colour(out / "own-style/one.png") == (140, 10, 10)
    assert colour(out / "other-styles/one/in-the-style-of-sub-two_01.png") == (210, 90, 10)
    assert colour(out / "seeds/sub/two_01/seed7.png") == (7, 7, 15)
    assert session.report.counts == {"done": 3, "cached": 0, "rejected": 1, "failed": 2}
    again = painted_stages()
    with opened() as session:
        carry_out(session, again, SynthesizePlan(others=2, seeds=(7,)))
    assert again.align.computed == again.encode.computed == again.synthesize.computed == 0  # type: ignore[attr-defined]
    assert session.report.counts["cached"] == 3 and written(out) == wanted | {"report.json", "sheet.png"}


def test_a_plan_lays_a_few_faces_out_as_a_matrix(tmp_path: Path, opened: Opener) -> None:
    with opened() as session:
        carry_out(session, painted_stages(), SynthesizePlan(others=7))
    sheet = read_photo(tmp_path / "out/sheet.png")
    columns, lines = 3 + 3, 1 + 3
    assert columns * 128 < sheet.width < (columns + 2) * 150 and lines * 128 < sheet.height < (lines + 1) * 140


def test_the_work_of_a_plan_grows_with_the_number_of_faces(tmp_path: Path, opened: Opener) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for index in range(6):
        write_photo(flat_photo((100 + index, 1, 1)), many / f"{index}.png")
    stages = painted_stages()
    with opened(many) as session:
        carry_out(session, stages, SynthesizePlan(others=2, own=False), sheet=False)
    assert stages.synthesize.computed == 6 * 2  # type: ignore[attr-defined]
    assert "other-styles/5/in-the-style-of-0.png" in written(tmp_path / "out")
    assert "sheet.png" not in written(tmp_path / "out")


@pytest.mark.parametrize(("faces", "pictures"), [(1, 1), (3, 9), (12, 48)])
def test_a_dry_run_counts_no_more_other_styles_than_there_are_other_faces(
    tmp_path: Path, opened: Opener, faces: int, pictures: int
) -> None:
    folder = tmp_path / "portraits"
    folder.mkdir()
    for index in range(faces):
        write_photo(flat_photo((14 * index + 16, 1, 1)), folder / f"{index}.png")
    plan = SynthesizePlan(others=3)
    with opened(folder, dry_run=True) as session:
        carry_out(session, painted_stages(), plan)
    with opened(folder) as run:
        carry_out(run, painted_stages(), plan, sheet=False)
    made = [name for name in written(run.folder) if name.startswith(("own-style", "other-styles"))]
    assert len(made) == pictures == session.estimate.missing["synthesize"]
