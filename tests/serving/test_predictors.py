"""The predictors as a worker calls them, on an example photo and the bundled weights."""

from __future__ import annotations

import numpy as np
import pytest

from facesynth.core.image_files import encode_png, read_photo
from facesynth.core.images import Photo
from facesynth.core.labels import Label, LabelMap
from facesynth.core.styles import Style
from facesynth.serving.settings import Settings
from facesynth.serving.worker.errors import NoFaceError, NotSquareError, TooManyPixelsError
from facesynth.serving.worker.predictors import Predictors
from facesynth.serving.worker.tasks import (
    Align,
    Aligned,
    Encode,
    Paint,
    Parsed,
    Paste,
    PhotoFile,
    Segment,
    Transfer,
)
from facesynth.weights import data_folder
from tests.drawn_pairs import drawn_labels

MOST = 4_000_000


@pytest.fixture(scope="module")
def predictors() -> Predictors:
    made = Predictors(Settings(demo=True), "cpu")
    made.warm_up()
    return made


def example(name: str = "portrait-2") -> PhotoFile:
    return PhotoFile((data_folder("photos") / f"{name}.jpg").read_bytes(), "photo", MOST)


def test_they_tell_what_is_loaded(predictors: Predictors) -> None:
    loaded = predictors.loaded()
    assert (loaded.device, loaded.precision, loaded.landmarks) == ("cpu", "float32", "dlib")
    assert loaded.generator.encoder and loaded.generator.sha256 == predictors.synthesizer.identity


def test_a_photo_goes_all_the_way_and_back(predictors: Predictors) -> None:
    (aligned,) = predictors([Align(example(), 256, "ffhq", "largest")])
    assert isinstance(aligned, Aligned) and len(aligned.faces) == 1
    face = aligned.faces[0]
    file = PhotoFile(encode_png(face.photo), "face", MOST)
    (parsed,) = predictors([Segment(file)])
    assert isinstance(parsed, Parsed) and parsed.confidence is not None
    assert {Label.SKIN, Label.HAIR, Label.NOSE} <= {Label(each) for each in np.unique(parsed.labels.ids)}
    (style,) = predictors([Encode(file, None)])
    assert isinstance(style, Style) and style.encoder == predictors.synthesizer.identity
    (picture,) = predictors([Paint(parsed.labels, style)])
    assert isinstance(picture, Photo)
    assert face.to_source is not None
    paste = Paste(
        example(), PhotoFile(encode_png(picture), "face", MOST), face.to_source, face.size, parsed.labels, 0.1
    )
    (pasted,) = predictors([paste])
    photo = read_photo(data_folder("photos") / "portrait-2.jpg")
    assert isinstance(pasted, Photo) and pasted.size == photo.size
    changed = (pasted.pixels != photo.pixels).any(axis=2).mean()
    assert 0.05 < changed < 0.9


def test_a_batch_is_painted_as_each_alone(predictors: Predictors) -> None:
    tasks = [Paint(drawn_labels(seed), Style.from_seed(seed)) for seed in range(3)]
    together = predictors(tasks)
    for task, picture in zip(tasks, together, strict=True):
        (alone,) = predictors([task])
        assert isinstance(alone, Photo) and isinstance(picture, Photo)
        assert np.array_equal(alone.pixels, picture.pixels)


def test_strength_goes_from_the_own_style_to_the_other(predictors: Predictors) -> None:
    labels = drawn_labels(1, 128)
    style = predictors._style_of(example("portrait-4"))

    def transferred(strength: float) -> Photo:
        (picture,) = predictors([Transfer(labels, example("portrait-4"), (), strength, "largest", False)])
        assert isinstance(picture, Photo)
        return picture

    ends = predictors([Paint(labels, predictors.synthesizer.mean_style), Paint(labels, style)])
    for strength, end in zip((0.0, 1.0), ends, strict=True):
        assert isinstance(end, Photo)
        assert np.array_equal(transferred(strength).pixels, end.pixels)
    assert not np.array_equal(transferred(0.5).pixels, transferred(1.0).pixels)


def test_all_faces_of_a_photo_are_pasted_back(predictors: Predictors) -> None:
    (pasted,) = predictors([Transfer(example("two-people"), example(), (), 1.0, "all", True)])
    assert isinstance(pasted, Photo)
    photo = read_photo(data_folder("photos") / "two-people.jpg")
    changed = (pasted.pixels != photo.pixels).any(axis=2)
    half = photo.width // 2
    assert changed[:, :half].mean() > 0.02 and changed[:, half:].mean() > 0.02


def test_what_is_wrong_is_said(predictors: Predictors) -> None:
    grey = Photo(np.full((60, 90, 3), 128, dtype=np.uint8))
    file = PhotoFile(encode_png(grey), "photo", MOST)
    with pytest.raises(NoFaceError, match="photo: no face"):
        predictors([Align(file, 64, "ffhq", "all")])
    with pytest.raises(NotSquareError):
        predictors([Segment(file)])
    with pytest.raises(NoFaceError):
        predictors([Transfer(LabelMap(np.zeros((8, 8), dtype=np.uint8)), file, (), 1.0, "largest", False)])
    with pytest.raises(TooManyPixelsError):
        predictors([Segment(PhotoFile(encode_png(grey), "face", 5000))])
