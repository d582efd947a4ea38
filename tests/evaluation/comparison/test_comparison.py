"""Evaluations side by side: what may be compared, what stands out, and what a subset of the seeds comes to."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facesynth.core.errors import UsageError
from facesynth.evaluation.comparison.columns import Column
from facesynth.evaluation.comparison.comparison import Comparison
from facesynth.evaluation.comparison.document import FORMAT, comparison_json
from facesynth.evaluation.comparison.page import comparison_page
from facesynth.evaluation.comparison.seeds import with_seeds
from facesynth.evaluation.pictures.curves import Curve
from facesynth.evaluation.pictures.document import evaluation_json, read_evaluation
from facesynth.evaluation.pictures.kept_faces import kept_faces
from facesynth.evaluation.pictures.results import PictureEvaluation, number
from facesynth.evaluation.pictures.score_table import ScoreRow
from facesynth.evaluation.pictures.subjects import Setting
from tests.datasets.inspection.test_page import Page
from tests.evaluation.pictures.drawn_evaluations import evaluation, score


def compared(*found: PictureEvaluation, curves: tuple[Curve, ...] = ()) -> Comparison:
    names = "abcdefgh"
    return Comparison(tuple(Column(names[i], f"runs/{names[i]}", one, curves) for i, one in enumerate(found)))


def with_scores(*values: float, setting: Setting = "own style", **more: Any) -> Comparison:
    """A column for each value of FID."""
    return compared(*(evaluation(scores=(score("fid", setting, value, **more),)) for value in values))


def row(comparison: Comparison, key: str, setting: Setting = "own style") -> ScoreRow:
    return next(one for one in comparison.rows(setting) if one.one.key == key)


def test_the_best_is_the_lowest_or_the_highest_as_the_measure_has_it() -> None:
    found = compared(evaluation(shift=0.0), evaluation(shift=-0.5), evaluation(shift=0.25))
    assert set(row(found, "fid").best) == {1} and set(row(found, "miou").best) == {2}
    assert set(row(found, "lpips").best) == {1} and set(row(found, "ssim").best) == {2}
    assert [[one.one.key for one in found.rows(setting)] for setting in found.settings] == [
        ["fid", "kid", "miou", "accuracy", "lpips", "ssim"],
        ["fid", "kid", "miou", "accuracy", "lpips", "ssim", "diversity"],
    ]


def test_what_the_seeds_do_not_tell_apart_stands_out_together_and_equals_not_at_all() -> None:
    def by_seed(value: float, spread: float) -> PictureEvaluation:
        one = score("fid", "by seed", value, sd=spread, sd_over="3 seeds", by_seed={0: value, 1: value, 2: value})
        return evaluation(scores=(one,))

    assert set(row(compared(by_seed(10, 1), by_seed(10.9, 0.1), by_seed(15, 1)), "fid", "by seed").best) == {0, 1}
    assert set(row(compared(by_seed(10, 0.1), by_seed(10.9, 0.1)), "fid", "by seed").best) == {0}
    assert not row(compared(by_seed(10, 1), by_seed(10.5, 1)), "fid", "by seed").best
    assert not row(with_scores(3, 3), "fid").best
    spread_of_pictures = with_scores(3, 3.5, sd=1.0, sd_over="74 pictures")
    assert set(row(spread_of_pictures, "fid").best) == {0}, "that sd says nothing of repetitions"
    assert not row(with_scores(3, 9, setting="by seed"), "fid", "by seed").best, "not known seed by seed"


def test_numbers_of_unlike_protocols_are_told_and_never_ranked() -> None:
    one, other = evaluation(shift=0), evaluation(shift=1)
    first, *rest = other.scores
    unlike = compared(one, dataclasses.replace(other, scores=(dataclasses.replace(first, protocol="else"), *rest)))
    assert row(unlike, "fid").remark and not row(unlike, "fid").best
    assert row(unlike, "miou").remark is None and row(unlike, "miou").best
    fewer = compared(one, dataclasses.replace(other, scores=(dataclasses.replace(first, count=70), *rest)))
    assert row(fewer, "fid").remark and not row(fewer, "fid").best
    assert "not to be compared" in Page(comparison_page(unlike)).text


@pytest.mark.parametrize("what", ["real", "size"])
def test_other_real_pictures_or_sizes_leave_nothing_to_rank(what: str) -> None:
    one, other = evaluation(shift=0), evaluation(shift=1)
    if what == "real":
        other = dataclasses.replace(other, real=dataclasses.replace(other.real, digest="12" * 32))
    else:
        other = dataclasses.replace(other, subject=dataclasses.replace(other.subject, size=(64, 64)))
    found = compared(one, other)
    assert not any(each.best for setting in found.settings for each in found.rows(setting))
    warning = next(found.warnings())
    assert "not to be compared" in warning and ("64×64" if what == "size" else "121212121212") in warning
    assert warning in Page(comparison_page(found)).text


def test_a_measure_that_one_lacks_has_a_dash_and_no_winner() -> None:
    one = evaluation()
    found = compared(one, dataclasses.replace(one, scores=one.scores[1:]))
    assert row(found, "fid").scores[1] is None and not row(found, "fid").best and row(found, "fid").remark is None
    assert "FID 31.20 / –" in found.headline()


def test_a_subset_of_seeds_is_taken_over_those_alone() -> None:
    found = evaluation()
    taken = with_seeds(found, (0, 2), where="a.json")
    for before, after in zip(found.scores, (taken.score(s.key, s.setting) for s in found.scores), strict=True):
        if before.setting != "by seed":
            assert after == before
            continue
        values = [before.by_seed[0], before.by_seed[2]]
        assert after is not None and after.value == pytest.approx(np.mean(values))
        assert after.sd == pytest.approx(np.std(values, ddof=1)) and after.sd_over == "2 seeds"
        assert (after.halves is None) == (before.halves is None)
        if before.halves is not None and after.halves is not None:
            at_half = {seed: before.halves.by_seed[seed] for seed in (0, 2)}
            assert after.halves.by_seed == at_half and after.halves.real == before.halves.real
            assert after.halves.generated == pytest.approx(np.mean(list(at_half.values())))
    assert taken.subject.seeds == (0, 2) and {one.seed for one in taken.rows} == {None, 0, 2}
    assert all(set(one.pictures) == {"own style"} for one in taken.classes), "known over all seeds alone"
    assert "of these the seeds 0, 2 alone" in taken.protocol
    single = with_seeds(found, (1,), where="a.json").score("fid", "by seed")
    assert single is not None and single.sd is None and single.sd_over is None and single.value == 31.2


def test_all_seeds_are_the_evaluation_itself_and_others_are_refused() -> None:
    found = evaluation()
    assert with_seeds(found, (2, 1, 0), where="a.json") is found
    with pytest.raises(UsageError, match=r"a.json: the seed 7 was not painted .* those that were: 0, 1, 2"):
        with_seeds(found, (0, 7), where="a.json")
    whole = dataclasses.replace(found.scores[-1], by_seed={})
    assert with_seeds(evaluation(scores=(found.scores[0], whole)), (0,), where="").scores == (found.scores[0],)


def test_pictures_of_seeds_alone_are_one_set_that_is_not_cut() -> None:
    found = evaluation()
    alone = dataclasses.replace(found, subject=dataclasses.replace(found.subject, of_seeds=True))
    with pytest.raises(UsageError, match=r"a\.json: its pictures of seeds were scored as one set.*leave --seeds out"):
        with_seeds(alone, (0, 2), where="a.json")


def test_the_document_has_every_row_with_all_values() -> None:
    found = compared(evaluation(shift=0), evaluation(shift=1))
    document = json.loads(comparison_json(found, ["1.json", "2.json"]))
    assert document["format"] == FORMAT and document["headline"] == found.headline()
    assert [one["evaluation"] for one in document["columns"]] == ["1.json", "2.json"]
    assert len(document["scores"]) == 13
    fid = document["scores"][0]
    assert fid["best"] == ["a"] and fid["values"]["a"]["value"] == 31.2 and fid["values"]["b"]["value"] == 32.2
    by_seed = next(one for one in document["scores"] if (one["key"], one["setting"]) == ("fid", "by seed"))
    assert by_seed["values"]["a"]["by_seed"].keys() == {"0", "1", "2"} and by_seed["values"]["a"]["sd"] > 0


def test_the_page_is_whole_and_shows_all_of_them_in_the_same_colours() -> None:
    curve = Curve("validation/fid", (1.0, 2.0), (90.0, 45.0))
    found = compared(evaluation(shift=0), evaluation(shift=1), evaluation(shift=2), curves=(curve,))
    source = comparison_page(found)
    page = Page(source)
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert "http" not in re.sub(r'src="data:[^"]+"', "", source) and "url(" not in source
    assert all(image["src"].startswith("data:image/jpeg;base64,") for image in page.images)
    for column in found.columns:
        for one in column.evaluation.scores:
            assert number(one.value) in page.text
        assert column.source in page.text and column.evaluation.headline() in page.text
    alts = [image["alt"] for image in page.images]
    assert alts.count("label map of 00000") == alts.count("photo of 00000") == 1
    assert {f"seed 1 of 00002 by {name}" for name in "abc"} <= set(alts)
    chart = source.split('<figure class="chart">')[1]
    assert re.findall(r'<g class="(s\d)"', chart) == ["s0", "s1", "s2"]
    assert '<span class="series s2"></span>c' in source and source.count('class="bar s2"') == 2 * 18


def test_names_are_escaped_and_saved_evaluations_say_that_they_hold_no_pictures() -> None:
    bare = evaluation()
    saved = dataclasses.replace(bare, cases=tuple(dataclasses.replace(one, look=None) for one in bare.cases))
    bad = "<script>&caf\udce9"
    found = Comparison((Column(bad, bad, saved), Column("b", "b", dataclasses.replace(saved, warnings=(bad,)))))
    source = comparison_page(found)
    source.encode("utf-8")
    page = Page(source)
    assert "script" not in page.tags and "<script>&caf\\udce9" in page.text and not page.images
    assert "lie in evaluation-faces/" in page.text and "Training" not in page.text
    assert "<bdi>&lt;script&gt;" in source and ".name, .file, .what, .key span { unicode-bidi: isolate; }" in source
    json.loads(comparison_json(found))
    one = Comparison((Column("saved", "s", saved), Column("new", "n", bare)))
    alts = {image["alt"] for image in Page(comparison_page(one)).images}
    assert "own style of 00000 by new" in alts and "label map of 00000" in alts
    assert not any("saved" in alt for alt in alts)


def test_saved_evaluations_show_what_was_kept_of_the_same_faces(tmp_path: Path) -> None:
    for name, found in (("a", evaluation()), ("b", evaluation("other", shift=1))):
        kept, files = kept_faces(found)
        for file, data in files.items():
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).write_bytes(data)
        (tmp_path / name / "evaluation.json").write_text(evaluation_json(kept, ()), encoding="utf-8")
    a, b = (read_evaluation(tmp_path / name / "evaluation.json").evaluation for name in "ab")
    alts = [image["alt"] for image in Page(comparison_page(compared(a, b))).images]
    assert {f"{title} of 00002 by {name}" for title in ("own style", "seed 1", "parsed again") for name in "ab"} <= {
        *alts
    }
    assert alts.count("label map of 00000") == alts.count("photo of 00000") == 1
    fewer = [with_seeds(one, (0, 2), where="") for one in (a, b)]
    alts = [image["alt"] for image in Page(comparison_page(compared(*fewer))).images]
    assert "seed 2 of 00002 by a" in alts and "seed 1 of 00002 by a" not in alts
    elsewhere = dataclasses.replace(b, real=dataclasses.replace(b.real, digest="12" * 32))
    page = Page(comparison_page(compared(a, elsewhere)))
    alts = [image["alt"] for image in page.images]
    assert "own style of 00002 by a" in alts and not any(alt.endswith("by b") for alt in alts)
    assert "It was scored on other photos." in page.text
