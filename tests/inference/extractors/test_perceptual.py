"""Distances of two pictures: LPIPS with weights from a seed, and over the bundled judge's trunk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torchmetrics.functional.image import lpips

from facesynth.core.errors import FacesynthError, InputError, UsageError, WeightsDamaged, WeightsMissing
from facesynth.core.images import Photo
from facesynth.inference.extractors.perceptual import Lpips, TrunkDistance
from tests.drawn_pairs import drawn_face, drawn_labels
from tests.inference.extractors.seeded import publish, seeded_layers

PICTURES = [drawn_face(drawn_labels(seed, size), seed) for seed, size in ((0, 64), (1, 64), (2, 96), (3, 96))]
PAIRS = [(PICTURES[0], PICTURES[1]), (PICTURES[2], PICTURES[3]), (PICTURES[1], PICTURES[0])]


def noisy(picture: Photo, strength: float) -> Photo:
    noise = np.random.default_rng(0).normal(0, strength, picture.pixels.shape)
    return Photo(np.clip(picture.pixels + noise, 0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def alex(alexnet_file: Path) -> Lpips:
    return Lpips.load("lpips-alex", alexnet_file, device="cpu")


def as_tensor(picture: Photo) -> torch.Tensor:
    return torch.from_numpy(picture.pixels.copy()).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize(("network", "published"), [("lpips-alex", "alexnet"), ("lpips-vgg", "vgg16")])
def test_it_answers_what_torchmetrics_answers(
    network: str, published: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = seeded_layers(tmp_path / "layers.pth", published)
    found = Lpips.load(network, file, device="cpu")(PAIRS)
    made = getattr(torchvision.models, published)(weights=None)
    made.load_state_dict(torch.load(file, weights_only=True), strict=False)
    monkeypatch.setattr(lpips, "_get_tv_model_features", lambda *_: made.features)
    theirs = [
        lpips.learned_perceptual_image_patch_similarity(
            as_tensor(one), as_tensor(other), "alex" if network == "lpips-alex" else "vgg", normalize=True
        ).item()
        for one, other in PAIRS
    ]
    assert found == pytest.approx(theirs, rel=1e-4) and min(theirs) > 0


def test_a_pair_is_as_far_apart_whatever_else_is_in_its_batch(alex: Lpips) -> None:
    together = alex(PAIRS, batch_size=4)
    assert together == [alex([pair], batch_size=4)[0] for pair in PAIRS]
    assert together[0] == pytest.approx(together[2]) and together[0] != together[1]
    assert alex([]) == []


@pytest.mark.parametrize("kind", ["lpips", "trunk"])
def test_equal_pictures_are_not_apart_and_noise_takes_them_further(kind: str, alex: Lpips) -> None:
    distance = alex if kind == "lpips" else TrunkDistance.load(device="cpu")
    picture = PICTURES[0]
    same, little, much = distance([(picture, picture), *((picture, noisy(picture, by)) for by in (4, 40))])
    assert same == 0 and 0 < little < much <= 4


def test_pictures_of_two_sizes_or_too_small_are_named(alex: Lpips) -> None:
    with pytest.raises(InputError, match=r"different sizes.*64×64 and 96×96"):
        alex([(PICTURES[0], PICTURES[2])])
    with pytest.raises(InputError, match=r"different sizes.*64×64 and 96×96"):
        TrunkDistance.load(device="cpu")([(PICTURES[0], PICTURES[2])])
    small = PICTURES[0].resized(31, 40)
    with pytest.raises(InputError, match="31×40 pixels is too small for LPIPS"):
        alex([(small, small)])
    least = PICTURES[0].resized(32, 32)
    assert alex([(least, least)]) == [0]


def test_weights_by_name_are_never_fetched(
    alexnet_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alex: Lpips
) -> None:
    for network, name in (("lpips-alex", "alexnet-imagenet"), ("lpips-vgg", "vgg16-imagenet")):
        with pytest.raises(WeightsMissing, match=f"facesynth weights fetch {name}"):
            Lpips.load(network, device="cpu")
    publish(monkeypatch, "alexnet-imagenet", alexnet_file, tmp_path / "fetched")
    assert Lpips.load(device="cpu")(PAIRS) == alex(PAIRS)


def test_other_weights_are_refused(tmp_path: Path, alexnet_file: Path) -> None:
    with pytest.raises(WeightsDamaged, match="these are not the weights of Vgg16"):
        Lpips.load("lpips-vgg", alexnet_file, device="cpu")
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    with pytest.raises(WeightsDamaged, match="these are not the weights of Alexnet"):
        Lpips.load("lpips-alex", tmp_path / "a.pth", device="cpu")
    with pytest.raises(UsageError, match="use lpips-alex or lpips-vgg"):
        Lpips.load("squeeze", alexnet_file)


def test_what_is_no_number_is_an_error(alexnet_file: Path) -> None:
    broken = Lpips.load("lpips-alex", alexnet_file, device="cpu")
    next(broken.network.parameters()).data.fill_(torch.nan)
    with pytest.raises(FacesynthError, match="LPIPS answers with what are no numbers"):
        broken(PAIRS[:1])
