"""What an evaluation says: rules for absent classes, sizes, digests, and the files' own words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import InputError, LabelMapError
from facesynth.core.images import Photo
from facesynth.core.labels import LABEL_NAMES, NUM_LABELS, READABLE, Label, LabelMap
from facesynth.evaluation.segmentation.document import evaluation_json
from facesynth.evaluation.segmentation.evaluation import Evaluation, MapsSubject, confusions, per_cent
from facesynth.evaluation.segmentation.face_pictures import error_map, face_sources, faces_sheet
from facesynth.evaluation.segmentation.matrix_picture import matrix_picture
from facesynth.evaluation.segmentation.page import evaluation_page
from facesynth.evaluation.segmentation.scoring import SHOWN, Compared, Scores, Seen, compare
from facesynth.evaluation.subjects import LeftOut, Source
from tests.coded_parser import coded_face
from tests.datasets.inspection.test_page import Page
from tests.drawn_pairs import drawn_labels

DOCS = Path(__file__).parents[3] / "docs"
SUBJECT = MapsSubject(kind="parser", name="p", sha256="cd" * 32, precision="float32", device="cpu", computed=1)


def compared(name: str, truth: LabelMap, predicted: LabelMap) -> Compared:
    return compare(
        name, truth, predicted, where=f"{name}.png", schema=None, digests=("0", "1"), predicted_digest="ef" * 32
    )


def evaluation(
    pairs: dict[str, tuple[LabelMap, LabelMap]], *left_out: LeftOut, missing: tuple[str, ...] = ()
) -> Evaluation:
    scores = Scores(left_out=list(left_out))
    for name, (truth, predicted) in pairs.items():
        seen = Seen(coded_face(truth), truth, predicted)
        scores.add(compared(name, truth, predicted), lambda seen=seen: seen)  # type: ignore[misc]
    return Evaluation(subject=SUBJECT, source=Source(data="data", missing=missing), scores=scores)


def row(*ids: int) -> LabelMap:
    return LabelMap(np.array([ids]))


def drawn(count: int = 3) -> Evaluation:
    return evaluation({f"face-{seed}": (drawn_labels(seed), drawn_labels(seed + 20)) for seed in range(count)})


def test_absent_classes_are_said_to_be_absent_and_those_that_are_only_predicted_count_as_nothing() -> None:
    found = evaluation({"a": (row(0, 0, 1, 1), row(0, 0, 1, 14))})
    rows = {each.name: each for each in found.classes()}
    assert rows["hat"].remark == "absent, but predicted: counts as 0" and rows["hat"].agreement.iou == 0
    assert rows["cloth"].remark == "absent: not in the means" and rows["skin"].remark is None
    assert found.scored_classes() == (3, 2)
    assert found.scores.matrix.mean_iou == pytest.approx((1 + 1 / 2 + 0) / 3)
    assert (
        found.numbers() == "mIoU 0.500 (3 of 19 classes) · accuracy 0.750 · mean F1 0.333 (2 of 18 foreground classes)"
    )
    document = json.loads(evaluation_json(found))
    assert document["classes"][Label.CLOTH]["iou"] is None and document["classes"][Label.HAT]["iou"] == 0


def test_every_class_in_words_and_in_order() -> None:
    assert len(READABLE) == len(set(READABLE)) == NUM_LABELS
    assert (
        READABLE[Label.L_LIP] == "lower lip"
        and READABLE[Label.EAR_R] == "earring"
        and READABLE[Label.EYE_G] == "eyeglasses"
    )
    assert [each.name for each in drawn().classes()] == list(LABEL_NAMES)


def test_a_map_of_another_shape_is_refused_and_one_of_another_size_scaled() -> None:
    small = drawn_labels(1, 32)
    one = compared("a", small, small.resized(64, 64))
    assert one.score.mean_iou == 1 and one.score.size == (32, 32) and one.score.parsed_size == (64, 64)
    with pytest.raises(LabelMapError, match=r"a.png: the label map is 32×32, and not the shape of 64×32"):
        compared("a", small, LabelMap(np.zeros((32, 64), np.uint8)))


def test_extremes_and_digests_do_not_depend_on_the_order_of_faces() -> None:
    pairs = {f"{seed:02}": (drawn_labels(seed), drawn_labels(seed + 40)) for seed in range(2 * SHOWN)}
    one, other = evaluation(pairs), evaluation(dict(reversed(pairs.items())))
    for name in ("by_iou", "by_accuracy"):
        extremes, again = getattr(one.scores, name), getattr(other.scores, name)
        assert [shown.score for shown in extremes.worst] == [shown.score for shown in again.worst]
        assert [shown.score for shown in extremes.best] == [shown.score for shown in again.best]
    assert len(one.scores.by_iou.worst) == SHOWN
    order = sorted(one.scores.faces, key=lambda face: face.mean_iou)
    assert [shown.score.name for shown in one.scores.by_iou.worst] == [face.name for face in order[:SHOWN]]
    assert one.scores.data_digest == other.scores.data_digest
    assert one.scores.data_digest != evaluation(dict(list(pairs.items())[1:])).scores.data_digest


def test_a_face_of_background_alone_has_no_f1_and_no_trouble() -> None:
    found = evaluation({"empty": (row(0, 0), row(0, 0)), "a": (row(0, 1), row(0, 1))})
    assert json.loads(evaluation_json(found))["faces"][0]["mean_f1"] is None
    assert Page(evaluation_page(found)).images


def test_wrong_pixels_are_red_and_no_others() -> None:
    truth = drawn_labels(0)
    ids = truth.ids.copy()
    ids[3:5, 6] = (ids[3:5, 6] + 1) % NUM_LABELS
    for photo in (coded_face(truth).resized(128, 128), None):
        shown = error_map(Seen(photo, truth, LabelMap(ids).resized(128, 128))).pixels.astype(int)
        red = shown[..., 0] > shown[..., 1]
        assert np.argwhere(red).tolist() == [[3, 6], [4, 6]]


def test_the_matrix_shades_what_is_right_blue_and_what_is_wrong_red() -> None:
    found = evaluation({"a": (row(0, 0, 1, 1), row(0, 0, 1, 14))})
    pixels = matrix_picture(found).pixels.reshape(-1, 3).astype(int)
    colours = {tuple(colour) for colour in np.unique(pixels, axis=0)}
    assert (24, 92, 140) in colours, "background is all right"
    shares = {"half right": ((24, 92, 140), 0.5), "half wrong": ((178, 42, 28), 0.5)}
    for colour, share in shares.values():
        assert tuple(round(255 + (c - 255) * share**0.5) for c in colour) in colours
    assert matrix_picture(found).size == matrix_picture(drawn()).size


def test_the_page_is_one_whole_file_with_headline_and_pictures() -> None:
    left_out = LeftOut("<b>", "<i>.png", "the file is damaged & gone")
    found = evaluation({"<script>": (drawn_labels(0), drawn_labels(1))}, left_out, missing=("caf\udce9",))
    source = evaluation_page(found)
    source.encode("utf-8")
    shown = Page(source)
    words = " ".join(" ".join(shown.words).split())
    assert found.headline().replace("|", "|") in words
    assert "1 of the faces could not be used" in words and "<i>.png" in words and "caf\\udce9" in words
    assert "<script>" in words and "script" not in shown.tags and "link" not in shown.tags
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in shown.images)
    assert len(shown.images) == 1 + 3 * 4, "the matrix, and the one face among worst, worst and best"
    assert {target.removeprefix("#") for target in shown.targets} <= shown.ids
    assert "http" not in source


def test_a_face_that_is_gone_leaves_a_gap() -> None:
    found = drawn(1)

    def gone() -> Seen:
        raise InputError("cannot be read", where="a.png")

    scores = Scores()
    scores.add(compared("a", drawn_labels(0), drawn_labels(1)), gone)
    shown = scores.by_iou.worst
    assert all(source is None for _, source in face_sources(shown[0]))
    assert faces_sheet(shown).pixels.size and faces_sheet(found.scores.by_iou.worst).pixels.size


def test_without_photos_a_sheet_has_three_columns() -> None:
    scores, truth = Scores(), drawn_labels(0)
    scores.add(compared("a", truth, drawn_labels(1)), lambda: Seen(None, truth, drawn_labels(1)))
    assert [title for title, _ in face_sources(scores.by_iou.best[0])] == ["truth", "parsed", "wrong pixels"]
    with_photo = faces_sheet(drawn(1).scores.by_iou.best)
    assert isinstance(with_photo, Photo) and faces_sheet(scores.by_iou.best).width < with_photo.width


def test_the_most_frequent_mistakes_come_first() -> None:
    found = evaluation({"a": (row(0, 0, 0, 0, 1, 1), row(0, 1, 1, 2, 1, 3))})
    assert list(confusions(found)) == [(0, 1, 0.5, 2), (0, 2, 0.25, 1), (1, 3, 0.5, 1)]
    assert per_cent(0.2838) == "28.38 %" and per_cent(0.00001) == "0.001 %" and per_cent(0.0) == "0.00 %"


@pytest.mark.parametrize("name", ["judge-efl0-256-v1", "parser-mnv2-256-v1", "parser-mnv2-320-v2"])
def test_what_the_repository_quotes_is_what_is_printed_today(name: str) -> None:
    quoted = json.loads((DOCS / "evaluations" / f"{name}.json").read_text(encoding="utf-8"))
    printed = json.loads(evaluation_json(drawn()))
    assert list(printed) == list(quoted)
    for part in ("numbers", "protocol", "subject", "confusion"):
        assert list(printed[part]) == list(quoted[part])
    assert [list(one) for one in printed["classes"]] == [list(one) for one in quoted["classes"]]
    protocol = quoted["protocol"]
    source = Source(data=protocol["data"], split=protocol["split"], side=protocol["side"])
    assert protocol["text"].endswith(MapsSubject(**quoted["subject"]).told()) and source.told() in protocol["text"]
