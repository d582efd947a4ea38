"""The page of an evaluation of pictures: whole, by itself, with every score, whatever things are named."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

import pytest

from facesynth.core.errors import CacheError, InputError
from facesynth.core.image_files import write_photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import READABLE, Label
from facesynth.evaluation.pictures.bars import bars_of
from facesynth.evaluation.pictures.cases import Case, CasePictures
from facesynth.evaluation.pictures.curves import STATS, Curve
from facesynth.evaluation.pictures.page import evaluation_page
from facesynth.evaluation.pictures.results import Extremes, number
from facesynth.evaluation.pictures.sheets import SIDE
from facesynth.evaluation.pictures.subjects import PicturesSubject
from facesynth.evaluation.subjects import LeftOut
from facesynth.metrics.segmentation import Agreement
from tests.datasets.inspection.test_page import Page, pictured
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.evaluation.pictures.drawn_evaluations import evaluation, score


def test_the_page_is_one_whole_file_that_reaches_for_nothing() -> None:
    source = evaluation_page(evaluation())
    page = Page(source)
    assert source.startswith("<!doctype html>") and source.endswith("</html>\n")
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert all(image["src"].startswith("data:image/jpeg;base64,") and image["alt"] for image in page.images)
    assert "http" not in re.sub(r'src="data:[^"]+"', "", source) and "@import" not in source
    assert not re.search(r"url\(", source)
    assert {target.removeprefix("#") for target in page.targets} <= page.ids
    assert "prefers-color-scheme: dark" in source and "width=device-width" in source


def test_every_score_stands_there_with_all_that_it_is_read_against() -> None:
    found = evaluation()
    text = Page(evaluation_page(found)).text
    for one in found.scores:
        assert number(one.value) in text and one.label in text and one.protocol in text
        halves = () if one.halves is None else (one.halves.real, one.halves.generated)
        for beside in (one.sd, *halves, one.ceiling, one.unrelated):
            assert beside is None or number(beside, like=one.value) in text
        assert all(note in text for note in one.notes) and (one.warning or "") in text
    assert found.headline() in text and found.protocol[0] in text
    assert found.real.digest is not None and found.real.digest in text
    assert all(str(network.sha256) in text for network in found.networks)
    assert "own style" in text and "by seed" in text and "over 3 seeds" in text


def test_classes_have_bars_with_the_photos_mark() -> None:
    found = evaluation()
    source = evaluation_page(found)
    page = Page(source)
    row = next(one for one in found.classes if one.label == Label.NOSE)
    own, by_seed, ceiling = row.pictures["own style"].iou, row.pictures["by seed"].iou, row.ceiling.iou
    assert f'<i style="width:{100 * own:.2f}%"></i><b style="left:{100 * ceiling:.2f}%">' in source
    assert f"{by_seed:.3f}" in page.text and f"{ceiling:.3f}" in page.text
    assert all(name in page.text for name in READABLE)
    assert source.count('<span class="bar none">') == 2, "nothing holds a necklace"
    bars = bars_of([found, dataclasses.replace(found, classes=())], ["own style"])
    assert len(bars) == 19 and all(row[0] is not None and row[1] is None for row in bars)


def test_a_class_that_the_judge_alone_sees_has_no_score() -> None:
    seen = Agreement(both=0, truth=0, predicted=500)
    found = evaluation()
    necklace = dataclasses.replace(found.classes[Label.NECK_L], pictures={"own style": seen}, ceiling=seen)
    classes = (*found.classes[: Label.NECK_L], necklace, *found.classes[Label.NECK_L + 1 :])
    (bar,) = bars_of([dataclasses.replace(found, classes=classes)], ["own style"])[Label.NECK_L]
    assert bar is not None and math.isnan(bar.iou) and math.isnan(bar.ceiling)


def test_faces_are_shown_once_in_the_sheets_order_then_the_others() -> None:
    found = evaluation(faces=6, sheet=("00003", "00001"), extremes=())
    page = Page(evaluation_page(found))
    rows = [image["alt"] for image in page.images]
    assert [alt.removeprefix("label map of ") for alt in rows if alt.startswith("label map")] == [
        "00003", "00001", "00000", "00002", "00004", "00005",
    ]  # fmt: skip
    assert [alt.removesuffix(" of 00003") for alt in rows[:7]] == [
        "label map", "photo", "own style", "seed 0", "seed 1", "seed 2", "parsed again",
    ]  # fmt: skip
    assert max(pictured(page.images[0]["src"]).size) <= SIDE
    assert "own style: mIoU 0.450, LPIPS 0.450" in page.text and "by seed: mIoU 0.460" in page.text, "means over seeds"


def test_the_best_and_the_worst_lead_to_their_faces_with_their_own_score() -> None:
    found = evaluation()
    source = evaluation_page(found)
    own = next(one for one in found.extremes if (one.key, one.setting) == ("lpips", "own style"))
    assert own.best[0] == "00000" and own.worst[0] == "00005"
    block = source.split("<summary>LPIPS, own style</summary>")[1].split("</details>")[0]
    assert re.findall(r'<b class="num">([\d.]+)</b> (\d+)', block) == [
        (number(0.3 + int(name) / 20), name) for name in (*own.best, *own.worst)
    ]
    places = dict(re.findall(r'href="#(face-\d+)".*?</b> (\d+)', block))
    for place, name in places.items():
        assert f"label map of {name}" in source.split(f'id="{place}"')[1].split("</figure>")[0]
    assert (
        source.count('<details class="measure"') == len(found.extremes) and '<details class="measure" open>' in source
    )


def test_names_are_escaped_wherever_they_stand() -> None:
    bad = "<script>alert('&')</script> caf\udce9"
    found = evaluation(bad, faces=1)
    row = dataclasses.replace(next(iter(found.rows)), name=bad)
    lines = evaluation(
        bad,
        cases=(dataclasses.replace(found.cases[0], name=bad),),
        sheet=(bad,),
        rows=(row,),
        extremes=(Extremes(key="lpips", label=bad, setting="own style", best=(bad,), worst=(bad,)),),
        scores=(
            dataclasses.replace(score("fid", "own style", 1.0), label=bad, protocol=bad, notes=(bad,), warning=bad),
        ),
        left_out=(LeftOut(name=bad, file=bad, reason=bad),),
        warnings=(bad,),
        protocol=(bad,),
        versions=MappingProxyType({bad: bad}),
        run=bad,
    )
    source = evaluation_page(lines, (Curve(bad, (1.0,), (1.0,)),))
    source.encode("utf-8")
    page = Page(source)
    assert "script" not in page.tags and page.text.count("<script>alert('&')</script> caf\\udce9") > 15


@pytest.mark.parametrize("error", [InputError("is gone", where="a.png"), CacheError("is damaged", where="cache")])
def test_pictures_that_are_gone_leave_a_gap(error: Exception) -> None:
    def gone() -> NoReturn:
        raise error

    found = evaluation(faces=2)
    cases = (dataclasses.replace(found.cases[0], look=gone), found.cases[1])
    page = Page(evaluation_page(dataclasses.replace(found, cases=cases)))
    assert "gone" in page.text and not any("00000" in image["alt"] for image in page.images)
    assert any(image["alt"] == "photo of 00001" for image in page.images)


def test_two_folders_have_a_generated_picture_and_one_setting(tmp_path: Path) -> None:
    labels = drawn_labels(1)
    write_photo(drawn_face(labels, 1), tmp_path / "real.png")
    write_photo(drawn_face(labels, 2), tmp_path / "generated.png")
    write_label_map(labels, tmp_path / "labels.png")
    files: dict[str, Any] = {f"{name}_file": str(tmp_path / f"{name}.png") for name in ("real", "generated", "labels")}
    found = evaluation(
        subject=PicturesSubject(kind="pictures", name="out/painted", size=(64, 64), count=1),
        scores=(score("fid", "pictures", 12.5), score("lpips", "pictures", 0.25)),
        classes=(),
        regions=(),
        rows=(),
        cases=(Case(name="a", **files), Case(name="b", real_file="nowhere.png")),
        sheet=("a", "b"),
        extremes=(Extremes(key="lpips", label="LPIPS", setting="pictures", best=("a",), worst=("b", "c")),),
    )
    page = Page(evaluation_page(found))
    assert [image["alt"] for image in page.images if image["alt"].endswith(" of a")][:3] == [
        "label map of a", "photo of a", "generated of a",
    ]  # fmt: skip
    assert "FID, pictures 12.50" in page.text and "by seed" not in page.text
    assert "painted" in page.text and "Classes" not in page.text


def test_photos_alone_make_a_page_too() -> None:
    labels = drawn_labels(3)
    look = CasePictures(real=drawn_face(labels, 3))
    found = evaluation(cases=(Case(name="00000", look=lambda: look),), sheet=("00000",), classes=(), regions=())
    page = Page(evaluation_page(found))
    assert "photo of 00000" in {image["alt"] for image in page.images}


def test_curves_come_from_the_run_or_as_they_are_given(tmp_path: Path) -> None:
    (tmp_path / STATS).write_text('{"nimg": 5, "validation/fid": 77.25}\n')
    found = evaluation(faces=1, run=str(tmp_path))
    assert "validation/fid" in Page(evaluation_page(found)).text
    given = Page(evaluation_page(found, (Curve("mine", (1.0,), (2.0,)),))).text
    assert "mine" in given and "validation/fid" not in given
    assert "Training" not in Page(evaluation_page(found, ())).text


def test_what_could_not_be_used_is_told_at_the_top_and_listed() -> None:
    real = dataclasses.replace(evaluation().real, missing=("lost",))
    page = Page(evaluation_page(evaluation(real=real)))
    assert "1 could not be used" in page.text and "pairs/images/bad.png" in page.text
    assert "1 faces that the split names are not in the data" in page.text and "lost" in page.text
