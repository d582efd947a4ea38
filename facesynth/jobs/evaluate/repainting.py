"""Held-out label maps painted again, in their photos' own styles and by seed, as often as a score asks for them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from copy import copy
from dataclasses import dataclass, field, is_dataclass, replace
from functools import partial
from typing import Any, TypeVar, cast

from facesynth.core.faces import Face
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Declined, Done, Failed, Item, PairRef, Ref, Result
from facesynth.core.styles import Style
from facesynth.datasets.pairs import Pair
from facesynth.evaluation.held_out import HeldOut
from facesynth.evaluation.pictures.subjects import Variant
from facesynth.jobs.evaluate.held_faces import HeldFace, HeldFaces
from facesynth.jobs.evaluate.passes import Passes, error_of
from facesynth.jobs.evaluate.picture_items import FaceOfPair, LabelsOfPair
from facesynth.jobs.items import style_item
from facesynth.stages.base import Stage

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True)
class _Unread:
    """A pair of which nothing is known yet."""

    pair: Pair

    def face(self) -> Item[Face]:
        return FaceOfPair(self.pair)

    def labels(self) -> Item[LabelMap]:
        return LabelsOfPair(self.pair)


F = TypeVar("F", _Unread, HeldFace)


@dataclass(slots=True)
class Repainting:
    """The pictures of a generator. They are never held: each pass over them finds them in the store again.

    `prepare` comes first; a face that cannot be used is left out by then, and there is a picture of each other one.
    `encode_regions` is there for a generator that has a style for each region, and then reads a face by its label map.
    `size` is (width, height) of the pictures. From then on a photo or label map is read where it has to be decoded, and
    not to find what was made of it.
    """

    held_out: HeldOut
    encode: Stage[Face, Style]
    synthesize: Stage[tuple[LabelMap, Style], Photo]
    passes: Passes
    variants: tuple[Variant, ...]
    encode_regions: Stage[tuple[Face, LabelMap], Style] | None = None
    size: tuple[int, int] = field(init=False, default=(0, 0))
    faces: HeldFaces = field(init=False)
    _settled: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self.faces = HeldFaces(partial(_used, self.held_out, self.passes))

    @property
    def count(self) -> int:
        """How many faces are used."""
        return len(self.faces)

    def at_rest(self) -> Repainting:
        """The same without the networks that were loaded to paint: pictures are found again, and in need made anew."""
        resting = copy(self)
        resting.encode, resting.synthesize = _at_rest(self.encode), _at_rest(self.synthesize)
        resting.encode_regions = None if self.encode_regions is None else _at_rest(self.encode_regions)
        return resting

    def prepare(self) -> None:
        """Paint everything once; `faces` are those that are used from then on. InputError where none can be."""
        progress, force = self.passes.execution.progress, self.passes.execution.force
        for variant in self.variants:
            progress.begin(len(self.held_out), f"paint {variant}")
            with closing(
                self._painted(variant, map(_Unread, _used(self.held_out, self.passes)), force=force)
            ) as painted:
                for _, picture in painted:
                    progress.advance()
                    if self.size == (0, 0):
                        self.size = picture.load().size
        self.passes.require(len(self.held_out), self.held_out.data)
        self.faces.read()
        self._settled = True

    def pictures(self, variant: Variant) -> Generator[tuple[HeldFace, Ref[Photo]], None, None]:
        """The pictures of one variant, in the dataset's order. Raises the error of one that is there no more."""
        return self._painted(variant, iter(self.faces), force=False)

    def of(self, face: HeldFace, variant: Variant) -> Ref[Photo]:
        """One face's picture. Raises its error where it is there no more."""
        with closing(self._painted(variant, iter((face,)), force=False)) as painted:
            _, picture = next(painted)
        return picture

    def _painted(
        self, variant: Variant, faces: Iterator[F], *, force: bool
    ) -> Generator[tuple[F, Ref[Photo]], None, None]:
        items: Iterator[tuple[Item[tuple[LabelMap, Style]], F]]
        if variant.seed is None:
            items = self._in_own_style(faces, force=force)
        else:
            style = style_item(Style.from_seed(variant.seed))
            items = ((PairRef(face.labels(), style), face) for face in faces)
        with closing(self.passes.along(self.synthesize, items, force=force)) as results:
            for result, face in results:
                if isinstance(result, Done):
                    yield face, result.ref
                else:
                    self._fail(face.pair, str(face.pair.labels), result)

    def _in_own_style(
        self, faces: Iterator[F], *, force: bool
    ) -> Generator[tuple[PairRef[LabelMap, Style], F], None, None]:
        with closing(self._read(faces, force=force)) as results:
            for result, face in results:
                if isinstance(result, Done):
                    yield PairRef(face.labels(), result.ref), face
                else:
                    self._fail(face.pair, str(face.pair.image), result)

    def _read(self, faces: Iterator[F], *, force: bool) -> Generator[tuple[Result[Style], F], None, None]:
        if self.encode_regions is None:
            return self.passes.along(self.encode, ((face.face(), face) for face in faces), force=force)
        pairs = ((PairRef(face.face(), face.labels()), face) for face in faces)
        return self.passes.along(self.encode_regions, pairs, force=force)

    def _fail(self, pair: Pair, file: str, result: Declined | Failed) -> None:
        if self._settled:
            raise error_of(result)
        self.passes.leave_out(pair.name, file, error_of(result))
        self.passes.execution.progress.advance()


def _used(held_out: HeldOut, passes: Passes) -> Iterator[Pair]:
    return (pair for pair in held_out if pair.name not in passes.left_out)


def _at_rest(stage: Stage[In, Out]) -> Stage[In, Out]:
    """A stage as it was made; itself where its weights have been replaced since, for its results are known by these."""
    fresh: Stage[In, Out] = replace(cast("Any", stage)) if is_dataclass(stage) else stage
    return fresh if dict(fresh.weights) == dict(stage.weights) else stage
