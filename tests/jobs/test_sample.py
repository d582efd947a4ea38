"""Which pictures are made of seeds and classes, what they are called, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from facesynth.core.errors import FacesynthError, UsageError
from facesynth.core.image_files import read_photo
from facesynth.core.refs import Outcome
from facesynth.inference.conditions import class_of_seed
from facesynth.inference.residual_weights import ResidualWeights, read_residual_weights
from facesynth.jobs.execution import Execution
from facesynth.jobs.sample import Draw, count_of, draws, file_names, sample
from facesynth.jobs.session import Session
from facesynth.stages.sample import Sample, SampleStage, Wanted
from facesynth.store import ArtifactStore
from tests.jobs.conftest import Listener
from tests.tiny_generators import PETS, tiny_spec, write_generator

PLAIN, OF_PETS = tiny_spec("batch"), tiny_spec("cbn", 3)
NOWHERE = Path("nowhere.safetensors")
Run = Callable[..., Session]


def told(classes: tuple[str, ...] = PETS) -> ResidualWeights:
    return ResidualWeights(NOWHERE, OF_PETS, classes)


def names(wanted: Iterator[Draw] | Any) -> list[str]:
    return [draw.name for draw in wanted]


def test_without_classes_every_seed_is_made_once() -> None:
    wanted = list(draws(ResidualWeights(NOWHERE, PLAIN, ()), seeds=(0, 3, 8)))
    assert names(wanted) == ["seed0", "seed3", "seed8"] and {draw.condition for draw in wanted} == {None}
    drawn = list(draws(told(), seeds=range(30)))
    assert [draw.condition for draw in drawn] == [class_of_seed(seed, 3) for seed in range(30)]


def test_with_classes_every_seed_is_made_in_each() -> None:
    how: dict[str, Any] = {"seeds": (4, 5), "classes": ("dog", "0", "2", "DOG")}
    wanted = list(draws(told(), **how))
    assert names(wanted) == [
        f"seed{seed}_{name}" for name in ("dog", "cat", "class2") for seed in (4, 5)
    ]  # a space in a name is no name of a file
    assert [draw.condition for draw in wanted] == [1, 1, 0, 0, 2, 2]
    assert count_of(told(), (4, 5), how["classes"], None) == 6 == len(wanted)
    assert names(draws(told(()), seeds=(4,), classes=("1",))) == ["seed4_class1"]


def test_so_many_of_each_class_never_share_a_seed() -> None:
    wanted = list(draws(told(), seeds=(9,), per_class=25))
    assert sorted(draw.seed for draw in wanted) == list(range(75)) and count_of(told(), (9,), (), 25) == 75
    assert [sum(draw.condition == each for draw in wanted) for each in range(3)] == [25] * 3
    assert {draw.row for draw in wanted} == {f"{name} {part}" for name in PETS for part in (1, 2)}


def test_attributes_weigh_all_classes() -> None:
    wanted = list(draws(told(), seeds=(1, 2), attributes={"dog": 1.0, "cat": -0.5}))
    assert {draw.condition for draw in wanted} == {(-0.5, 1.0, 0.0)} and names(wanted) == ["seed1", "seed2"]


def test_attributes_are_never_drawn_by_a_seed() -> None:
    of_faces = ResidualWeights(NOWHERE, OF_PETS, PETS, multi=True)
    for per_class in (None, 3):
        with pytest.raises(UsageError, match="give --attributes"):
            draws(of_faces, seeds=(0, 1), per_class=per_class)
    wanted = list(draws(of_faces, seeds=(0, 1), attributes={"dog": 1.0, "cat": 1.0}))
    assert {draw.condition for draw in wanted} == {(1.0, 1.0, 0.0)}
    assert [draw.condition for draw in draws(of_faces, seeds=(0,), classes=("dog",))] == [1], "that one alone"


def test_a_run_of_fifty_thousand_is_not_laid_out_ahead() -> None:
    wanted = draws(told(), seeds=(0,), per_class=10**9)
    assert next(iter(wanted)).name == "seed0_cat"


@pytest.mark.parametrize(
    ("classes", "more", "said"),
    [
        (0, {"classes": ("cat",)}, "no classes"),
        (0, {"per_class": 3}, "no classes"),
        (0, {"attributes": {"dog": 1.0}}, "no classes"),
        (3, {"classes": ("bird",)}, "known are"),
        (3, {"attributes": {"dgo": 1.0}}, "did you mean dog"),
    ],
)
def test_classes_that_are_not_there_are_told_at_once(classes: int, more: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        draws(told() if classes else ResidualWeights(NOWHERE, PLAIN, ()), seeds=(0,), **more)


def test_names_of_classes_are_names_of_files_everywhere_and_tell_them_apart() -> None:
    odd = ("../up", "cat", "Cat", "", "a" * 200, "5_o_Clock_Shadow", "chien été")
    assert file_names(range(7), odd) == {
        0: "class0", 1: "class1", 2: "class2", 3: "class3", 4: "class4", 5: "5_o_Clock_Shadow", 6: "class6"
    }  # fmt: skip


def test_no_class_is_called_what_another_is_called_by_its_id() -> None:
    names = ("class2", "a", "x/y", "Class0", "class", "class_1")
    found = file_names(range(6), names)
    assert found == {0: "class0", 1: "a", 2: "class2", 3: "class3", 4: "class", 5: "class_1"}
    assert len({name.casefold() for name in found.values()}) == 6


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Carry out the job on weights of three classes, into a folder called `out`."""
    path = write_generator(tmp_path / "pets.safetensors", OF_PETS, PETS)

    def carried_out(stage: SampleStage | None = None, *, grid: bool = False, batch: int = 4, **how: Any) -> Session:
        execution = Execution(
            store=ArtifactStore(tmp_path / "cache"), progress=Listener(), batch_size=batch, **how.pop("execution", {})
        )
        found = read_residual_weights(path)
        wanted = draws(found, **how)
        count = count_of(found, how["seeds"], how.get("classes", ()), how.get("per_class"))
        session = Session("sample", [path], tmp_path / "out", execution, suffixes=frozenset({".safetensors"}))
        with session:
            sample(session, stage or SampleStage(str(path), 16, device="cpu"), found, wanted, count=count, grid=grid)
        return session

    return carried_out


def test_pictures_are_the_same_whatever_the_batch_and_are_found_again(tmp_path: Path, run: Run) -> None:
    first = run(seeds=range(7), batch=4)
    assert first.report.counts["done"] == 7
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.png")}
    assert set(before) == {f"seed{seed}.png" for seed in range(7)}
    again = run(seeds=range(9), batch=3)
    assert (again.report.counts["cached"], again.report.counts["done"]) == (7, 2)
    run(seeds=range(7), batch=2, execution={"force": True})
    assert all((tmp_path / "out" / name).read_bytes() == data for name, data in before.items())


def test_a_class_that_is_named_is_the_same_picture_as_one_that_is_drawn(tmp_path: Path, run: Run) -> None:
    run(seeds=(0,))
    again = run(seeds=(0,), classes=(str(class_of_seed(0, 3)),))
    assert again.report.counts["cached"] == 1
    one, other = sorted((tmp_path / "out").glob("seed0*.png"))
    assert one.read_bytes() == other.read_bytes()


def test_the_grid_has_a_row_a_class_beside_the_pictures(tmp_path: Path, run: Run) -> None:
    session = run(seeds=range(4), classes=("cat", "dog"), grid=True)
    sheet = read_photo(tmp_path / "out" / "sheet.png")
    assert sheet.height < 3 * 72 and sheet.width > 4 * 64
    assert b"Synthetic" in (tmp_path / "out" / "sheet.png").read_bytes()
    rows = sorted(session.report.rows, key=lambda row: str(row.about["class"]))
    assert rows[0].part == "seed 0, cat" and rows[0].about == {"seed": 0, "class": "0 (cat)"}
    assert len(rows) == 8 and all(
        row.outputs == (f"seed{row.about['seed']}_{PETS[i // 4]}.png",) for i, row in enumerate(rows)
    )


def test_a_dry_run_counts_and_makes_nothing(tmp_path: Path, run: Run) -> None:
    run(seeds=(1,))
    session = run(seeds=range(5), grid=True, execution={"dry_run": True})
    assert session.estimate.missing == {"sample": 4} and session.report.counts["cached"] == 1
    assert not (tmp_path / "out" / "seed0.png").exists() and not (tmp_path / "out" / "sheet.png").exists()


class Choosy(SampleStage):
    """Cannot make seed 2."""

    def __call__(self, batch: Any) -> list[Outcome[Sample]]:
        wanted: list[Wanted] = list(batch)
        if any(seed == 2 for seed, _ in wanted):
            raise FacesynthError("no twos")
        return super().__call__(wanted)


def test_what_fails_is_told_and_the_others_are_made(tmp_path: Path, run: Run) -> None:
    session = run(Choosy(str(tmp_path / "pets.safetensors"), 16, device="cpu"), seeds=range(4), grid=True)
    assert session.report.exit_code == 3 and session.report.counts["done"] == 3
    [problem] = session.report.rows.problems
    assert problem.part == "seed 2" and problem.reason == "no twos"
    assert (tmp_path / "out" / "sheet.png").exists() and not (tmp_path / "out" / "seed2.png").exists()
