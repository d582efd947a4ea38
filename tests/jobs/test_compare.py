"""What may be compared, how all is evaluated alike, and what is written of it."""

from __future__ import annotations

import dataclasses
import gc
import json
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from facesynth.core.errors import InputError, UsageError, WeightsMissing
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.styles import Style
from facesynth.evaluation.held_out import open_held_out
from facesynth.evaluation.pictures.curves import STATS
from facesynth.evaluation.pictures.document import evaluation_json, read_evaluation
from facesynth.evaluation.pictures.results import PictureEvaluation
from facesynth.evaluation.pictures.rows_file import ROWS
from facesynth.jobs.compare.candidates import SEEDS, Candidate, candidates, chosen_seeds
from facesynth.jobs.compare.files import ComparisonFiles, evaluation_names
from facesynth.jobs.compare.job import compare
from facesynth.jobs.compare.scoring import Scoring, scoring_of
from facesynth.jobs.evaluate.files import EvaluationFiles, picture_contents
from facesynth.jobs.evaluate.generator_passes import GeneratorStages
from facesynth.jobs.evaluate.seeds import MOST_SEEDS
from facesynth.jobs.execution import Execution
from facesynth.store import ArtifactStore
from tests.coded_parser import write_coded_pairs
from tests.evaluation.pictures.drawn_evaluations import evaluation
from tests.jobs.conftest import Listener
from tests.jobs.evaluate.coded_generator import CodedPainter, coded_stages


def saved(path: Path, found: PictureEvaluation | None = None) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(evaluation_json(found or evaluation()))
    return str(path)


@pytest.fixture
def execution(tmp_path: Path) -> Execution:
    return Execution(store=ArtifactStore(tmp_path / "cache"), progress=Listener(), batch_size=3)


def run_folder(path: Path, *weights: str) -> str:
    path.mkdir(parents=True)
    (path / "run.json").write_text("{}")
    (path / STATS).write_text('{"nimg": 8, "validation/l1": 0.5}\n')
    for name in weights:
        (path / f"{name}.safetensors").write_bytes(b"")
    return str(path)


def test_weights_runs_and_saved_evaluations_are_told_apart(tmp_path: Path) -> None:
    run, file = run_folder(tmp_path / "runs/wide", "wide", "wide-best"), saved(tmp_path / "a.json")
    folder = str(Path(saved(tmp_path / "scores/evaluation.json", evaluation("other"))).parent)
    found = candidates(["generator-spade-256-v2", "dir/mine.safetensors", run, file, folder])
    assert [one.name for one in found] == ["generator-spade-256-v2", "mine", "wide", "spade-128-v1", "other"]
    assert [one.weights for one in found] == [
        "generator-spade-256-v2", "dir/mine.safetensors", str(tmp_path / "runs/wide/wide.safetensors"), None, None,
    ]  # fmt: skip
    assert found[3].saved == read_evaluation(Path(file)) and found[4].saved is not None


def test_names_that_are_alike_are_told_apart(tmp_path: Path) -> None:
    one, two = saved(tmp_path / "a.json"), saved(tmp_path / "b.json")
    assert [each.name for each in candidates([one, two, "x"])] == [
        f"spade-128-v1 ({one})",
        f"spade-128-v1 ({two})",
        "x",
    ]


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda path: ["one"], UsageError, "two or more; to score one, run: facesynth evaluate generator"),
        (lambda path: ["one", "one"], UsageError, "one: is given twice"),
        (lambda path: ["x", str(path)], UsageError, "neither a training run nor an evaluation"),
        (lambda path: ["x", run_folder(path / "r")], UsageError, "no finished weights yet; let `facesynth train`"),
        (
            lambda path: ["x", run_folder(path / "r", "r-best", "r-last")],
            UsageError,
            "no finished weights yet; give one",
        ),
        (lambda path: ["x", run_folder(path / "r", "a", "b")], UsageError, "holds 2 weights files"),
        (lambda path: ["x", str(path / "gone.json")], InputError, "cannot be read"),
        (lambda path: ["x", str(Path(run_folder(path / "r")) / "run.json")], InputError, "no evaluation of pictures"),
    ],
    ids=["one", "twice", "folder", "unfinished", "best and last", "two weights", "gone", "another JSON"],
)
def test_what_cannot_be_compared_is_told(
    tmp_path: Path, make: Callable[[Path], list[str]], error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as told:
        candidates(make(tmp_path))
    assert said in str(told.value)


def test_what_is_to_be_evaluated_needs_data_and_nothing_else_takes_it(tmp_path: Path) -> None:
    weights = [Candidate("a", "a", weights="a")]
    ready = [Candidate("b", "b", saved=read_evaluation(Path(saved(tmp_path / "b.json"))))]
    with pytest.raises(UsageError, match="a: is not evaluated yet; give --data"):
        scoring_of([*ready, *weights], None)
    with pytest.raises(UsageError, match="evaluated already"):
        scoring_of(ready, tmp_path, features="judge", perceptual="judge")
    with pytest.raises(UsageError, match="--data: give that too"):
        scoring_of(ready, None, split="official")
    assert scoring_of(ready, None) is None


def test_seeds_are_those_asked_for_or_the_saved_ones_or_three(tmp_path: Path) -> None:
    found = evaluation()
    five = dataclasses.replace(found, subject=dataclasses.replace(found.subject, seeds=(5, 6)))
    ready = [Candidate("b", "b", saved=read_evaluation(Path(saved(tmp_path / "b.json", five))))]
    new = [Candidate("a", "a", weights="a")]
    assert chosen_seeds([*new, *ready], None) == (5, 6) and chosen_seeds(new, None) == SEEDS
    assert chosen_seeds(ready, [1]) == (1,)


def test_saved_evaluations_are_set_side_by_side(tmp_path: Path, execution: Execution) -> None:
    found = candidates([saved(tmp_path / "a.json"), saved(tmp_path / "b.json", evaluation("other", shift=1))])
    comparison = compare(found, None, execution)
    assert comparison.names == ["spade-128-v1", "other"] and comparison.exit_code == 3, "one face was left out"
    fewer = compare(found, None, execution, seeds=(0, 1))
    assert {column.evaluation.subject.seeds for column in fewer.columns} == {(0, 1)}
    with pytest.raises(UsageError, match="the seed 9 was not painted"):
        compare(found, None, execution, seeds=(0, 9))


class CodedScoring:
    """What scores, the same for all; `alive` are the painters' networks that were there when the next one's came."""

    def __init__(self, weights: Path) -> None:
        self.shared = coded_stages(weights)
        self.networks: list[weakref.ref[Network]] = []
        self.alive: list[int] = []

    def of(self, generator: str, *, precision: str = "float32") -> GeneratorStages:
        gc.collect()
        self.alive.append(sum(one() is not None for one in self.networks))
        return dataclasses.replace(self.shared, synthesize=LoadingPainter(networks=self.networks), precision=precision)


class Network:
    """What a painter loads."""


@dataclasses.dataclass
class LoadingPainter(CodedPainter):
    """Loads a network by its first call, as the real one does."""

    networks: list[weakref.ref[Network]] = dataclasses.field(default_factory=list)
    network: Network | None = dataclasses.field(init=False, default=None)

    def __call__(self, batch: Sequence[tuple[LabelMap, Style]]) -> list[Photo]:
        if self.network is None:
            self.network = Network()
            self.networks.append(weakref.ref(self.network))
        return CodedPainter.__call__(self, batch)


def scoring(data: Path, monkeypatch: pytest.MonkeyPatch, coded: CodedScoring) -> Scoring:
    """How to evaluate with the coded generator, whatever its name."""
    monkeypatch.setattr(Scoring, "stages", lambda self: coded)
    weights = str(data)
    return Scoring(
        held_out=open_held_out(data), judge="coded-judge", features=weights, perceptual=weights, metrics=("fid",)
    )


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.stages.test_replaced_weights import write_weights

    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, 0)
    return path


def test_generators_are_evaluated_alike_and_what_is_written_can_be_compared_again(
    tmp_path: Path, execution: Execution, monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    data = write_coded_pairs(tmp_path / "pairs", 4)
    run = run_folder(tmp_path / "runs/wide", "wide")
    found = candidates(["plain", run])
    comparison = compare(found, scoring(data, monkeypatch, CodedScoring(weights)), execution, seeds=(0, 1))
    plain, wide = comparison.columns
    assert plain.evaluation.settings["generator"] == "plain" and wide.evaluation.settings["seeds"] == [0, 1]
    assert [curve.measure for curve in wide.curves] == ["validation/l1"] and not plain.curves
    assert plain.evaluation.scores == wide.evaluation.scores, "they are the same network"
    assert not any(row.best or row.remark for row in comparison.rows("by seed"))

    files = ComparisonFiles.into(tmp_path / "out", [data], ["plain", run])
    files.write(comparison)
    names = ["1-plain", "2-wide"]
    assert sorted(path.name for path in (tmp_path / "out/evaluations").iterdir()) == names
    document = json.loads((tmp_path / "out/comparison.json").read_text())
    assert [one["evaluation"] for one in document["columns"]] == [
        f"evaluations/{name}/evaluation.json" for name in names
    ]
    assert "validation/l1" in (tmp_path / "out/report.html").read_text()
    again = compare(candidates([str(tmp_path / "out/evaluations" / name) for name in names]), None, execution)
    assert [one.evaluation for one in again.columns] == [one.evaluation for one in comparison.columns]
    assert again.columns[1].curves == wide.curves
    for column, before in zip(again.columns, comparison.columns, strict=True):
        assert list(column.evaluation.rows) == list(before.evaluation.rows) and len(list(column.evaluation.rows)) == 12


def test_what_scores_is_loaded_once_and_what_paints_goes_before_the_next_one_comes(
    tmp_path: Path, execution: Execution, monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    coded, given = CodedScoring(weights), ["a", "b", "c"]
    data = write_coded_pairs(tmp_path / "pairs", 3)
    forced = dataclasses.replace(execution, force=True)
    comparison = compare(candidates(given), scoring(data, monkeypatch, coded), forced, seeds=(0,))
    assert len(coded.networks) == 3, "each painted"
    assert coded.alive == [0] * 6, "the reports, which are kept, keep no network"
    case = comparison.columns[0].evaluation.cases[0]
    assert case.look is not None and case.look().own is not None, "and still show what was painted"


def test_too_many_seeds_are_told_before_anything_is_painted(
    tmp_path: Path, execution: Execution, monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    coded = CodedScoring(weights)
    how = scoring(write_coded_pairs(tmp_path / "pairs", 3), monkeypatch, coded)
    with pytest.raises(UsageError, match=f"at most {MOST_SEEDS}; give fewer"):
        compare(candidates(["a", "b"]), how, execution, seeds=range(MOST_SEEDS + 1))
    assert not coded.networks


def test_the_settings_that_are_told_are_those_of_evaluate_generator_all_settled(
    tmp_path: Path, execution: Execution, monkeypatch: pytest.MonkeyPatch, weights: Path
) -> None:
    data = write_coded_pairs(tmp_path / "pairs", 3)
    comparison = compare(
        candidates(["a", "b"]), scoring(data, monkeypatch, CodedScoring(weights)), execution, seeds=(0,)
    )
    told = comparison.columns[0].evaluation.settings
    assert told["identity"] is False and told["metrics"] == ["fid"] and told["seeds"] == [0]
    assert list(told) == [
        "data", "split", "side", "truth_schema", "generator", "seeds", "judge", "features", "perceptual", "metrics",
        "identity", "precision", "device",
    ]  # fmt: skip


def test_what_any_of_them_lacks_is_told_before_the_first_one_paints(
    tmp_path: Path, execution: Execution, weights: Path
) -> None:
    data = write_coded_pairs(tmp_path / "pairs", 2)
    found = [Candidate("tiny", "tiny", weights=str(weights)), Candidate("gone", "gone", weights="gone.safetensors")]
    how = scoring_of(found, data, judge=str(weights), features=str(weights), perceptual=str(weights), identity=False)
    with pytest.raises(WeightsMissing, match="gone"):
        compare(found, how, execution)
    assert not (tmp_path / "cache").exists()


def test_an_evaluation_that_is_compared_is_never_overwritten(tmp_path: Path, execution: Execution) -> None:
    one = saved(tmp_path / "out/evaluations/1-spade-128-v1/evaluation.json")
    before, other = Path(one).read_bytes(), saved(tmp_path / "b.json", evaluation("other"))
    changed = compare(candidates([one, other]), None, execution, seeds=(0,))
    with pytest.raises(Exception, match="never overwritten"):
        ComparisonFiles.into(tmp_path / "out", [], [one, other]).write(changed)
    assert Path(one).read_bytes() == before


def test_names_of_files_are_plain_and_differ() -> None:
    from facesynth.evaluation.comparison.columns import Column
    from facesynth.evaluation.comparison.comparison import Comparison

    found = Comparison(tuple(Column(name, name, evaluation(faces=0)) for name in ("../a b/ü", "x" * 300, "../a-b/ü")))
    names = evaluation_names(found)
    assert len(set(names)) == 3 and all(name.count("/") == 2 and len(name) < 120 for name in names)


def test_the_report_and_faces_of_what_is_compared_are_never_written_over(tmp_path: Path) -> None:
    one = Path(saved(tmp_path / "g1/evaluation.json")).parent
    for name in ("report.html", "evaluation-faces/1-own.jpg"):
        (one / name).parent.mkdir(exist_ok=True)
        (one / name).write_bytes(b"its own")
    for given in (str(one), str(one / "evaluation.json")):
        with pytest.raises(UsageError, match=r"its report\.html is that of an evaluation that is compared"):
            ComparisonFiles.into(one, [], [given])
        with pytest.raises(UsageError, match="inside the input folder"):
            ComparisonFiles.into(one / "evaluation-faces", [], [given])
    flat = saved(tmp_path / "flat/a.json")
    (tmp_path / "flat/report.html").write_bytes(b"of an earlier comparison")
    ComparisonFiles.into(tmp_path / "flat", [], [flat])


def test_one_evaluation_is_given_twice_however_it_is_spelled(tmp_path: Path) -> None:
    file = saved(tmp_path / "g1/evaluation.json")
    folder = str(tmp_path / "g1")
    for again in (f"{folder}/", f"{folder}/../g1", file):
        with pytest.raises(UsageError, match="is given twice"):
            candidates([folder, again])


def test_a_copy_does_not_say_for_ever_what_could_not_be_read_once(tmp_path: Path, execution: Execution) -> None:
    for name in "ab":
        EvaluationFiles.into(tmp_path / name, [], []).write(picture_contents(evaluation(name)))
    (tmp_path / "a" / ROWS).write_text("another one's")
    given = [str(tmp_path / name) for name in "ab"]
    comparison = compare(candidates(given), None, execution)
    assert any(f"a: {ROWS} beside it is not the one" in told for told in comparison.warnings())
    ComparisonFiles.into(tmp_path / "c", [], given).write(comparison)
    copies = [tmp_path / "c" / name for name in evaluation_names(comparison)]
    assert [(copy.parent / ROWS).is_file() for copy in copies] == [False, True]
    assert "is not the one" not in copies[0].read_text() and read_evaluation(copies[0]).passed_by == ()
    few = compare(candidates(given), None, execution, seeds=(0,))
    ComparisonFiles.into(tmp_path / "few", [], given).write(few)
    assert [path.parent.name for path in (tmp_path / "few").rglob(ROWS)] == ["2-b"], "nor of some of its seeds"
