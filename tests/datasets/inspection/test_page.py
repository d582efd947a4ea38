"""The page of an inspection: whole, self-contained HTML that shows what was found, whatever the files are named."""

from __future__ import annotations

import base64
import io
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facesynth.core.image_files import write_photo
from facesynth.core.label_files import read_label_map, write_label_map
from facesynth.core.labels import LABEL_NAMES, PALETTE, Label, LabelMap
from facesynth.datasets.inspection import page as module
from facesynth.datasets.inspection.inspect import Inspection, inspect_dataset
from facesynth.datasets.inspection.page import inspection_page
from facesynth.datasets.inspection.pictures import SIDE, highlight, overlay, thumbnail
from facesynth.datasets.inspection.target import open_target
from facesynth.datasets.inspection.words import percent, size_rows
from tests.drawn_faces import textured_photo
from tests.drawn_pairs import drawn_face, drawn_labels

_OPEN_ENDED = {"meta", "img", "br"}


class Page(HTMLParser):
    """A page read back: its tags must nest, its words and images are kept."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: set[str] = set()
        self.targets: set[str] = set()
        self.images: list[dict[str, str]] = []
        self.words: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids |= {given["id"]} if "id" in given else set()
        self.targets |= {given["href"]} if "href" in given else set()
        if tag == "img":
            self.images.append(given)
        if tag not in _OPEN_ENDED:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def pictured(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/jpeg;base64,")))).convert("RGB")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for seed in range(4):
        write_photo(textured_photo(96, 96, seed), tmp_path / "pairs" / "images" / f"{seed}.png")
        write_label_map(drawn_labels(seed, 96), tmp_path / "pairs" / "labels" / f"{seed}.png")
    return tmp_path / "pairs"


def inspected(folder: Path, split: Path | None = None) -> Inspection:
    return inspect_dataset(open_target(folder, split=None if split is None else str(split)))


def test_a_page_is_whole_and_needs_nothing_from_elsewhere(pairs: Path) -> None:
    source = inspection_page(inspected(pairs))
    page = Page(source)
    assert source.startswith("<!doctype html>") and '<html lang="en">' in source
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert all(image["src"].startswith("data:image/jpeg;base64,") and image["alt"] for image in page.images)
    assert not re.search(r"https?:|url\(|@import|\bon\w+=", source)
    assert "prefers-color-scheme: dark" in source and 'name="viewport"' in source
    assert "Nothing is wrong with the files." in page.text
    assert len(source) < 200_000


def test_every_class_has_its_bar_in_its_colour(pairs: Path) -> None:
    source = inspection_page(inspected(pairs))
    for label, name in enumerate(LABEL_NAMES):
        assert f'background:#{bytes(PALETTE[label].tolist()).hex()}"></span>{name}' in source
    text = Page(source).text
    assert "In no label map at all: eye_g, l_ear, r_ear, mouth, hat, ear_r, neck_l" in text
    assert "skin 100 %" in text


def test_duplicates_across_sides_are_named_first_and_loudly(pairs: Path, tmp_path: Path) -> None:
    shutil.copy(pairs / "images" / "0.png", pairs / "images" / "1.png")
    write_photo(textured_photo(96, 96, 2).flip(), pairs / "images" / "3.png")
    split = tmp_path / "own.json"
    split.write_text('{"train": ["0", "1", "2"], "validation": ["3"]}')
    page = Page(inspection_page(inspected(pairs, split)))
    assert "1 face lies on several sides of “own”" in page.text
    assert page.text.index("mirrored, 2 copies — across own: train ↔ validation") < page.text.index(
        "same file, 2 copies"
    )
    assert page.targets <= {f"#{name}" for name in page.ids}
    assert "#duplicates" in page.targets


def test_problems_are_listed_with_links_to_them(pairs: Path) -> None:
    (pairs / "images" / "0.png").write_bytes(b"x")
    for number in (1, 2):
        write_label_map(LabelMap(drawn_labels(number, 96).ids[:, ::-1]), pairs / "labels" / f"{number}.png")
    page = Page(inspection_page(inspected(pairs)))
    assert page.targets == {"#unreadable", "#sides_swapped"} and page.targets <= {f"#{name}" for name in page.ids}
    assert "label maps with left and right swapped: 2" in page.text
    assert page.text.count("lies to the left of the right one") == 1
    assert str(pairs / "images" / "0.png") in page.text


def test_long_lists_are_cut_and_say_so(pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTED", 1)
    monkeypatch.setattr(module, "GROUPS", 1)
    monkeypatch.setattr(module, "COPIES", 2)
    for number in (4, 5, 6):
        shutil.copy(pairs / "images" / "0.png", pairs / "images" / f"{number}.png")
    for number in (7, 8):
        shutil.copy(pairs / "images" / "1.png", pairs / "images" / f"{number}.png")
    text = Page(inspection_page(inspected(pairs))).text
    assert "same file, 4 copies" in text and "and 2 more" in text
    assert "and 1 more group: --json FILE names them all." in text
    assert "and 4 more: --json FILE names them all." in text


def test_names_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" & <b>bold'
    write_photo(textured_photo(64, 64, 1), folder / "<img src=x onerror=alert(1)>.png")
    write_photo(textured_photo(64, 64, 2), folder / "caf\udce9.png")
    source = inspection_page(inspected(folder))
    page = Page(source)
    assert "b" not in page.tags[: page.tags.index("div")] and page.tags.count("img") == 2
    assert "<img src=x onerror=alert(1)>" in page.text and 'a "quoted" & <b>bold' in page.text
    source.encode("utf-8")


def test_photos_that_are_gone_leave_a_gap(pairs: Path) -> None:
    found = inspected(pairs)
    shutil.rmtree(pairs)
    page = Page(inspection_page(found))
    assert page.images == [] and "gone" in page.text


def test_photos_alone_have_a_page_too(tmp_path: Path) -> None:
    for seed in range(12):
        write_photo(textured_photo(40 + 8 * seed, 40, seed), tmp_path / f"{seed:02}.png")
    page = Page(inspection_page(inspected(tmp_path)))
    assert len(page.images) == 12 and "Classes" not in page.text
    assert "shorter side under 64" in page.text and "11 images are not square" in page.text


def test_pictures_are_small_and_keep_their_shape(tmp_path: Path) -> None:
    write_photo(textured_photo(600, 300, 0), tmp_path / "wide.png")
    shown = thumbnail(tmp_path / "wide.png")
    assert shown is not None and pictured(shown).size == (SIDE, SIDE // 2)
    assert thumbnail(tmp_path / "none.png") is None


def test_overlay_and_highlight_show_the_labels(tmp_path: Path) -> None:
    labels = drawn_labels(0, 128)
    write_photo(drawn_face(labels, 0), tmp_path / "face.png")
    write_label_map(labels, tmp_path / "labels.png")
    face, file = tmp_path / "face.png", tmp_path / "labels.png"
    covered = overlay(face, file, schema=None)
    assert covered is not None
    hair = labels.ids == Label.HAIR
    red, green, blue = np.asarray(pictured(covered))[hair].mean(axis=0)
    assert blue > red + 60 and blue > green + 60  # hair is blue in the palette
    shown = highlight(face, file, Label.NOSE, schema=None)
    assert shown is not None
    pixels, photo = np.asarray(pictured(shown)).astype(int), drawn_face(labels, 0).pixels.astype(int)
    nose = labels.ids == Label.NOSE
    assert np.abs(pixels - photo)[nose].mean() < 25
    assert np.ptp(pixels[labels.ids == Label.CLOTH].mean(axis=0)) < 6  # faded: no colour is left
    assert highlight(face, tmp_path / "none.png", Label.NOSE, schema=None) is None


def test_label_maps_in_another_order_are_shown_in_theirs(tmp_path: Path) -> None:
    labels = drawn_labels(0, 128)
    write_photo(drawn_face(labels, 0), tmp_path / "face.png")
    write_label_map(labels, tmp_path / "ours.png")
    Image.fromarray(read_label_map(tmp_path / "ours.png").to_ids("zllrunning")).save(tmp_path / "theirs.png")
    ours = overlay(tmp_path / "face.png", tmp_path / "ours.png", schema=None)
    assert ours == overlay(tmp_path / "face.png", tmp_path / "theirs.png", schema="zllrunning")


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "0 %"), (1, "100 %"), (0.99996, "99.9 %"), (0.2861, "28.6 %"), (0.0042, "0.42 %"), (0.00007, "0.007 %"),
     (1e-9, "0.001 %")],
)  # fmt: skip
def test_shares_are_told_in_three_figures(share: float, told: str) -> None:
    assert percent(share) == told


def test_many_sizes_are_told_in_ranges() -> None:
    few = [((512, 512), 3), ((256, 300), 1)]
    assert size_rows(few) == [("512×512", 3), ("256×300", 1)]
    many = [((300 + step, 400), 2) for step in range(9)] + [((4000, 1100), 1)]
    assert size_rows(many) == [
        ("shorter side 256–511", 18),
        ("shorter side 512–1023", 0),
        ("shorter side 1024–2047", 1),
    ]
    assert size_rows([*many, ((20, 9), 1), ((9000, 9000), 4)])[0] == ("shorter side under 64", 1)
    assert size_rows([*many, ((9000, 9000), 4)])[-1] == ("shorter side from 2048", 4)
