"""Generators out of facesynth, from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import openvino
import pytest

from facesynth.inference import networks
from facesynth.inference.patterns.graph_inputs import pattern_inputs
from tests.cli.test_main import ended
from tests.inference.painting.networks import SPECS, dense, generator_of, style_of
from tests.odd_label_maps import odd_ids

SPEC = SPECS["plain"]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder with a generator."""
    monkeypatch.chdir(tmp_path)
    networks.save(Path("own.safetensors"), {"generator": (SPEC, generator_of(SPEC))}, licence="CC0-1.0", half=False)


def exported(form: str, name: str, *more: str) -> int:
    return ended(["weights", "export", "own.safetensors", "--format", form, "-o", name, *more])


def test_a_generator_paints_the_same_in_other_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert exported("onnx", "g.onnx") == exported("openvino", "g.xml") == 0
    out, error = capsys.readouterr()
    assert out.splitlines() == ["g.onnx", "g.xml", "g.bin"] and error.count("differ by up to") == 2
    ids, style = odd_ids("face", SPEC.size), style_of(SPEC)
    network = generator_of(SPEC)
    given = pattern_inputs(ids, sorted(set(network.sides)), SPEC.labels) | {"style": style.numpy()}
    session = onnxruntime.InferenceSession("g.onnx")
    [by_onnx] = session.run(["picture"], {each.name: given[each.name] for each in session.get_inputs()})
    program = openvino.Core().compile_model("g.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    by_openvino = program({each.any_name: given[each.any_name] for each in program.inputs})["picture"]
    expected = dense(network, ids, style, None).numpy()
    for found in (by_onnx, by_openvino):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_file_that_is_there_is_kept_unless_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("g.onnx").write_bytes(b"mine")
    assert exported("onnx", "g.onnx") == 1
    assert "g.onnx: is there already; name another file, or add --force" in capsys.readouterr().err
    assert Path("g.onnx").read_bytes() == b"mine"
    assert exported("onnx", "g.onnx", "--force") == 0
    assert Path("g.onnx").stat().st_size > 4
