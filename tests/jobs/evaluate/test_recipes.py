"""How long a weights file's run was to train, told by the file, whatever became of the run since."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest
from safetensors.numpy import load_file, save_file

from facesynth.jobs.evaluate.recipes import recipe_of
from facesynth.training.start import train_spn
from facesynth.weights import read_header
from tests.datasets.image_sets.drawn import write_images
from tests.training.spn.tiny import spn_run, trained

pytest.importorskip("lightning_fabric")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run that ended after 16 images, and was then told to go on to 800 and stopped on the way."""
    place = tmp_path_factory.mktemp("prolonged")
    images = write_images(place / "images", [f"{number}.png" for number in range(6)], size=8)
    path = trained(spn_run(images, images=16, decay_images=16), place)

    def stop(nimg: int, values: Mapping[str, float]) -> None:
        if nimg == 24:
            os.kill(os.getpid(), signal.SIGTERM)

    more = spn_run(images, images=800, seconds=1000.0)
    assert train_spn(more, place, base=place, device="cpu", report=stop) is None
    config = json.loads((path.parent / "run.json").read_text())["config"]
    assert (config["images"], config["seconds"], config["decay_images"]) == (800, 1000.0, 0)
    return path


def test_a_run_that_was_prolonged_since_does_not_change_what_its_weights_had(
    weights: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        told = recipe_of(str(weights))
    assert told is not None and told["moment"] == "finished"
    config = told["config"]
    assert (config["images"], config["seconds"], config["decay_images"]) == (16, None, 16)
    assert "given other images, seconds, decay_images since" in caplog.text


def test_weights_that_do_not_tell_it_and_were_shown_fewer_images_are_of_an_unknown_budget(
    weights: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tmp_path / "tiny"
    run.mkdir()
    header = {key: value for key, value in read_header(weights).items() if key != "budget"}
    old = run / "tiny.safetensors"
    save_file(load_file(weights), old, header)
    recipe = json.loads((weights.parent / "run.json").read_text())

    def of(**budget: object) -> Mapping[str, object] | None:
        (run / "run.json").write_text(json.dumps({**recipe, "config": {**recipe["config"], **budget}}))
        return recipe_of(str(old))

    assert of(images=800, seconds=None) is None and "was shown 16 images" in caplog.text
    assert of(images=16, seconds=None) is not None and of(images=800, seconds=5.0) is not None
    shutil.move(old, run / "tiny-best.safetensors")
    old = run / "tiny-best.safetensors"
    assert of(images=800, seconds=None) is not None, "the best moment comes before the end"


def test_what_is_as_the_run_says_is_told_without_a_word(
    weights: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(weights.parent, tmp_path / "tiny")
    run = tmp_path / "tiny" / "run.json"
    recipe = json.loads(run.read_text())
    recipe["config"] |= {"images": 16, "seconds": None, "decay_images": 16}
    run.write_text(json.dumps(recipe))
    told = recipe_of(str(run.parent / weights.name))
    assert told is not None and told["config"] == recipe["config"] and not caplog.text
    (run.parent / weights.name).write_bytes(b"no weights")
    assert recipe_of(str(run.parent / weights.name)) is not None
