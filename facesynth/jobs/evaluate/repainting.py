"""Held-out label maps painted again, in their photos' own styles and by seed, as often as a score asks for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator
from contextlib import closing
from copy import copy
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any, TypeVar, cast

from facesynth.core.faces import Face
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Declined, Digest, Done, Failed, Item, PairRef, Ref
from facesynth.core.styles import Style
from facesynth.datasets.pairs import Pair
from facesynth.evaluation.held_out import HeldOut
from facesynth.evaluation.pictures.subjects import Variant
from facesynth.jobs.evaluate.passes import Passes, error_of
from facesynth.jobs.evaluate.picture_items import FaceOfPair, LabelsOfPair
from facesynth.jobs.items import style_item
from facesynth.stages.base import Stage

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(slots=True)
class Repainting:
    """The pictures of a generator. They are never held: each pass over them finds them in the store again.

    `prepare` comes first; a face that cannot be used is left out by then, and there is a picture of each other one.
    `size` is (width, height) of the pictures.
    """

    held_out: HeldOut
    encode: Stage[Face, Style]
    synthesize: Stage[tuple[LabelMap, Style], Photo]
    passes: Passes
    variants: tuple[Variant, ...]
    size: tuple[int, int] = field(init=False, default=(0, 0))
    digest: Digest = field(init=False, default="")
    count: int = field(init=False, default=0)
    _settled: bool = field(init=False, default=False)

    def pairs(self) -> Iterator[Pair]:
        """The faces that are used, in the dataset's order."""
        return (pair for pair in self.held_out if pair.name not in self.passes.left_out)

    def at_rest(self) -> Repainting:
        """The same without the networks that were loaded to paint: pictures are found again, and in need made anew."""
        resting = copy(self)
        resting.encode, resting.synthesize = _at_rest(self.encode), _at_rest(self.synthesize)
        return resting

    def prepare(self) -> None:
        """Paint everything once. InputError where no face can be used.

        `digest` is one sha256 over what is used from then on: names, orders of ids and the files' bytes, whatever
        their order; `count` says of how many faces.
        """
        progress, force = self.passes.execution.progress, self.passes.execution.force
        for variant in self.variants:
            progress.begin(len(self.held_out), f"paint {variant}")
            with closing(self._painted(variant, force=force)) as painted:
                for _, picture in painted:
                    progress.advance()
                    if self.size == (0, 0):
                        self.size = picture.load().size
        self.passes.require(len(self.held_out), self.held_out.data)
        identities = sorted(_identity(pair) for pair in self.pairs())
        self.count, self.digest = len(identities), hashlib.sha256(b"".join(identities)).hexdigest()
        self._settled = True

    def pictures(self, variant: Variant) -> Generator[tuple[Pair, Ref[Photo]], None, None]:
        """The pictures of one variant, in the dataset's order. Raises the error of one that is there no more."""
        return self._painted(variant, force=False)

    def of(self, pair: Pair, variant: Variant) -> Ref[Photo]:
        """One face's picture. Raises its error where it is there no more."""
        with closing(self._painted(variant, force=False, pairs=iter((pair,)))) as painted:
            _, picture = next(painted)
        return picture

    def _painted(
        self, variant: Variant, *, force: bool, pairs: Iterator[Pair] | None = None
    ) -> Generator[tuple[Pair, Ref[Photo]], None, None]:
        chosen = self.pairs() if pairs is None else pairs
        items: Iterator[tuple[Item[tuple[LabelMap, Style]], Pair]]
        if variant.seed is None:
            items = self._in_own_style(chosen, force=force)
        else:
            style = style_item(Style.from_seed(variant.seed))
            items = ((PairRef(LabelsOfPair(pair), style), pair) for pair in chosen)
        with closing(self.passes.along(self.synthesize, items, force=force)) as results:
            for result, pair in results:
                if isinstance(result, Done):
                    yield pair, result.ref
                else:
                    self._fail(pair, str(pair.labels), result)

    def _in_own_style(
        self, pairs: Iterator[Pair], *, force: bool
    ) -> Generator[tuple[PairRef[LabelMap, Style], Pair], None, None]:
        faces = ((FaceOfPair(pair), pair) for pair in pairs)
        with closing(self.passes.along(self.encode, faces, force=force)) as results:
            for result, pair in results:
                if isinstance(result, Done):
                    yield PairRef(LabelsOfPair(pair), result.ref), pair
                else:
                    self._fail(pair, str(pair.image), result)

    def _fail(self, pair: Pair, file: str, result: Declined | Failed) -> None:
        if self._settled:
            raise error_of(result)
        self.passes.leave_out(pair.name, file, error_of(result))
        self.passes.execution.progress.advance()


def _at_rest(stage: Stage[In, Out]) -> Stage[In, Out]:
    """A stage as it was made; itself where its weights have been replaced since, for its results are known by these."""
    fresh: Stage[In, Out] = replace(cast("Any", stage)) if is_dataclass(stage) else stage
    return fresh if dict(fresh.weights) == dict(stage.weights) else stage


def _identity(pair: Pair) -> bytes:
    face, labels = FaceOfPair(pair).identify(), LabelsOfPair(pair).identify()
    identity = json.dumps([pair.name, pair.schema, face.digest, labels.digest])
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass")).digest()
