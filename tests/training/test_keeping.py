"""The weights of the best moment and of the last validation are kept, and can be used as any others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from facesynth import weights
from facesynth.core.errors import TrainingError
from facesynth.core.styles import Style
from facesynth.inference.parser import Parser
from facesynth.inference.synthesizer import Synthesizer
from facesynth.training.keeping import Keeper
from facesynth.training.runs.settings import Data, Schedule, Watch
from facesynth.training.start import train_parser, train_spade
from tests.drawn_pairs import drawn_face, drawn_labels, write_pairs
from tests.training.test_runs import ignore, parser_run, spade_run


def keeper(folder: Path, *measures: str) -> Keeper:
    def save(path: Path, images: int, more: Mapping[str, str]) -> None:
        path.write_text(f"{images} {more['score']}")

    return Keeper(folder, "run", measures, 40, save)


@pytest.mark.parametrize(
    ("measure", "values", "best"),
    [
        ("validation/mean_iou", [0.2, 0.5, 0.4], 20),
        ("validation/reparse/pixel_accuracy", [0.9, 0.5, 0.4], 10),
        ("validation/frechet/some-parser", [9.0, 5.0, float("nan")], 20),
        ("validation/l1", [9.0, 9.0, 8.0], 30),
        ("validation/inception_score", [2.0, 7.0, 5.0], 20),
        ("validation/diversity", [0.2, 0.1, 0.6], 30),
    ],
)
def test_the_best_is_the_highest_of_accuracies_and_the_lowest_of_distances(
    tmp_path: Path, measure: str, values: list[float], best: int
) -> None:
    for index, value in enumerate(values, start=1):
        hears = keeper(tmp_path, "validation/absent", measure)  # anew each time, as when a run goes on
        hears(10 * index, {"validation/other": 1.0, measure: value})
    assert hears.best.read_text().startswith(f"{best} {measure} ")
    assert hears.last.read_text().startswith("30 ")
    hears(40, {measure: values[0]})
    assert not hears.last.exists(), "the finished weights are the last ones"


def test_a_name_stands_for_what_is_below_it_and_for_nothing_else(tmp_path: Path) -> None:
    hears = keeper(tmp_path, "validation/frechet")
    hears(10, {"validation/frechet/parser": 3.0})
    assert hears.best.is_file()
    with pytest.raises(
        TrainingError, match=r"no validation tells validation/frechet; .*--set best=validation/frechets"
    ):
        hears(20, {"validation/frechets": 1.0})


def test_nothing_is_kept_where_nobody_is_held_out(tmp_path: Path) -> None:
    keeper(tmp_path, "validation/l1")(10, {})
    assert not list(tmp_path.iterdir())


def test_a_score_by_another_measure_is_no_rival(tmp_path: Path) -> None:
    keeper(tmp_path, "validation/l1")(10, {"validation/l1": 1.0})
    hears = keeper(tmp_path, "validation/perceptual")
    hears(20, {"validation/perceptual": 5.0})
    assert hears.best.read_text().startswith("20 ")


def test_kept_weights_of_real_runs_paint_and_parse(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs", 8)
    (tmp_path / "split.json").write_text(json.dumps({"train": [f"00{i}" for i in range(6)], "validation": ["006"]}))
    told = {
        "data": Data(folder=str(pairs), split="split.json"),
        "every": Schedule(stats=8, validation=8, samples=0, checkpoint=8),
    }
    generator = spade_run(pairs, images=16, watch=Watch(faces=0), **told)
    assert train_spade(generator, tmp_path, base=tmp_path, device="cpu", report=ignore)
    assert train_parser(parser_run(pairs, images=16, **told), tmp_path, base=tmp_path, device="cpu", report=ignore)
    painted = Synthesizer.load(tmp_path / "tiny/tiny-best.safetensors", device="cpu")(
        [drawn_labels(0)], [Style.from_seed(0)]
    )
    assert painted[0].width == 64
    best = tmp_path / "tiny-parser/tiny-parser-best.safetensors"
    assert Parser.load(best, device="cpu", engine="eager")([drawn_face(drawn_labels(0), 0)])
    header, record = weights.read_header(best), json.loads((tmp_path / "tiny-parser/best.json").read_text())
    assert header["images_shown"] == str(record["nimg"]) and header["score"].startswith("validation/mean_iou ")
    with pytest.raises(ValueError, match="name a score of a validation"):
        parser_run(pairs, best="mean_iou")
