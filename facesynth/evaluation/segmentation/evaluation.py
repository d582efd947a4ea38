"""An evaluation of label maps as a whole: what was scored, against what, how, and what came out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from facesynth.core.labels import LABEL_NAMES, READABLE, Label
from facesynth.evaluation.segmentation.scoring import Scores, Size
from facesynth.evaluation.subjects import Source, Subject
from facesynth.metrics.segmentation import GROUPS, Agreement

RULE = (
    "A class that neither the truth nor the prediction holds has no score and is left out of the means; one that is "
    "predicted but nowhere true counts as 0."
)
_SIZES_TOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class MapsSubject(Subject):
    """What was scored: a parser by name and sha256, or label maps that lay there already (`kind` "label maps").

    `declared` is what was said of another project's parser, in words. `device` and `engine`, what ran the parser, are
    None where nothing had to be computed: the parser's label maps were all in the cache.
    """

    declared: str | None = None
    device: str | None = None
    engine: str | None = None
    computed: int = 0
    cached: int = 0

    def told(self) -> str:
        """As in the protocol: `parser NAME sha256 0123456789ab, float32, cpu`."""
        if self.sha256 is None:
            return self.identified()
        device = self.device or "label maps from the cache"
        declared = f", {self.declared}" if self.declared else ""
        return f"{self.identified()}{declared}, {self.precision}, {device}"


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One line of the table of classes: a class, or several as one."""

    name: str
    readable: str
    labels: tuple[Label, ...]
    agreement: Agreement
    pixels: int

    @property
    def share(self) -> float:
        """Of all true pixels, 0..1."""
        return self.agreement.truth / self.pixels

    @property
    def remark(self) -> str | None:
        """What has to be said of a class that the truth does not hold."""
        if self.agreement.truth:
            return None
        return "absent, but predicted: counts as 0" if self.agreement.predicted else "absent: not in the means"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Scores with all that it takes to say what they are scores of. At least one face was scored."""

    subject: MapsSubject
    source: Source
    scores: Scores
    settings: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    versions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def exit_code(self) -> int:
        """0 when every face that was asked for counts, 3 when some could not be scored."""
        return 3 if self.scores.left_out or self.source.missing else 0

    def classes(self) -> list[ClassRow]:
        """The 19 classes."""
        return [self._row(name, READABLE[label], (Label(label),)) for label, name in enumerate(LABEL_NAMES)]

    def groups(self) -> list[ClassRow]:
        """Left and right, and upper and lower, as one class each."""
        return [self._row(name, name, labels) for name, labels in GROUPS.items()]

    def scored_classes(self) -> tuple[int, int]:
        """How many of the 19 classes, and of the 18 in the foreground, have a score: the means are over these."""
        scored = [row.name for row in self.classes() if not math.isnan(row.agreement.iou)]
        return len(scored), sum(name != "background" for name in scored)

    def _row(self, name: str, readable: str, labels: tuple[Label, ...]) -> ClassRow:
        matrix = self.scores.matrix
        return ClassRow(name, readable, labels, matrix.agreement(labels), matrix.pixels)

    def numbers(self) -> str:
        """The three numbers in words: `mIoU 0.717 · accuracy 0.934 · mean F1 0.807 (18 foreground classes)`."""
        matrix, (classes, foreground) = self.scores.matrix, self.scored_classes()
        all_but = "" if classes == 19 else f" ({classes} of 19 classes)"
        part = "18" if foreground == 18 else f"{foreground} of 18"
        return (
            f"mIoU {matrix.mean_iou:.3f}{all_but} · accuracy {matrix.pixel_accuracy:.3f} · "
            f"mean F1 {matrix.mean_f1:.3f} ({part} foreground classes)"
        )

    def protocol(self) -> str:
        """What the numbers are numbers of, in one line."""
        return ", ".join((self.compared(), self.matrix_told(), self.subject.told()))

    def compared(self) -> str:
        """How many faces of what were scored, and how many should have been: `74 faces of DATA, side … of split …`."""
        scored, left_out, missing = len(self.scores.faces), len(self.scores.left_out), len(self.source.missing)
        asked = scored + left_out + missing
        why = [f"{left_out} could not be used"] if left_out else []
        why += [f"{missing} {'is' if missing == 1 else 'are'} not there"] if missing else []
        faces = "face" if scored == 1 else "faces"
        told = f"{scored} of {asked} faces ({', '.join(why)})" if why else f"{scored} {faces}"
        return f"{told} of {self.source.told()}"

    def matrix_told(self) -> str:
        """How pixels were counted: `one confusion matrix over all pixels at 512×512`."""
        scaled = self.scores.scaled
        after = f" ({self.subject.kind} of {_sizes(scaled)} scaled by nearest)" if scaled else ""
        if scaled and self.subject.kind == "parser":
            after = f" (parsed at {_sizes(scaled)}, scaled by nearest)"
        return f"one confusion matrix over all pixels at {_sizes(self.scores.sizes)}{after}"

    def headline(self) -> str:
        """The numbers and their protocol in one line."""
        return f"{self.numbers()} | {self.protocol()}"


def _sizes(sizes: list[tuple[Size, int]]) -> str:
    told = [f"{width}×{height}" for (width, height), _ in sizes[:_SIZES_TOLD]]
    if len(sizes) > _SIZES_TOLD:
        told.append(f"{len(sizes) - _SIZES_TOLD} other sizes")
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def per_cent(share: float) -> str:
    """A share of pixels with two or three decimals: `28.38 %`, `0.004 %`."""
    return f"{100 * share:.{2 if share >= 0.0005 or not share else 3}f} %"


def confusions(evaluation: Evaluation, limit: int = 12) -> Iterator[tuple[int, int, float, int]]:
    """The most frequent mistakes: (true label, predicted label, share of the true class, pixels), by pixels."""
    counts = evaluation.scores.matrix.counts
    pairs = [(true, said) for true in Label for said in Label if true != said and counts[true, said]]
    for true, said in sorted(pairs, key=lambda pair: (-counts[pair], pair))[:limit]:
        yield true, said, float(counts[true, said] / counts[true].sum()), int(counts[true, said])
