"""Exported generators: the file and a label map's patterns are enough to paint what the weights paint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import openvino
import pytest
import torch

from facesynth.core.errors import OutputError, UsageError, WeightsError
from facesynth.core.refs import sha256_file
from facesynth.inference import networks
from facesynth.inference.foreign.header import read_metadata
from facesynth.inference.painting import export as exporting
from facesynth.inference.painting.export import export_generator
from facesynth.inference.painting.signature import WholeGraph
from facesynth.inference.patterns.graph_inputs import pattern_inputs
from facesynth.models.generator import SpadeGenerator
from tests.inference.painting.networks import REGIONS, SPECS, STYLED, dense, generator_of, noise_of, style_of
from tests.odd_label_maps import odd_ids


def saved(path: Path, name: str = "regions") -> SpadeGenerator:
    """A file of weights, and the network that it holds."""
    spec = SPECS[name]
    networks.save(path, {"generator": (spec, generator_of(spec))}, licence="CC0-1.0", half=False)
    network = networks.load(path, ("generator",), torch.device("cpu"))["generator"][1]
    assert isinstance(network, SpadeGenerator)
    return network


def opened(path: Path) -> tuple[set[str], Callable[[dict[str, Any]], Any]]:
    """The names of a graph's inputs, and what runs it."""
    if path.suffix == ".onnx":
        session = onnxruntime.InferenceSession(str(path))
        return {each.name for each in session.get_inputs()}, lambda given: session.run(["picture"], given)[0]
    program = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return {each.any_name for each in program.inputs}, lambda given: program(given)["picture"]


@pytest.mark.parametrize(("form", "name"), [("onnx", "normal"), ("onnx", "plain"), ("openvino", "regions")])
def test_the_file_paints_what_the_layers_paint(form: str, name: str, tmp_path: Path) -> None:
    network, spec = saved(tmp_path / "own.safetensors", name), SPECS[name]
    target = tmp_path / "deep" / ("g.onnx" if form == "onnx" else "g.xml")
    done = export_generator(tmp_path / "own.safetensors", target, form)
    assert sorted(done.files) == sorted(target.parent.iterdir()) and done.agreement.largest < 1e-5
    style, noise = style_of(spec, 3), noise_of(network, 3)
    names, run = opened(target)
    for kind in ("face", "uniform", "noise", "every label"):
        ids = odd_ids(kind, spec.size)
        given = pattern_inputs(ids, map(int, done.metadata["sides"].split(",")), spec.labels) | {"style": style.numpy()}
        given |= {f"noise_{number}": each.numpy() for number, each in enumerate(noise)}
        assert names <= set(given)
        picture = torch.from_numpy(run({each: given[each] for each in names}))
        torch.testing.assert_close(picture, dense(network, ids, style, noise), atol=1e-5, rtol=0)


def test_rows_that_are_padded_change_nothing(tmp_path: Path) -> None:
    saved(tmp_path / "own.safetensors")
    export_generator(tmp_path / "own.safetensors", tmp_path / "g.onnx", "onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "g.onnx"))
    given = pattern_inputs(odd_ids("face", 64), (2, 4, 8, 16, 32, 64), 19) | {"style": style_of(REGIONS).numpy()}
    given |= {f"noise_{number}": each.numpy() for number, each in enumerate(noise_of(generator_of(REGIONS)))}
    padded = dict(given)
    for name in (each for each in given if each.startswith(("outer", "labels"))):
        padded[name] = np.pad(given[name], [(0, 37)] + [(0, 0)] * (given[name].ndim - 1))
    [expected], [found] = session.run(None, given), session.run(None, padded)
    assert np.abs(found - expected).max() < 1e-6


def test_its_metadata_say_where_it_comes_from_and_how_it_is_fed(tmp_path: Path) -> None:
    saved(tmp_path / "own.safetensors")
    done = export_generator(tmp_path / "own.safetensors", tmp_path / "g.onnx", "onnx")
    wanted = {
        "format": "facesynth-1", "labels": "celebamask-hq", "licence": "CC0-1.0", "name": "own", "size": "64",
        "sha256": sha256_file(tmp_path / "own.safetensors"), "sides": "2,4,8,16,32,64", "style_channels": "8",
        "style_regions": "true", "noise_sides": "2,4,8,8,16,32,64",
    }  # fmt: skip
    assert {**read_metadata(tmp_path / "g.onnx")} == {**done.metadata}
    assert {**done.metadata} | {"noise_sides": ""} == wanted | {"noise_sides": ""}
    assert done.metadata["noise_sides"] == ",".join(map(str, generator_of(REGIONS).noise_sides))


def test_a_graph_that_paints_something_else_is_never_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "own.safetensors", "styled")
    other = generator_of(STYLED, 1)
    monkeypatch.setattr(exporting, "WholeGraph", lambda _: WholeGraph(other))
    for form, name in (("onnx", "g.onnx"), ("openvino", "g.xml")):
        with pytest.raises(WeightsError, match="paints something else than PyTorch"):
            export_generator(tmp_path / "own.safetensors", tmp_path / name, form)
    assert [file.name for file in tmp_path.iterdir()] == ["own.safetensors"]


def test_what_cannot_be_exported_is_told(tmp_path: Path) -> None:
    own = tmp_path / "own.safetensors"
    saved(own, "plain")
    with pytest.raises(UsageError, match=r"a file of format openvino is called \*\.xml"):
        export_generator(own, tmp_path / "g.onnx", "openvino")
    export_generator(own, tmp_path / "g.onnx", "onnx")
    with pytest.raises(OutputError, match="is there already; name another file, or add --force"):
        export_generator(own, tmp_path / "g.onnx", "onnx")
    export_generator(own, tmp_path / "g.onnx", "onnx", replace=True)
    with pytest.raises(UsageError, match="is an ONNX graph already"):
        export_generator(tmp_path / "g.onnx", tmp_path / "h.onnx", "onnx")
