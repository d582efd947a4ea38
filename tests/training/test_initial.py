"""What a run starts from, where the weights are of networks that are built otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from facesynth.config import find_pipeline, load_pipeline
from facesynth.core.errors import ConfigError
from facesynth.inference import networks
from facesynth.models.encoder import StyleEncoder
from facesynth.models.generator import SpadeGenerator
from facesynth.training.initial import initialise, load_initial
from facesynth.training.runs.spade import SpadeRun
from facesynth.weights import default_name, locate
from tests.drawn_pairs import drawn_labels
from tests.training.spade.test_style_draws import by_regions
from tests.training.test_runs import spade_run


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of a generator and an encoder that know one style a face; style paths are random too."""
    run = spade_run(Path("pairs"))
    assert run.encoder is not None
    torch.manual_seed(0)
    generator, encoder = SpadeGenerator(run.generator), StyleEncoder(run.encoder)
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            nn.init.normal_(module.running_mean)
    path = tmp_path_factory.mktemp("weights") / "plain.safetensors"
    networks.save(path, {"generator": (run.generator, generator), "encoder": (run.encoder, encoder)}, half=False)
    return path


def label_map(side: int) -> Tensor:
    ids = torch.from_numpy(drawn_labels(1).resized(side, side).ids.astype("int64"))
    return nn.functional.one_hot(ids, 19).permute(2, 0, 1)[None].float()


def test_a_generator_of_regions_paints_at_first_what_the_one_without_them_did(plain: Path) -> None:
    run, notes = by_regions(), list[str]()
    assert run.encoder is not None
    spec = replace(run.generator, spectral=False)  # or σ would be found anew, by some iterations
    generator, encoder = SpadeGenerator(spec), StyleEncoder(run.encoder)
    initialise(generator)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    load_initial(
        str(plain),
        plain.parent,
        {"generator": (spec, generator), "encoder": (run.encoder, encoder)},
        on_note=notes.append,
    )
    source = networks.load(plain, ("generator",), torch.device("cpu"))["generator"][1]
    maps = label_map(spec.size)
    with torch.no_grad():
        theirs = source(maps, torch.zeros(1, spec.style_channels))
        ours = generator.eval()(maps, torch.zeros(1, spec.labels, spec.style_channels))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    assert theirs.std() > 0.01
    assert all(torch.equal(before[name], value) for name, value in encoder.state_dict().items())
    assert notes == ["encoder: starts anew, that of plain.safetensors reads no styles of regions"]


def test_other_differences_are_refused_beside_regions(plain: Path) -> None:
    spec = replace(by_regions().generator, spade_hidden=12)
    with pytest.raises(ConfigError, match=r"its generator has spade_hidden 8, not 12"):
        load_initial(str(plain), plain.parent, {"generator": (spec, SpadeGenerator(spec))})


def test_fine_tuning_starts_from_the_bundled_weights_whole() -> None:
    run = load_pipeline(find_pipeline("fine-tune-256"))
    assert isinstance(run, SpadeRun) and run.initial == default_name("generator")
    held = networks.load(locate(run.initial), ("generator", "encoder", "discriminator"), torch.device("cpu"))
    specs = {part: spec for part, (spec, _) in held.items()}
    assert specs == {"generator": run.generator, "encoder": run.encoder, "discriminator": run.discriminator}
    assert run.keep_discriminators and run.warmup_images > 0
