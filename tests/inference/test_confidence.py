"""How sure a parser says it is: certain and undecided networks, parts, batches, and what tells labels alone."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from facesynth.core.errors import CacheError, FacesynthError
from facesynth.core.labels import Label
from facesynth.inference.confidence import (
    LOW_WARNING,
    UNLIKE_WARNING,
    Confidence,
    ParsedLabels,
    decode_confidence,
    encode_confidence,
)
from facesynth.inference.foreign.declaration import Intake
from facesynth.inference.parser import Parser
from tests.inference.exported_parsers import TinyNet, drawn_face


def parser(network: Callable[[Tensor], Tensor]) -> Parser:
    return Parser(network, Intake(height=32, width=32), device=torch.device("cpu"), dtype=torch.float32)


def flat(logits: dict[Label, float]) -> Callable[[Tensor], Tensor]:
    """A network that says the same of every pixel."""

    def network(x: Tensor) -> Tensor:
        said = torch.full((len(x), 19, 8, 8), -100.0)
        for label, value in logits.items():
            said[:, label] = value
        return said

    return network


def confidence(network: Callable[[Tensor], Tensor]) -> Confidence:
    [found] = parser(network)([drawn_face()])
    assert found.ids.shape == (96, 96) and found.confidence is not None
    return found.confidence


def test_a_certain_network_is_certain() -> None:
    found = confidence(flat({Label.HAIR: 100.0}))
    assert found.pixels == found.mean_part == 1 and dict(found.parts) == {"hair": 1}
    assert found.warnings == [] and found.unlikeness is None


def test_an_undecided_network_is_warned_of() -> None:
    found = confidence(flat({Label.SKIN: 1.0, Label.HAIR: 1.0, Label.HAT: 1.0, Label.NECK: 1.0}))
    assert found.pixels == pytest.approx(0.25) and found.warnings == [LOW_WARNING]


def test_parts_are_told_apart() -> None:
    def network(x: Tensor) -> Tensor:
        said = flat({Label.SKIN: 100.0})(x)
        said[:, Label.NOSE, :2] = 100 + float(np.log(3.0))  # in a quarter of the picture 3 to 1
        return said

    found = confidence(network)
    assert dict(found.parts) == pytest.approx({"skin": 1, "nose": 0.75})
    assert found.pixels == pytest.approx(0.9375) and found.mean_part == pytest.approx(0.875)


def test_it_does_not_depend_on_the_batch() -> None:
    faces, one = [drawn_face(seed) for seed in range(5)], parser(TinyNet())
    alone = [one([face], batch_size=1)[0].confidence for face in faces]
    for batch_size in (2, 8):
        for found, wanted in zip(one(faces, batch_size=batch_size), alone, strict=True):
            assert found.confidence is not None and wanted is not None
            assert found.confidence.pixels == pytest.approx(wanted.pixels, abs=1e-5)
            assert dict(found.confidence.parts) == pytest.approx(dict(wanted.parts), abs=1e-5)


def test_labels_alone_come_without_confidence() -> None:
    [found] = parser(lambda x: torch.zeros(len(x), 8, 8, dtype=torch.long))([drawn_face()])
    assert found.confidence is None and found.ids.shape == (96, 96)


def test_it_is_kept_as_it_is_told() -> None:
    told = Confidence(0.5, {"skin": 0.25}, 1.5)
    kept = decode_confidence(encode_confidence(told), "here")
    assert kept.to_document() == told.to_document() and kept.warnings == [LOW_WARNING, UNLIKE_WARNING]
    assert "unlikeness" not in Confidence(1.0).to_document()
    copy: Any = pickle.loads(pickle.dumps(ParsedLabels(np.ones((2, 2), dtype=np.uint8), told)))  # noqa: S301
    assert copy.confidence == told and (copy.ids == 1).all()


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff"])
def test_damage_is_told(data: bytes) -> None:
    with pytest.raises(CacheError, match=r"confidence\.json: tells no confidence"):
        decode_confidence(data, "confidence.json")


@pytest.mark.parametrize("where", [0, -1])
def test_answers_that_are_no_numbers_fail_the_face(where: int) -> None:
    def network(x: Tensor) -> Tensor:
        said = flat({Label.SKIN: 1.0})(x)
        said[:, :, where, where] = float("nan")
        return said

    one = parser(network)
    for call in (one, one.probabilities, one.layouts):
        with pytest.raises(FacesynthError, match=r"no numbers \(nan\); if it computed in bf16 or fp16, try --prec"):
            call([drawn_face()])


def test_a_label_that_is_ruled_out_is_an_answer() -> None:
    def network(x: Tensor) -> Tensor:
        said = torch.full((len(x), 19, 8, 8), -torch.inf)
        said[:, Label.HAIR] = 3.0
        return said

    assert confidence(network).pixels == 1


def test_no_confidence_at_all_is_low_and_what_was_kept_of_it_is_damage() -> None:
    nothing = Confidence(float("nan"))
    assert nothing.warnings == [LOW_WARNING]
    for told in (nothing, Confidence(1.0, {"skin": float("inf")}), Confidence(1.0, {}, float("nan"))):
        with pytest.raises(CacheError, match="not finite"):
            decode_confidence(encode_confidence(told), "here")


def test_a_fresh_face_is_judged_as_the_same_one_from_the_cache() -> None:
    logit = float(np.log(0.89997 / (1 - 0.89997)))  # rounded it is 0.9, which is not low
    found = confidence(flat({Label.SKIN: logit, Label.HAIR: 0.0}))
    kept = decode_confidence(encode_confidence(found), "here")
    assert found.pixels == kept.pixels == 0.9 and found.warnings == kept.warnings == []
    assert dict(found.parts) == dict(kept.parts)
