"""How well a judge finds the label maps again in the pictures that were painted from them."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import fmean
from types import MappingProxyType

from facesynth.core.labels import Label, LabelMap
from facesynth.evaluation.pictures.measures import Measure, Reference
from facesynth.evaluation.pictures.results import ClassFidelity
from facesynth.evaluation.pictures.subjects import Setting, Variant
from facesynth.metrics.segmentation import Agreement, ConfusionMatrix


@dataclass(slots=True)
class Fidelity:
    """Confusion matrices (label map, what the judge sees) of the pictures by setting and seed, and of the photos."""

    matrices: dict[Variant, ConfusionMatrix] = field(default_factory=lambda: defaultdict(ConfusionMatrix))
    photos: ConfusionMatrix = field(default_factory=ConfusionMatrix)

    def classes(self) -> tuple[ClassFidelity, ...]:
        """Every class, the pictures of all seeds together."""
        by_setting: dict[Setting, ConfusionMatrix] = defaultdict(ConfusionMatrix)
        for variant, matrix in self.matrices.items():
            by_setting[variant.setting].counts += matrix.counts
        return tuple(
            ClassFidelity(
                label=label,
                pictures=MappingProxyType(
                    {setting: matrix.agreement((label,)) for setting, matrix in by_setting.items()}
                ),
                ceiling=self.photos.agreement((label,)),
            )
            for label in Label
        )

    def ceiling(self, measure: Measure) -> Reference:
        """What the judge scores on the real photos."""
        notes = [f"over {len(_held(self.photos))} of {len(Label)} classes"] if measure.key != "accuracy" else []
        notes.append("ceiling: the judge on the real photos of these label maps, at the same size")
        return Reference(ceiling=numbers_of(self.photos)[measure.key], notes=tuple(notes))


def fidelity_measures(judge: str, size: tuple[int, int]) -> list[Measure]:
    """What is measured of a confusion matrix over all pictures, in the order it is shown in."""
    how = f"judge {judge} on the pictures at {size[0]}×{size[1]} against the label maps they were painted from"
    whole = "one confusion matrix over all pixels"
    return [
        Measure(key=key, label=label, group="fidelity", better="higher", protocol=f"{said}; {how}; {whole}")
        for key, label, said in (
            ("miou", "mIoU", "mean over the classes that the label maps hold"),
            ("accuracy", "pixel accuracy", "share of pixels with the right label"),
            ("mean_f1", "mean F1", "mean over those of the 18 foreground classes that the label maps hold"),
        )
    ]


def numbers_of(matrix: ConfusionMatrix) -> dict[str, float]:
    """A matrix' scores by key, its means over the classes that were to be painted.

    A class that the judge alone sees takes its pixels from others and has no score: one such pixel would count as much
    as all hair, and the means of two generators would be over unlike classes.
    """
    held = _held(matrix)
    return {
        "miou": fmean(matrix.agreement((label,)).iou for label in held),
        "accuracy": matrix.pixel_accuracy,
        "mean_f1": fmean([matrix.agreement((label,)).f1 for label in held if label] or [math.nan]),
    }


def class_iou(agreement: Agreement) -> float:
    """A class's own score; NaN where no label map holds it, as `numbers_of` leaves it out."""
    return agreement.iou if agreement.truth else math.nan


def _held(matrix: ConfusionMatrix) -> list[Label]:
    """The classes that the label maps hold."""
    return [label for label in Label if matrix.agreement((label,)).truth]


def reparsed(labels: LabelMap, seen: LabelMap) -> ConfusionMatrix:
    """One picture's matrix, at the size that the judge saw it in; its label map is scaled to that by nearest."""
    matrix = ConfusionMatrix()
    matrix.add(labels.resized(seen.width, seen.height), seen)
    return matrix
