"""Photo → labels → photo: what a frozen generator paints of a parser's answer tells the parser alone what to mend."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from facesynth import weights
from facesynth.config import find_pipeline, load_pipeline
from facesynth.core.errors import ConfigError, TrainingError, UsageError, WeightsError
from facesynth.core.image_files import write_photo
from facesynth.inference import networks
from facesynth.inference.encoder import as_tensor, one_hot
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.models.specs import EncoderSpec, GeneratorSpec, ParserSpec
from facesynth.training.launch import make_fabric, other_ranks
from facesynth.training.opening import Order
from facesynth.training.parser.cycle import CycleLoss, entropy, likeliest, shown_labels
from facesynth.training.parser.repainting import Repainter
from facesynth.training.place import Place
from facesynth.training.rows import Rows
from facesynth.training.runs.parser import Cycle, ParserRun, Teacher
from facesynth.training.runs.settings import Augment, Data, Schedule
from facesynth.training.runs.spade import GanLosses
from facesynth.training.start import train_parser, train_spade
from tests.drawn_pairs import drawn_face, drawn_labels, write_pairs
from tests.training.parser.test_runs import same
from tests.training.shared_batches import furthest
from tests.training.test_ranks import parser_of_rank
from tests.training.test_runs import ignore, spade_run

CYCLE = Cycle(generator="runs/painting/painting.safetensors", folders=("faces",), share=0.5, perceptual=0)
GENERATOR = GeneratorSpec(
    size=64, start=2, style_channels=8, width=4, max_width=16, spade_hidden=8, style_affine=True, noise=True
)
ENCODER = EncoderSpec(size=64, blocks=4, style_channels=8, width=4, max_width=16)
STILL = Augment(rotation=0, scale=1, shift=0, flip=False, colour=0, grey=0, blur=0)
ALL = Rows(0, 4, 4)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs, a split of them, faces without label maps, and a generator that was trained a little on drawn faces."""
    folder = tmp_path_factory.mktemp("cycle")
    write_pairs(folder / "pairs", 6)
    (folder / "split.json").write_text(json.dumps({"train": [f"00{i}" for i in range(4)], "validation": ["004"]}))
    for seed in range(10, 16):
        write_photo(drawn_face(drawn_labels(seed), seed), folder / "faces" / f"{seed}.png")
    painting = spade_run(
        folder / "pairs",
        name="painting",
        generator=GENERATOR,
        encoder=ENCODER,
        images=160,
        generator_learning_rate=5e-3,
        losses=GanLosses(adversarial=0, feature_matching=0, kld=0, reconstruction=10),
        augment=STILL,
    )
    assert train_spade(painting, folder / "runs", base=folder, device="cpu", report=ignore) is not None
    return folder


def parser_run(place: Path, **changes: Any) -> ParserRun:
    run = ParserRun(
        name="run",
        data=Data(folder=str(place / "pairs"), split="split.json"),
        parser=ParserSpec(size=64, pyramid_channels=8, detail_channels=8),
        backbone=None,
        images=16,
        batch_size=4,
        warmup_images=0,
        ema_half_life=20,
        cycle=CYCLE,
        every=Schedule(stats=8, validation=0, samples=0, checkpoint=8),
    )
    return replace(run, **changes)


def train(place: Path, **changes: Any) -> tuple[Path, list[Mapping[str, float]]]:
    """A run's weights and its statistics."""
    told: list[Mapping[str, float]] = []
    run = parser_run(place, **changes)
    path = train_parser(run, place / "runs", base=place, device="cpu", report=lambda _, values: told.append(values))
    assert path is not None
    return path, told


def repainter(place: Path, **regions: bool) -> Repainter:
    """The trained generator; with `style_regions` a random one."""
    if not regions:
        found = networks.load(place / CYCLE.generator, ("generator", "encoder"), torch.device("cpu"))
        return Repainter(found["generator"][1], found["encoder"][1], "0" * 64)  # type: ignore[arg-type]
    torch.manual_seed(0)
    parts = SpadeGenerator(replace(GENERATOR, **regions)), StyleEncoder(replace(ENCODER, **regions))
    generator, encoder = (part.eval().requires_grad_(False) for part in parts)
    assert isinstance(generator, SpadeGenerator) and isinstance(encoder, StyleEncoder)
    return Repainter(generator, encoder, "0" * 64)


def cycle(painter: Repainter, **changes: Any) -> CycleLoss:
    return CycleLoss(painter, replace(CYCLE, **changes), make_fabric("cpu", "float32"), seed=0)


def drawn(seeds: range) -> tuple[Tensor, Tensor]:
    """Drawn faces in 0..1, and logits that are sure of their labels."""
    labels = [drawn_labels(seed) for seed in seeds]
    faces = [drawn_face(each, seed) for each, seed in zip(labels, seeds, strict=True)]
    return as_tensor(faces, 64) / 2 + 0.5, one_hot(labels, 64) * 12


def test_the_generator_is_shown_one_label_a_pixel_and_the_gradient_is_that_of_probabilities() -> None:
    logits = torch.randn(2, 19, 8, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    shown, soft = shown_labels(logits), shown_labels(logits, soft=True)
    assert torch.equal(shown.detach().round(), likeliest(logits)) and (shown - likeliest(logits)).abs().max() < 1e-6
    assert torch.equal(soft, logits.softmax(1))
    wanted = torch.randn(shown.shape, generator=torch.Generator().manual_seed(1))
    ours, theirs = (torch.autograd.grad((each * wanted).sum(), logits)[0] for each in (shown, soft))
    assert torch.allclose(ours, theirs) and ours.abs().sum() > 0


def test_entropy_is_in_nats() -> None:
    assert float(entropy(torch.zeros(1, 19, 4, 4))) == pytest.approx(math.log(19))
    assert float(entropy(50.0 * F.one_hot(torch.zeros(1, 4, 4).long(), 19).permute(0, 3, 1, 2).float())) < 1e-6


@pytest.mark.parametrize("soft", [False, True])
def test_right_labels_cost_less_than_wrong_ones_and_only_they_get_gradients(place: Path, soft: bool) -> None:
    painter = repainter(place)
    faces, logits = drawn(range(20, 24))
    logits.requires_grad_()
    told = cycle(painter, soft=soft)(faces, logits, 0, ALL)
    assert told["loss/cycle"].item() == told["cycle/l1"].item()
    torch.autograd.backward(told["loss/cycle"])
    assert logits.grad is not None and torch.isfinite(logits.grad).all() and logits.grad.abs().sum() > 0
    networks_of = (painter.generator, painter.encoder)
    assert not any(each.grad is not None or each.requires_grad for net in networks_of for each in net.parameters())
    wrong = cycle(painter, soft=soft)(faces, logits.detach().roll(1, 1), 0, ALL)
    assert told["loss/cycle"] < 0.8 * wrong["loss/cycle"]


def test_a_gradient_step_on_an_unsure_answer_makes_the_right_label_likelier(place: Path) -> None:
    """What a parser is taught by: where it hesitates, the photo says which label it was."""
    faces, logits = drawn(range(20, 24))
    truth = likeliest(logits)
    other = truth.roll(1, 1)
    unsure = (truth + other * 1.2).requires_grad_()
    torch.autograd.backward(cycle(repainter(place))(faces, unsure, 0, ALL)["loss/cycle"])
    assert unsure.grad is not None
    assert (unsure.grad * truth).sum() < 0 < (unsure.grad * other).sum()


def test_styles_of_regions_are_read_by_the_parsers_own_labels(place: Path) -> None:
    painter = repainter(place, style_regions=True)
    faces, logits = drawn(range(4))
    logits.requires_grad_()
    told = cycle(painter)(faces, logits, 0, ALL)
    torch.autograd.backward(told["loss/cycle"])
    assert logits.grad is not None and logits.grad.abs().sum() > 0
    photos, own = faces * 2 - 1, likeliest(logits.detach())
    swapped = own.roll(2, 1)
    assert not torch.equal(painter(own, photos, own, None), painter(own, photos, swapped, None))


def test_it_is_told_and_not_learnt_from_while_it_warms_up(place: Path) -> None:
    faces, logits = drawn(range(4))
    loss = cycle(repainter(place), warmup_images=8, weight=0.5)
    assert [loss.weight(nimg) for nimg in (0, 4, 8, 12)] == [0, 0, 0.5, 0.5]
    told = loss(faces, logits.requires_grad_(), 4, ALL)
    assert told["loss/cycle"] > 0 and not told["loss/cycle"].requires_grad
    assert loss(faces, logits, 8, ALL)["loss/cycle"].requires_grad


def test_rows_are_painted_alike_however_a_step_is_shared_out(place: Path) -> None:
    faces, logits = drawn(range(4))
    loss = cycle(repainter(place))
    whole = loss(faces, logits, 0, ALL)["loss/cycle"]
    halves = [loss(faces[at : at + 2], logits[at : at + 2], 0, Rows(at, 2, 4))["loss/cycle"] for at in (0, 2)]
    assert torch.allclose(torch.stack(halves).mean(), whole, rtol=1e-5)
    swapped = loss(faces[2:], logits[2:], 0, Rows(0, 2, 4))["loss/cycle"]
    assert not torch.equal(swapped, halves[1]), "its noise is that of its place in the batch"


RUNS: dict[str, dict[str, Any]] = {
    "alone": {},
    "parts": {"cycle": replace(CYCLE, soft=True, warmup_images=12), "accumulate": 2, "precision": "bf16"},
    "both": {
        "cycle": replace(CYCLE, share=0.25),
        "teacher": Teacher(folders=("faces",), share=0.25),
        "adversarial": 0.1,
    },
}


@pytest.mark.parametrize("name", RUNS)
def test_runs_are_told_of_it_and_resume_exactly(place: Path, name: str) -> None:
    changes = RUNS[name]
    whole, told = train(place, name=f"{name}-whole", **changes)
    assert {"loss/cycle", "cycle/l1", "cycle/entropy"} <= told[-1].keys()
    assert all(np.isfinite(value) for key, value in told[-1].items() if not key.startswith("validation/iou"))
    again = place / "runs" / f"{name}-again"
    again.mkdir()
    shutil.copy(place / "runs" / f"{name}-whole" / "checkpoint-0000000008.pt", again)
    assert same(train(place, name=f"{name}-again", **changes)[0], whole)


def test_a_cycle_that_weighs_nothing_teaches_nothing(place: Path) -> None:
    heard, _ = train(place, name="heard", images=8)
    unheard = [
        train(place, name=f"unheard-{soft}", images=8, cycle=replace(CYCLE, weight=0, soft=soft))[0]
        for soft in (False, True)
    ]
    assert same(*unheard) and not same(heard, unheard[0])


@pytest.mark.parametrize("soft", [False, True])
def test_the_loss_falls_where_it_is_learnt_from(place: Path, soft: bool) -> None:
    """By a network that sees one pixel at a time, which is enough for drawn faces."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 16, 1), nn.ReLU(), nn.Conv2d(16, 19, 1))
    adam = torch.optim.Adam(network.parameters(), lr=0.02)
    faces, _ = drawn(range(20, 24))
    loss, fallen = cycle(repainter(place), soft=soft), []
    for step in range(40):
        told = loss(faces, network(faces * 2 - 1), step, ALL)["loss/cycle"]
        adam.zero_grad()
        torch.autograd.backward(told)
        adam.step()
        fallen.append(told.item())
    assert fallen[-1] < 0.8 * fallen[0]


def test_two_devices_give_what_one_gives(place: Path, tmp_path: Path) -> None:
    """The parser in float64, as in `test_a_parser_of_two_ranks_is_that_of_one`."""
    data = Data(folder=str(place / "pairs"))
    run = parser_run(place, data=data, images=8, learning_rate=0.0, trunk_learning_rate=0.0)
    orders = [Order(run, tmp_path / str(devices), place, tmp_path / "cache", "cpu") for devices in (1, 2)]
    parser_of_rank(orders[0], Place())
    with other_ranks(2, partial(parser_of_rank, orders[1])) as rank:
        parser_of_rank(orders[1], rank)
    apart, where = furthest(*(order.folder for order in orders))
    assert apart < 1e-4, where


def test_another_generator_or_other_photos_do_not_go_on_from_a_run(place: Path) -> None:
    train(place, name="begun", images=8)
    other = place / "other.safetensors"
    found = networks.load(place / CYCLE.generator, ("generator", "encoder"), torch.device("cpu"))
    networks.save(other, found, about={"name": "another"})
    with pytest.raises(TrainingError, match="other settings: data"):
        train(place, name="begun", images=24, cycle=replace(CYCLE, generator="other.safetensors"))
    with pytest.raises(TrainingError, match="other settings: data"):
        train(place, name="begun", images=24, cycle=replace(CYCLE, folders=("pairs",)))


def test_held_out_faces_are_left_out(place: Path) -> None:
    write_photo(drawn_face(drawn_labels(4), 4), place / "some" / "another-name.png")
    with pytest.raises(ConfigError, match=r"cycle\.folders: all unlabelled faces are held out.*--set cycle\.folders="):
        train(place, name="leaky", cycle=replace(CYCLE, folders=("some",)))
    with pytest.raises(UsageError, match=r"nowhere: no such folder or manifest; check cycle\.folders"):
        train(place, name="leaky", cycle=replace(CYCLE, folders=("nowhere",)))


def test_what_it_cannot_go_through_is_refused_before_anything_begins(place: Path) -> None:
    def refused(error: type[Exception], match: str, **changes: Any) -> None:
        with pytest.raises(error, match=match):
            train(place, name="refused", cycle=replace(CYCLE, **changes))
        assert not (place / "runs/refused").exists()

    refused(UsageError, r"no photos to go round with; add --set cycle\.folders=\[DIR\]", folders=())
    shutil.copy(weights.locate("judge-efl0-256-v1"), place / "copied.safetensors")
    refused(ConfigError, "nothing may learn from a judge", generator="copied.safetensors")
    refused(WeightsError, "holds parser, but no generator", generator="parser-mnv2-256-v1")
    (place / "g.onnx").write_bytes(b"a graph")
    refused(ConfigError, r"g\.onnx: a cycle cannot go through an ONNX file; name a SPADE gen", generator="g.onnx")
    few = replace(GENERATOR, labels=3), ENCODER
    networks.save(
        place / "few.safetensors",
        {"generator": (few[0], SpadeGenerator(few[0])), "encoder": (few[1], StyleEncoder(few[1]))},
    )
    refused(ConfigError, "paints 3 labels, the parser tells 19 apart", generator="few.safetensors")


def test_a_batch_has_room_for_each_kind_of_faces(place: Path) -> None:
    with pytest.raises(ValueError, match=r"cycle\.share 0\.05 of a batch of 4 is 0 faces"):
        parser_run(place, cycle=replace(CYCLE, share=0.05))
    with pytest.raises(ValueError, match=r"teacher\.share 0\.5 and cycle\.share 0\.5 of a batch of 4 is 2 .*0 others"):
        parser_run(place, teacher=Teacher(folders=("faces",)))
    with pytest.raises(ValueError, match="weight is -1"):
        replace(CYCLE, weight=-1)
    with pytest.raises(ValueError, match=r"faces of cycle\.folders: 2 is no multiple of accumulate 4"):
        parser_run(place, batch_size=6, cycle=replace(CYCLE, share=1 / 3), accumulate=4, images=24)


def test_the_row_of_the_ablation_differs_in_the_cycle_alone() -> None:
    plain, row = (load_pipeline(find_pipeline(f"ablation/parser-{name}")) for name in ("plain", "cycle"))
    assert isinstance(plain, ParserRun) and isinstance(row, ParserRun)
    assert row.cycle is not None and replace(row, name=plain.name, cycle=None) == plain
