"""Evaluations of pictures that nobody painted: drawn faces, made-up scores."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from facesynth.core.labels import Label, LabelMap
from facesynth.evaluation.pictures.cases import Case, CasePictures
from facesynth.evaluation.pictures.results import (
    ClassFidelity,
    Extremes,
    Halves,
    PictureEvaluation,
    PictureRow,
    RegionStyle,
    Score,
    StyleDistance,
)
from facesynth.evaluation.pictures.subjects import SETTINGS, NetworkUsed, PicturesSubject, RealSet, Setting
from facesynth.evaluation.subjects import LeftOut
from facesynth.metrics.segmentation import Agreement
from tests.drawn_pairs import drawn_face, drawn_labels

SEEDS = (0, 1, 2)
KEYS: Mapping[str, tuple[str, Any, Any]] = MappingProxyType(
    {
        "fid": ("FID", "set", "lower"),
        "kid": ("KID", "set", "lower"),
        "miou": ("mIoU", "fidelity", "higher"),
        "accuracy": ("pixel accuracy", "fidelity", "higher"),
        "lpips": ("LPIPS", "paired", "lower"),
        "ssim": ("SSIM", "paired", "higher"),
        "diversity": ("diversity", "diversity", "higher"),
    }
)
PER_PICTURE = ("miou", "lpips", "ssim")


def score(key: str, setting: Setting, value: float, **more: Any) -> Score:
    """A score with what belongs to its key."""
    label, group, better = KEYS[key]
    given: dict[str, Any] = {"count": 74, "protocol": f"how {key} is taken, by made-up, features: none"} | more
    return Score(key=key, label=label, group=group, setting=setting, value=value, better=better, **given)


def scores(shift: float = 0.0) -> tuple[Score, ...]:
    """All measures in both settings; by seed with a spread over three seeds."""
    found = []
    for setting in SETTINGS[:2]:
        for place, key in enumerate(KEYS):
            if (key, setting) == ("diversity", "own style"):
                continue
            value = (31.2 if key == "fid" else 0.0312 if key == "kid" else 0.6 + place / 100) + shift
            more: dict[str, Any] = {}
            if setting == "by seed":
                by_seed = {seed: value + (seed - 1) * value / 50 for seed in SEEDS}
                spread = float(np.std(list(by_seed.values()), ddof=1))
                more = {"sd": spread, "sd_over": "3 seeds", "by_seed": MappingProxyType(by_seed)}
            if KEYS[key][1] == "set":
                halves = Halves(count=37, real=value / 3, generated=value * 1.2)
                if setting == "by seed":
                    by_seed = {seed: halves.generated + (seed - 1) * value / 40 for seed in SEEDS}
                    halves = dataclasses.replace(halves, by_seed=MappingProxyType(by_seed))
                more |= {"halves": halves, "notes": ("real against real: two halves of 37 by seed 2020",)}
            if key == "fid":
                more |= {"warning": "74 pictures are fewer than the 2048 features: biased up"}
            if KEYS[key][1] == "fidelity":
                more |= {"ceiling": 0.811}
            if KEYS[key][1] == "paired":
                more |= {"unrelated": 0.7}
            found.append(score(key, setting, value, **more))
    return tuple(found)


def classes() -> tuple[ClassFidelity, ...]:
    """All 19 classes, the necklace found nowhere."""
    found = []
    for label in Label:
        truth = 0 if label == Label.NECK_L else 1000
        own, by_seed = (Agreement(truth * share // 100, truth, truth) for share in (90 - label, 80 - label))
        pictures: dict[Setting, Agreement] = {"own style": own, "by seed": by_seed}
        ceiling = Agreement(truth * (95 - label) // 100, truth, truth)
        found.append(ClassFidelity(label=label, pictures=MappingProxyType(pictures), ceiling=ceiling))
    return tuple(found)


def case(name: str, number: int, size: int = 96) -> Case:
    """A drawn face, its pictures tinted in other ways."""

    def look() -> CasePictures:
        labels = drawn_labels(number, size)
        return CasePictures(
            labels=labels,
            real=drawn_face(labels, number),
            own=drawn_face(labels, number + 50),
            seeds={seed: drawn_face(labels, 100 + seed) for seed in SEEDS},
            reparsed=LabelMap(np.roll(labels.ids, 2, axis=1)),
        )

    return Case(name=name, real_file=f"gone/images/{name}.png", labels_file=f"gone/labels/{name}.png", look=look)


def evaluation(
    name: str = "spade-128-v1", *, faces: int = 6, shown: int = 4, shift: float = 0.0, **more: Any
) -> PictureEvaluation:
    """An evaluation of so many faces, of which the first are on the contact sheet."""
    names = [f"{number:05}" for number in range(faces)]
    rows = [
        PictureRow(
            name=one,
            setting="own style" if seed is None else "by seed",
            seed=seed,
            scores=dict.fromkeys(PER_PICTURE, 0.3 + number / 20 + (seed or 0) / 100),
        )
        for number, one in enumerate(names)
        for seed in (None, *SEEDS)
    ]
    given: dict[str, Any] = {
        "subject": PicturesSubject(
            kind="generator", name=name, size=(96, 96), count=faces, sha256="ab" * 32, seeds=SEEDS, precision="float32"
        ),
        "real": RealSet(data="pairs", count=faces, sizes=((96, 96),), digest="cd" * 32),
        "protocol": ("generated at 96×96, photos scaled to it by Lanczos, antialiased",),
        "scores": scores(shift),
        "networks": (NetworkUsed(role="judge", name="judge-efl0-256-v1", sha256="ef" * 32, kind="judge"),),
        "classes": classes(),
        "regions": regions(),
        "rows": tuple(rows),
        "cases": tuple(case(one, number) for number, one in enumerate(names)),
        "sheet": tuple(names[:shown]),
        "extremes": tuple(_extremes(rows, key, setting) for key in PER_PICTURE for setting in SETTINGS[:2]),
        "left_out": (LeftOut(name="bad", file="pairs/images/bad.png", reason="not an image"),),
        "versions": {"facesynth": "0.1", "torch": "2.15"},
        "settings": {"data": "pairs", "seeds": [0, 1, 2]},
    }
    return PictureEvaluation(**given | more)


def regions() -> tuple[RegionStyle, ...]:
    """Three regions, the hair not met by seed."""
    one = StyleDistance(colour=4.25, contrast=1.5, count=6)
    pictures: dict[Setting, StyleDistance] = {"own style": one, "by seed": StyleDistance(12.5, 2.75, 18)}
    own: dict[Setting, StyleDistance] = {"own style": one}
    apart = StyleDistance(21.125, 3.5, 6)
    return (
        RegionStyle(label=Label.SKIN, pictures=MappingProxyType(pictures), unrelated=apart),
        RegionStyle(label=Label.HAIR, pictures=MappingProxyType(own), unrelated=apart),
        RegionStyle(label=Label.CLOTH, pictures=MappingProxyType(pictures)),
    )


def _extremes(rows: list[PictureRow], key: str, setting: Setting) -> Extremes:
    values: dict[str, list[float]] = {}
    for row in rows:
        if row.setting == setting:
            values.setdefault(row.name, []).append(row.scores[key] or 0.0)
    ranked = sorted(values, key=lambda name: sum(values[name]), reverse=KEYS[key][2] == "higher")
    best, worst = tuple(ranked[:4]), tuple(ranked[:-5:-1])
    return Extremes(key=key, label=KEYS[key][0], setting=setting, best=best, worst=worst)
