"""Training tells in its weights of the faces that it was done on, and the same is told later of older weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facesynth.core.errors import ConfigError
from facesynth.core.images import Photo
from facesynth.datasets.packed import STAGE
from facesynth.inference import networks
from facesynth.inference.likeness import MIN_FACES
from facesynth.inference.parser import Parser
from facesynth.models.specs import ParserSpec
from facesynth.store import ArtifactStore, list_entries
from facesynth.training.parser.likeness import add_likeness
from facesynth.training.runs.parser import ParserRun, Teacher
from facesynth.training.runs.settings import Augment, Data, Schedule
from facesynth.training.start import train_parser
from tests.drawn_pairs import drawn_face, drawn_labels, write_pairs

HELD_OUT = 4


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("likeness")
    write_pairs(folder / "pairs", MIN_FACES + HELD_OUT, size=32)
    names = [f"{index:03}" for index in range(MIN_FACES + HELD_OUT)]
    (folder / "split.json").write_text(json.dumps({"train": names[HELD_OUT:], "validation": names[:HELD_OUT]}))
    return folder


def run(place: Path, **changes: object) -> ParserRun:
    return ParserRun(
        **{
            "name": "run",
            "data": Data(folder=str(place / "pairs"), split="split.json"),
            "parser": ParserSpec(size=64, pyramid_channels=8, detail_channels=8),
            "backbone": None,
            "images": 64,
            "batch_size": 8,
            "warmup_images": 0,
            "learning_rate": 5e-3,
            "trunk_learning_rate": 5e-3,
            "ema_half_life": 8,
            "augment": Augment(rotation=0, scale=1, shift=0, flip=False, colour=0, grey=0, blur=0),
            "every": Schedule(stats=0, validation=0, samples=0, checkpoint=0),
            **changes,
        }  # type: ignore[arg-type]
    )


def trained(place: Path, config: ParserRun) -> Path:
    store = ArtifactStore(place / "cache")
    path = train_parser(config, place / "runs", base=place, store=store, device="cpu", report=lambda nimg, values: None)
    assert path is not None
    return path


def test_training_tells_and_so_does_who_adds_it_later(place: Path, tmp_path: Path) -> None:
    config = run(place, name="long", images=256)  # after fewer it still answers black with next to nothing
    path = trained(place, config)
    parser = Parser.load(path, device="cpu", engine="eager")
    assert parser.likeness is not None and parser.likeness.faces == MIN_FACES, "held-out faces are not among them"
    held_out = [drawn_face(drawn_labels(seed, 32), seed) for seed in range(HELD_OUT)]
    black = Photo(np.zeros((32, 32, 3), dtype=np.uint8))
    told = [found.confidence for found in parser([*held_out, black])]
    assert [one is not None and one.unlike for one in told] == [False] * HELD_OUT + [True]

    again = tmp_path / "again.safetensors"
    add_likeness(path, again, config, base=place, store=ArtifactStore(place / "cache"), device="cpu")
    [entry] = list_entries(place / "cache", STAGE)  # the pairs are taken as training packed them
    assert np.load(entry.folder / "images.npy").shape[1:] == (config.packed_size, config.packed_size, 3)
    assert config.packed_size == 80, "a quarter more than the parser takes"
    added = networks.load_likeness(again)
    assert added is not None
    assert np.allclose(added.mean, parser.likeness.mean, atol=2e-3), "the weights were in float32 while training told"
    assert add_likeness(again, again, config, base=place, store=ArtifactStore(tmp_path / "cache")).faces == MIN_FACES


def test_unlabelled_faces_are_training_faces_too(place: Path, tmp_path: Path) -> None:
    few = write_pairs(tmp_path / "few", MIN_FACES - 10, size=32)
    faces = write_pairs(tmp_path / "faces", MIN_FACES + HELD_OUT, size=32) / "images"
    path, target = trained(place, run(place)), tmp_path / "told.safetensors"
    store = ArtifactStore(tmp_path / "cache")
    alone = run(place, data=Data(folder=str(few)))
    with pytest.raises(ConfigError, match=f"fewer than {MIN_FACES} training faces"):
        add_likeness(path, target, alone, base=place, store=store)
    assert not target.exists()
    both = run(place, data=Data(folder=str(few)), teacher=Teacher(folders=(str(faces),)))
    assert add_likeness(path, target, both, base=place, store=store).faces == 2 * MIN_FACES - 10 + HELD_OUT
