"""Tiny parser runs with each ingredient: they are told in the statistics, change the result, and resume exactly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from facesynth import weights
from facesynth.core.errors import ConfigError, TrainingError, UsageError
from facesynth.core.image_files import write_photo
from facesynth.core.labels import FLIP_TABLE
from facesynth.inference import networks
from facesynth.models.specs import DiscriminatorSpec, ParserSpec
from facesynth.training.parser.teacher import Teaching
from facesynth.training.runs.parser import ParserRun, Teacher
from facesynth.training.runs.settings import Augment, Data, Schedule
from facesynth.training.start import make_fabric, train_parser
from tests.drawn_pairs import drawn_face, drawn_labels, write_pairs
from tests.training.parser.test_unlabelled import picture

CRITIC = DiscriminatorSpec(scales=1, layers=2, width=4, max_width=8)
SPEC = ParserSpec(size=64, pyramid_channels=8, detail_channels=8)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs, a split of them, unlabelled faces, and a finished parser `runs/plain`."""
    folder = tmp_path_factory.mktemp("parser")
    write_pairs(folder / "pairs", 6)
    (folder / "split.json").write_text(json.dumps({"train": [f"00{i}" for i in range(4)], "validation": ["004"]}))
    for seed in range(5):
        write_photo(picture(seed), folder / "faces" / f"{seed}.png")
    train(folder, name="plain")
    return folder


def train(place: Path, **changes: Any) -> tuple[Path, list[Mapping[str, float]]]:
    """A run's weights and its statistics."""
    run = ParserRun(
        name="run",
        data=Data(folder=str(place / "pairs"), split="split.json"),
        parser=SPEC,
        backbone=None,
        images=16,
        batch_size=4,
        warmup_images=0,
        ema_half_life=20,
        discriminator=CRITIC,
        every=Schedule(stats=8, validation=0, samples=0, checkpoint=8),
    )
    told: list[Mapping[str, float]] = []
    config = replace(run, **changes)
    path = train_parser(config, place / "runs", base=place, device="cpu", report=lambda _, values: told.append(values))
    assert path is not None
    return path, told


def same(one: Path, other: Path) -> bool:
    first, second = load_file(one), load_file(other)
    return first.keys() == second.keys() and all(np.array_equal(first[key], second[key]) for key in first)


INGREDIENTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "boundary": ({"boundary": 2.0}, set()),
    "rare": ({"rare_repeat": 0.9, "class_balance": 0.0}, set()),
    "adversarial": ({"adversarial": 0.5}, {"loss/adversarial", "loss/discriminator"}),
    "self": ({"teacher": Teacher(folders=("faces",), ramp_images=8)}, {"loss/teacher", "teacher/counting"}),
    "distilled": ({"teacher": Teacher(weights=("runs/plain/plain.safetensors",), flip=True)}, {"loss/teacher"}),
    "both": (
        {
            "teacher": Teacher(weights=("runs/plain/plain.safetensors",), folders=("faces",), share=0.25),
            "adversarial": 0.1,
        },
        {"loss/teacher", "loss/adversarial"},
    ),
    "bf16": ({"teacher": Teacher(folders=("faces",)), "adversarial": 0.1, "precision": "bf16"}, {"loss/teacher"}),
    "lraspp": ({"parser": replace(SPEC, trunk="efficientnet-lite0", head="lraspp")}, set()),
}


@pytest.mark.parametrize("name", INGREDIENTS)
def test_each_ingredient_is_told_matters_and_resumes_exactly(place: Path, name: str) -> None:
    changes, losses = INGREDIENTS[name]
    whole, told = train(place, name=f"{name}-whole", **changes)
    assert losses <= told[-1].keys()
    assert all(np.isfinite(value) for key, value in told[-1].items() if not key.startswith("validation/iou"))
    assert not same(whole, place / "runs/plain/plain.safetensors")
    # The schedule follows the images that are planned: the same plan, stopped in the middle.
    again = place / "runs" / f"{name}-again"
    again.mkdir()
    shutil.copy(place / "runs" / f"{name}-whole" / "checkpoint-0000000008.pt", again)
    assert same(train(place, name=f"{name}-again", **changes)[0], whole)


def test_another_teacher_or_other_faces_do_not_go_on_from_a_run(place: Path) -> None:
    settings = Teacher(weights=("runs/plain/plain.safetensors",), folders=("faces",))
    train(place, name="taught", images=8, teacher=settings)
    moved = place / "moved"
    (place / "faces").rename(moved)
    train(place, name="taught", teacher=replace(settings, folders=(str(moved),)))
    write_photo(picture(99), moved / "99.png")
    with pytest.raises(TrainingError, match="other settings: data"):
        train(place, name="taught", images=24, teacher=replace(settings, folders=("moved",)))
    (moved / "99.png").unlink()
    other, _ = train(place, name="other", images=8, seed=1)
    with pytest.raises(TrainingError, match="other settings: data"):
        train(place, name="taught", images=24, teacher=replace(settings, weights=(str(other),), folders=("moved",)))
    moved.rename(place / "faces")


def test_a_held_out_face_is_left_out_of_the_unlabelled_ones(place: Path) -> None:
    write_photo(drawn_face(drawn_labels(4), 4), place / "some" / "another-name.png")
    with pytest.raises(ConfigError, match=r"teacher\.folders: all unlabelled faces are held out"):
        train(place, name="leaky", teacher=Teacher(folders=("some",)))
    write_photo(picture(7), place / "some" / "stranger.png")
    train(place, name="tight", teacher=Teacher(folders=("some",)))
    assert json.loads((place / "runs/tight/left-out-teacher.json").read_text())["held_out"] == [0]


def test_a_teacher_without_anything_to_teach_is_refused(place: Path) -> None:
    with pytest.raises(UsageError, match=r"--set teacher\.folders=\[DIR\]"):
        train(place, name="mute", teacher=Teacher())
    with pytest.raises(ValueError, match=r"teacher\.share 0\.05 of a batch of 4 is 0 faces"):
        train(place, name="mute", teacher=Teacher(folders=("faces",), share=0.05))
    with pytest.raises(ValueError, match="confidence is 2"):
        Teacher(confidence=2)
    assert not (place / "runs/mute").exists()


def test_an_onnx_file_does_not_teach(place: Path) -> None:
    (place / "p.onnx").write_bytes(b"a graph")
    with pytest.raises(ConfigError, match=r"p\.onnx: a teacher cannot be an ONNX file; name facesynth's own weights"):
        train(place, name="foreign", teacher=Teacher(weights=("p.onnx",)))


def test_a_teacher_asked_for_both_sides_answers_alike_for_mirrored_faces(place: Path) -> None:
    fabric = make_fabric("cpu", "float32")
    spec, network = networks.load(place / "runs/plain/plain.safetensors", ("parser",), torch.device("cpu"))["parser"]
    faces = torch.rand(2, 3, 80, 80, generator=torch.Generator().manual_seed(0))
    mirror = torch.from_numpy(FLIP_TABLE.copy()).long()
    for flip in (True, False):
        teaching = Teaching([(network, spec)], Teacher(flip=flip), fabric)
        one, other = teaching(faces, 32), teaching(faces.flip(-1), 32)
        assert one.shape == (2, 19, 32, 32) and not one.requires_grad
        assert torch.allclose(one, other.flip(-1)[:, mirror], atol=1e-5) == flip


def test_a_mirrored_teacher_is_not_asked_twice_for_its_mean(place: Path) -> None:
    fabric = make_fabric("cpu", "float32")
    network = Constant(1)
    faces = torch.rand(2, 3, 64, 64)
    for mirrored, flip, asked in ((True, True, 1), (False, True, 2), (True, False, 1)):
        network.asked = 0
        Teaching([(network, ParserSpec(size=64, mirrored=mirrored))], Teacher(flip=flip), fabric)(faces, 16)
        assert network.asked == asked


def test_nothing_learns_from_a_judge(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = place / "copied.safetensors"
    shutil.copy(weights.locate("judge-efl0-256-v1"), judge)
    for name in ("judge-efl0-256-v1", str(judge)):
        with pytest.raises(ConfigError, match="nothing may learn from a judge"):
            train(place, name="unfair", teacher=Teacher(weights=(name,)))
        with pytest.raises(ConfigError, match="nothing may learn from a judge"):
            train(place, name="unfair", initial=name)


def test_teachers_take_turns() -> None:
    fabric = make_fabric("cpu", "float32")
    teachers = [(Constant(label), ParserSpec(size=64)) for label in (1, 4)]
    teaching = Teaching(teachers, Teacher(weights=("one", "other")), fabric)
    faces = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for label, turn in ((1, 0), (4, 1), (1, 2)):
        assert (teaching(faces, 16, turn).argmax(1) == label).all()
        agreeing = teaching.divergence(faces, teaching(faces, 16, turn), 1, turn)[0]
        assert agreeing < 1e-4 < teaching.divergence(faces, teaching(faces, 16, turn), 1, turn + 1)[0]


class Constant(torch.nn.Module):
    """A parser that knows one label only."""

    def __init__(self, label: int) -> None:
        super().__init__()
        self.label, self.asked = label, 0

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        self.asked += 1
        logits = torch.zeros(len(faces), 19, *faces.shape[-2:])
        logits[:, self.label] = 20.0
        return logits


def test_a_student_comes_nearer_to_its_teacher(place: Path) -> None:
    still = Augment(rotation=0, scale=1, shift=0, flip=False, colour=0, grey=0, blur=0)
    rates = {"learning_rate": 5e-3, "trunk_learning_rate": 5e-3, "augment": still}
    teacher, _ = train(place, name="strict", images=48, **rates)
    apart = []
    for name, weight in (("unheard", 0.0), ("heard", 10.0)):
        lesson = Teacher(weights=(str(teacher),), weight=weight)
        _, told = train(place, name=name, images=96, seed=3, teacher=lesson, **rates)
        apart.append(told[-1]["loss/teacher"])
    assert apart[1] < apart[0] / 2
