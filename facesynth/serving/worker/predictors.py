"""What does the work in a worker: the predictors, called directly, without the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import numpy as np

from facesynth import weights
from facesynth.core.faces import Face
from facesynth.core.image_files import decode_photo
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.styles import Style
from facesynth.inference.aligner import Aligner
from facesynth.inference.device import resolve_batch_size
from facesynth.inference.encoder import Encoder
from facesynth.inference.landmarks.choice import choose_detector, detector_weights, load_detector
from facesynth.inference.lanes import Lanes
from facesynth.inference.parser import Parser
from facesynth.inference.synthesizer import Synthesizer
from facesynth.serving.settings import Settings
from facesynth.serving.worker.errors import NoEncoderError, NoFaceError, NotSquareError, TooManyPixelsError
from facesynth.serving.worker.painting import Painting
from facesynth.serving.worker.tasks import (
    Align,
    Aligned,
    Answer,
    Encode,
    Generator,
    Loaded,
    Paint,
    Parsed,
    Paste,
    PhotoFile,
    Segment,
    Task,
    Transfer,
)

_CROP = 512
"""The side of the faces that a transfer cuts out: as `align` does."""


class Predictors:
    """The predictors of one device, and what they make of tasks."""

    def __init__(self, settings: Settings, device: str) -> None:
        generator = settings.generator or weights.default_name("generator")
        parser = settings.parser or weights.default_name("parser")
        how: dict[str, Any] = {"device": device, "precision": settings.precision}
        self.synthesizer = Synthesizer.load(generator, **how)
        batch_size = resolve_batch_size(settings.batch_size, self.synthesizer.device)
        self._painting = Painting(self.synthesizer, batch_size)
        self.encoder = _encoder(generator, how)
        self.parser = Parser.load(parser, lanes=Lanes(1), **how)  # faces come one by one
        landmarks = choose_detector(settings.found_by)
        self.detector = load_detector(landmarks, device)
        spec = self.synthesizer.spec
        told = Generator(
            name=str(generator),
            sha256=self.synthesizer.identity,
            size=spec.size,
            style_channels=spec.style_channels,
            style_regions=spec.style_regions,
            noise=spec.noise,
            encoder=self.encoder is not None,
        )
        self._loaded = Loaded(
            device=str(self.synthesizer.device),
            precision=str(self.synthesizer.dtype).removeprefix("torch."),
            batch_size=batch_size,
            generator=told,
            parser=str(parser),
            parser_sha256=weights.sha256_of(parser),
            engine=self.parser.engine,
            landmarks=landmarks,
            weights=dict(detector_weights(landmarks)),
            side_by_side=self._painting.side_by_side,
        )

    def loaded(self) -> Loaded:
        """What is loaded."""
        return self._loaded

    def warm_up(self) -> None:
        """Paint, parse, encode and look for faces once: what is compiled or allocated at first use is so now."""
        side = self._loaded.generator.size
        grey = Photo(np.full((side, side, 3), 128, dtype=np.uint8))
        labels = self.parser([grey])[0]
        if self.encoder is not None:
            self.encoder([grey], [labels])
        self.detector.detect(grey)
        self._painting.warm_up(labels)

    def __call__(self, tasks: Sequence[Task]) -> list[Answer]:
        """One answer a task, all of one kind. Raises as the predictors do."""
        if isinstance(tasks[0], Paint):
            return list(self._paint([task for task in tasks if isinstance(task, Paint)]))
        return [_DO[type(task)](self, task) for task in tasks]

    def _paint(self, tasks: Sequence[Paint]) -> list[Photo]:
        return self._painting([task.labels for task in tasks], [task.style for task in tasks])

    def align(self, task: Align) -> Aligned:
        """The faces of a photo. Raises NoFaceError."""
        photo = read(task.photo)
        return Aligned(photo.size, tuple(self._faces(photo, task.photo.where, task.size, task.frame, task.faces)))

    def segment(self, task: Segment) -> Parsed:
        """The label map of a face, of its own size. Raises NotSquareError."""
        parsed = self.parser([read_face(task.face)])[0]
        told = parsed.confidence
        return Parsed(LabelMap(parsed.ids), told.to_document() if told else None, tuple(told.warnings if told else ()))

    def encode(self, task: Encode) -> Style:
        """The style of a face. Raises NotSquareError, NoEncoderError."""
        return self._style(read_face(task.face), task.labels)

    def transfer(self, task: Transfer) -> Photo:
        """The content's faces in the style of others. Raises NoFaceError, NoEncoderError, StyleError."""
        other = None if task.style is None else self._style_of(task.style)
        regions = [(labels, self._style_of(photo)) for labels, photo in task.regions]

        def wanted(own: Callable[[], Style]) -> Style:
            target = own() if other is None else other
            for labels, style in regions:
                target = target.with_regions(labels, style)
            return target if task.strength == 1 else Style.mix(own(), target, task.strength)

        if isinstance(task.content, LabelMap):
            return self._paint([Paint(task.content, wanted(lambda: self.synthesizer.mean_style))])[0]
        photo = read(task.content)
        faces = self._faces(photo, task.content.where, _CROP, "ffhq", task.faces)
        maps = [LabelMap(labels.ids) for labels in self.parser([face.photo for face in faces])]
        painted = self._paint(
            [
                Paint(labels, wanted(cache(partial(self._style, face.photo, labels))))
                for face, labels in zip(faces, maps, strict=True)
            ]
        )
        if not task.paste_back:
            return painted[0]
        for face, labels, picture in zip(faces, maps, painted, strict=True):
            photo = face.paste_back(photo, picture, labels=labels)
        return photo

    def paste(self, task: Paste) -> Photo:
        """A painted face in its photo. Raises NotSquareError."""
        photo, edited = read(task.photo), read_face(task.face)
        blank = Photo(np.zeros((task.size, task.size, 3), dtype=np.uint8))
        face = Face(blank, to_source=task.transform)
        return face.paste_back(photo, edited, feather=task.feather, labels=task.labels)

    def _faces(self, photo: Photo, where: str, size: int, frame: str, which: str) -> list[Face]:
        found = Aligner(self.detector, size=size, frame=frame, faces=which)([photo])[0]
        if not found:
            raise NoFaceError(
                "no face was found", where=where, hint="take a photo in which a face is seen from the front"
            )
        return found

    def _style(self, face: Photo, labels: LabelMap | None) -> Style:
        if self.encoder is None:
            hint = "paint by seeds, or serve a generator whose weights hold an encoder"
            raise NoEncoderError("these weights hold no encoder that could read a style off a face", hint=hint)
        if not self.encoder.reads_regions:
            return self.encoder([face])[0]
        return self.encoder([face], [labels if labels is not None else self.parser([face])[0]])[0]

    def _style_of(self, file: PhotoFile) -> Style:
        """The style of the largest face in a photo, or of a square image in which none is found: it may be a face."""
        photo = read(file)
        found = Aligner(self.detector, size=_CROP, faces="largest")([photo])[0]
        if not found and photo.width != photo.height:
            raise NoFaceError("no face was found", where=file.where, hint="give a style image with a face in it")
        return self._style(found[0].photo if found else photo, None)


_DO: Mapping[type[Any], Callable[[Predictors, Any], Answer]] = MappingProxyType(
    {
        Align: Predictors.align,
        Segment: Predictors.segment,
        Encode: Predictors.encode,
        Transfer: Predictors.transfer,
        Paste: Predictors.paste,
    }
)


def read(file: PhotoFile) -> Photo:
    """Decode what a client sent. Raises ImageError, and TooManyPixelsError for what no header has told."""
    photo = decode_photo(file.data, file.where)
    if photo.width * photo.height > file.most:
        raise TooManyPixelsError(f"{photo.width}×{photo.height} is more than {file.most:,} pixels", where=file.where)
    return photo


def read_face(file: PhotoFile) -> Photo:
    """Decode an aligned face. Raises NotSquareError too."""
    face = read(file)
    if face.width != face.height:
        hint = "send the photo to align first"
        raise NotSquareError(f"a face is square, this image is {face.width}×{face.height}", where=file.where, hint=hint)
    return face


def _encoder(generator: str, how: Mapping[str, Any]) -> Encoder | None:
    """The generator's own encoder, None where its weights hold none."""
    held = json.loads(weights.read_header(weights.locate(generator))["specs"])
    return Encoder.load(generator, **how) if "encoder" in held else None
