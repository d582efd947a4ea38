"""The benchmarks of the parser compare what they say: the same device, the same batch, a fair loop."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from facesynth.core.label_files import write_label_map
from facesynth.core.labels import LabelMap
from facesynth.inference.parser import Parser
from tests.inference.exported_parsers import drawn_face
from tests.inference.outspoken_parser import outspoken_parser
from tests.training.test_runs import spade_run

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
CPU, GPU = torch.device("cpu"), torch.device("cuda")


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return imported("parser_engines", monkeypatch)


def imported(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return __import__(name)


def test_engines_of_the_cpu_are_left_out_on_other_devices(engines: ModuleType) -> None:
    on_cpu, on_gpu = (engines.arms_on(device, [1, 8], compiled=True) for device in (CPU, GPU))
    assert {arm.engine for arm in on_cpu} == {"eager", "compile", "onnx", "openvino"}
    assert {arm.engine for arm in on_gpu} == {"eager", "compile"} and {arm.batch for arm in on_gpu} == {1, 8}
    assert {arm.precision for arm in on_gpu} == {"float32", "bf16", "fp16"}
    assert {arm.engine for arm in engines.arms_on(GPU, [1], compiled=False)} == {"eager"}
    for arms in (on_cpu, on_gpu):
        assert (arms[0].engine, arms[0].precision) == ("eager", "float32"), "the others are compared with it"


def test_the_command_runs_on_the_device_with_the_arm_s_batch(engines: ModuleType) -> None:
    arm = engines.Arm("eager", "bf16", 64)
    line = " ".join(engines.command_line(arm, "mine.safetensors", torch.device("cuda:1"), Path("in"), Path("out")))
    for wanted in ("--device cuda:1", "--engine eager", "--precision bf16", "--batch-size 64", "-o out"):
        assert wanted in line


def test_a_parser_is_measured_on_the_device(
    engines: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, asked, load = outspoken_parser(tmp_path / "tiny.safetensors"), list[str](), Parser.load

    def noted(*arguments: Any, device: str, **settings: Any) -> Parser:
        asked.append(device)
        return load(*arguments, device="cpu", **settings)

    monkeypatch.setattr(Parser, "load", noted)
    arms = [engines.Arm("eager", "float32", 1), engines.Arm("eager", "float32", 2)]
    measured = engines.measure_arms(arms, str(path), GPU, [drawn_face(0), drawn_face(1)], 1)
    assert asked == ["cuda", "cuda"] and len(measured) == 2
    for arm in measured:
        assert arm.network > 0 and arm.faces > 0 and arm.equal_labels >= 0.999


def test_a_plain_script_and_the_command_make_the_same_label_maps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    throughput = imported("segment_throughput", monkeypatch)
    monkeypatch.setattr(throughput, "ARMS", {"eager": throughput.ARMS["eager"]})
    throughput.write_variants(tmp_path / "images", throughput.example_people()[:1], 1)
    found = throughput.measure(tmp_path, tmp_path / "images", 1, photos=True)
    assert found["images"] == 1 and found["arms"]["eager"]["equal_labels"] > 0.99
    assert 0 < found["plain"]["detection"] < found["plain"]["seconds"]
    assert found["arms"]["eager"]["ratio"] == found["plain"]["seconds"] / found["arms"]["eager"]["seconds"]
    assert "1 photos" in throughput.told(found)


def test_label_maps_that_differ_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    throughput = imported("segment_throughput", monkeypatch)
    ids = np.zeros((8, 8), np.uint8)
    other = ids.copy()
    other[:2] = 1
    for name, made in (("one", ids), ("other", other), ("more", ids)):
        write_label_map(LabelMap(made), tmp_path / name / "face.png")
    write_label_map(LabelMap(ids), tmp_path / "more" / "face_00.png")
    assert throughput.agreement(tmp_path / "one", tmp_path / "other") == 0.75
    with pytest.raises(ValueError, match="face_00"):
        throughput.agreement(tmp_path / "one", tmp_path / "more")


def test_training_is_compared_with_a_plain_loop_of_the_same_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    speed = imported("training_speed", monkeypatch)
    run = spade_run(Path("nowhere"), batch_size=2)
    (ours, ours_critic), (plain, plain_critic) = speed.networks_of(run), speed.networks_of(run)
    for one, other in ((ours, plain), (ours_critic, plain_critic)):
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    found = speed.measure(run, CPU, rounds=1, steps=1, warmup=0)
    assert found.ours > 0 and found.plain > 0 and found.ratio == found.ours / found.plain


def test_the_plain_loop_learns_what_ours_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a step both painters have moved, and alike: the same losses, data and random numbers."""
    speed, run = imported("training_speed", monkeypatch), spade_run(Path("nowhere"), batch_size=2)
    make, built = speed.networks_of, list[Any]()

    def noted(run: Any) -> Any:
        built.append(make(run))
        return built[-1]

    monkeypatch.setattr(speed, "networks_of", noted)
    pairs = speed.drawn_pairs(4, run.packed_size)
    speed.our_step(run, pairs, None, "cpu")(0)
    speed.plain_step(run, pairs, None, CPU)(0)
    (ours, _), (plain, _), (begun, _) = *built, make(run)
    moved, apart = (
        torch.cat([(a - b).flatten() for a, b in zip(ours.parameters(), other.parameters(), strict=True)]).norm()
        for other in (begun, plain)
    )
    assert moved > 0 and apart < 0.1 * moved
