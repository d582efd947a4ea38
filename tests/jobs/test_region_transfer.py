"""Faces painted with regions in the styles of others: by stages that need no network, and colour each region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from facesynth.core.errors import UsageError
from facesynth.core.faces import Face
from facesynth.core.image_files import decode_photo, encode_png, read_photo, write_photo
from facesynth.core.images import Photo
from facesynth.core.label_files import write_label_map
from facesynth.core.labels import Label, LabelMap
from facesynth.core.refs import Outcome
from facesynth.core.style_sources import RegionsSource
from facesynth.core.styles import Style
from facesynth.jobs.painting import StyleReader
from facesynth.jobs.session import Session
from facesynth.jobs.transfer import TransferStages, transfer
from facesynth.stages.base import FileCodec
from facesynth.stages.encode import EncodeStage
from tests.jobs.conftest import Opener, rows
from tests.painted_stages import ENCODER, Brightness, MeanColour, Tiles, _Stage

AVERAGE = 77.0


class RegionColours(_Stage):
    """The style of each region is its mean colour."""

    name: ClassVar[str] = "encode-regions"
    codec: ClassVar[FileCodec[Style]] = EncodeStage.codec

    def __call__(self, batch: Sequence[tuple[Face, LabelMap]]) -> list[Outcome[Style]]:
        self._count(batch)
        return [
            Style.from_regions(
                {
                    Label(label): face.photo.pixels[labels.ids == label].mean(0).astype(np.float32)
                    for label in np.unique(labels.ids)
                },
                ENCODER,
            )
            for face, labels in batch
        ]


class RegionColouring(_Stage):
    """Each pixel has the colour of its region's style, `AVERAGE` in all channels where that knows nothing of it."""

    name: ClassVar[str] = "synthesize"
    codec: ClassVar[FileCodec[Photo]] = FileCodec("picture.png", encode_png, decode_photo)

    def __call__(self, batch: Sequence[tuple[LabelMap, Style]]) -> list[Outcome[Photo]]:
        self._count(batch)
        return [_coloured(labels, style) for labels, style in batch]


def _coloured(labels: LabelMap, style: Style) -> Photo:
    pixels = np.zeros((labels.height, labels.width, 3))
    for label in np.unique(labels.ids):
        colour = np.zeros(3)
        for weight, source in style.of_region(Label(label)):
            assert isinstance(source, RegionsSource)
            code = dict(source.codes).get(Label(label))
            colour += weight * (np.full(3, AVERAGE) if code is None else np.frombuffer(code, "<f4"))
        pixels[labels.ids == label] = colour
    return Photo(np.rint(pixels).astype(np.uint8))


def stages() -> TransferStages:
    return TransferStages(
        align=Tiles(),
        segment=Brightness(),
        encode=MeanColour(),
        encode_regions=RegionColours(),
        synthesize=RegionColouring(),
    )


def face(hair: int, skin: int) -> Photo:
    """Hair above, skin below, of these greens; their reds are what they are parsed by."""
    pixels = np.zeros((20, 20, 3), np.uint8)
    pixels[:10] = (14 * Label.HAIR, hair, 0)
    pixels[10:] = (14 * Label.SKIN, skin, 0)
    return Photo(pixels)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    folder.mkdir()
    for name, colours in {"me": (10, 20), "ann": (100, 110), "bob": (200, 210)}.items():
        write_photo(face(*colours), folder / f"{name}.png")
    return folder


def painted(session: Session, name: str = "me") -> tuple[int, int]:
    """The greens of the hair and of the skin in a result."""
    found = read_photo(session.folder / f"{name}.png").pixels
    return int(found[0, 0, 1]), int(found[-1, -1, 1])


@pytest.mark.parametrize(
    ("style", "regions", "strength", "expected"),
    [
        (None, {"hair": "ann"}, 1.0, (100, 20)),  # the rest is its own
        ("bob", {"hair": "ann"}, 1.0, (100, 210)),
        ("bob", {}, 1.0, (200, 210)),
        (None, {"hair": "ann", "skin": "bob"}, 1.0, (100, 210)),
        (None, {"hair": "ann"}, 0.5, (55, 20)),
        ("bob", {"hair": "ann"}, 0.5, (55, 115)),
        ("bob", {"hair": "ann"}, 0.0, (10, 20)),
    ],
)
def test_regions_are_painted_in_the_styles_of_others(
    opened: Opener,
    people: Path,
    style: str | None,
    regions: dict[str, str],
    strength: float,
    expected: tuple[int, int],
) -> None:
    for _ in range(2):  # the second time from the cache
        with opened(people / "me.png") as session:
            reader = StyleReader(session, stages())
            others = reader.regions([(name, people / f"{who}.png") for name, who in regions.items()])
            wanted = reader.image(people / f"{style}.png") if style else None
            transfer(session, reader.stages, wanted, regions=others, strength=strength)
        assert painted(session) == expected
    assert rows(session) == {"me.png": "cached"}


def test_a_label_map_keeps_the_learned_average_elsewhere(opened: Opener, people: Path, tmp_path: Path) -> None:
    ids = np.full((20, 20), Label.SKIN)
    ids[:10] = Label.HAIR
    write_label_map(LabelMap(ids), tmp_path / "map.png")
    with opened(tmp_path / "map.png") as session:
        reader = StyleReader(session, stages())
        transfer(session, reader.stages, None, regions=reader.regions([("hair", people / "ann.png")]))
    assert painted(session, "map") == (100, AVERAGE)


def test_a_dry_run_reads_no_style_and_counts_all(opened: Opener, people: Path) -> None:
    for style in (None, people / "bob.png"):
        fresh = stages()
        with opened(people / "me.png", dry_run=True) as session:
            reader = StyleReader(session, fresh)
            others = reader.regions([("hair", people / "ann.png")])
            transfer(session, fresh, reader.image(style) if style else None, regions=others)
        reading = 2  # ann's style, and the content's own or bob's
        assert session.estimate.missing["encode-regions"] == reading and session.estimate.missing["synthesize"] == 1
        assert not session.folder.exists()


def test_what_cannot_be_is_said_before_anything_is_painted(opened: Opener, people: Path) -> None:
    ann = people / "ann.png"
    with opened(people / "me.png") as session:
        reader = StyleReader(session, stages())
        with pytest.raises(UsageError, match="no hat"):
            reader.regions([("hat", ann)])
        with pytest.raises(UsageError, match="unknown region 'fur'"):
            reader.regions([("fur", ann)])
        with pytest.raises(UsageError, match="hair is given twice"):
            reader.regions([("hair", ann), ("hair", people / "bob.png")])
        with pytest.raises(UsageError, match="one style for the whole face"):
            StyleReader(session, replace(stages(), encode_regions=None)).regions([("hair", ann)])
        with pytest.raises(UsageError, match="no style to paint in"):
            transfer(session, stages(), None)
    assert not (session.folder / "me.png").exists()
