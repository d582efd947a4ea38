"""Where faces come from: photos dropped, chosen, pasted and taken, examples, drawings, saved maps and documents."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from facesynth.core.label_files import encode_label_map
from facesynth.core.labels import Label, LabelMap
from tests.drawn_pairs import drawn_labels
from tests.serving.browser.drawn_files import downloaded, drop, faceless, file, photo
from tests.serving.browser.studio_page import StudioPage, blank, ids_of, inner

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route


def test_a_dropped_photo_becomes_map_and_style(studio: StudioPage) -> None:
    before, style = studio.labels, studio.style
    drop(studio, "body", photo((140, 70, 28)))
    studio.page.wait_for_selector("#slot-a img")
    studio.settle()
    assert (studio.labels == 140 // 14).all()
    assert studio.picture()[0, 0].tolist() == [140, 70, 10]
    assert np.array_equal(inner(studio.shown()), inner(studio.labels))
    studio.press("Control+z")
    studio.settle()
    assert np.array_equal(studio.labels, before) and studio.style == style
    assert studio.page.locator("#through-field").is_hidden()
    studio.press("Control+Shift+z")
    studio.settle()
    assert (studio.labels == 10).all() and studio.page.locator("#through-field").is_visible()


def test_a_chosen_and_a_pasted_photo(studio: StudioPage) -> None:
    studio.page.locator("#start-open").click()
    studio.page.locator("#file").set_input_files(files=[photo((28, 0, 0))])
    studio.page.wait_for_selector("#slot-a img")
    studio.settle()
    assert (studio.labels == 2).all() and studio.page.locator("#start").is_hidden()
    studio.page.evaluate(
        """async (data) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(data)], 'p.png', { type: 'image/png' }));
            document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true }));
        }""",
        list(photo((70, 0, 0))["buffer"]),
    )
    studio.until(lambda: bool((studio.labels == 5).all()))


def test_of_several_faces_one_is_chosen(studio: StudioPage) -> None:
    pixels = np.zeros((60, 120, 3), dtype=np.uint8)
    pixels[:, :60], pixels[:, 60:] = 28, 42
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    drop(studio, "body", file("two.png", "image/png", data.getvalue()))
    studio.page.get_by_label("Face 2 from the left").click()
    studio.page.wait_for_selector("#slot-a img")
    studio.settle()
    assert (studio.labels == 3).all()


def test_nobody_chosen_changes_nothing(studio: StudioPage) -> None:
    before = studio.labels
    drop(studio, "body", photo((28, 28, 28), width=120))
    studio.page.wait_for_selector("#choose[open]")
    studio.press("Escape")
    studio.settle()
    assert np.array_equal(studio.labels, before)
    assert studio.page.locator("#waiting").is_hidden()


def test_a_photo_without_a_face_is_said_calmly(studio: StudioPage) -> None:
    before = studio.labels
    studio.expected = "422"
    drop(studio, "body", faceless())
    studio.page.get_by_text("No face was found.").wait_for()
    assert np.array_equal(studio.labels, before)
    studio.page.get_by_role("button", name="Close").last.click()
    assert studio.page.locator(".toast").count() == 0


def test_what_is_no_image_is_said_calmly(studio: StudioPage) -> None:
    studio.expected = "422"
    for number, (name, kind) in enumerate((("no.png", "image/png"), ("no.json", "application/json")), 1):
        drop(studio, "body", file(name, kind, b"not at all"))
        studio.page.wait_for_selector(f".toast >> nth={number - 1}")
        assert studio.page.locator("#waiting").is_hidden()


def test_drawn_face_and_blank_oval(studio: StudioPage) -> None:
    assert set(Label) - set(np.unique(studio.labels)) == {
        Label.EYE_G, Label.MOUTH, Label.HAT, Label.EAR_R, Label.NECK_L,
    }  # fmt: skip
    left, right = (np.argwhere(studio.labels == eye)[:, 1].mean() for eye in (Label.L_EYE, Label.R_EYE))
    assert left > 256 > right
    studio.page.locator("#start-open").click()
    studio.page.locator("#blank").click()
    studio.settle()
    assert set(np.unique(studio.labels)) == {Label.BACKGROUND, Label.SKIN, Label.NECK, Label.CLOTH}


def test_the_first_example_comes_by_itself_and_the_others_on_a_click(chromium: Browser, address: str) -> None:
    studio = StudioPage.open(chromium, address, examples=True)
    studio.page.wait_for_selector("#slot-a img")
    studio.settle()
    assert studio.page.locator("#undo").is_disabled()
    first = studio.labels
    studio.page.locator("#start-open").click()
    studio.page.locator("#examples button").nth(2).click()
    studio.page.wait_for_selector("#undo:enabled")
    studio.settle()
    assert not np.array_equal(studio.labels, first)
    studio.close()


def test_a_photo_dropped_before_the_example_has_come_is_not_lost(chromium: Browser, address: str) -> None:
    held: list[Route] = []
    studio = StudioPage(blank(chromium, examples=True))
    studio.page.route("**/examples/*.jpg", lambda route: route.continue_() if held else held.append(route))
    studio.page.goto(address, wait_until="commit")
    studio.until(lambda: len(held) == 1)
    drop(studio, "body", photo((140, 70, 28)))
    held[0].continue_()
    studio.page.wait_for_selector("#undo:enabled")
    studio.page.wait_for_selector("#examples button >> nth=4", state="attached")
    studio.settle()
    assert (studio.labels == 10).all()
    studio.close()


def test_what_comes_while_the_painter_wakes_waits_for_it(laptop: Page, address: str) -> None:
    asleep: list[Route] = []
    studio = StudioPage(laptop)
    studio.page.route("**/weights", lambda route: route.continue_() if asleep else asleep.append(route))
    studio.page.goto(address, wait_until="commit")
    studio.until(lambda: len(asleep) == 1)
    stays = studio.page.evaluate(
        """['dragover', 'drop'].map((kind) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(['no JSON'], 'no.txt'));
            return document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
        })"""
    )
    assert stays == [False, False], "the browser leaves no page for a file"
    studio.page.locator("#start-open").click()
    assert studio.page.locator("#start").is_visible()
    studio.press("Escape")
    drop(studio, "body", photo((140, 70, 28)))
    studio.page.get_by_text("One moment: the painter is waking").first.wait_for()
    assert not studio.sent
    asleep[0].continue_()
    studio.page.wait_for_selector("#slot-a img")
    studio.settle()
    assert (studio.labels == 10).all()
    studio.leave(1366, 768)


def test_what_goes_on_is_said_until_it_is_done(studio: StudioPage) -> None:
    held: list[Route] = []
    studio.page.route("**/align*", lambda route: held.append(route))
    drop(studio, "body", photo())
    studio.until(lambda: len(held) == 1)
    studio.press("n")
    studio.settle()
    said = studio.page.locator("#waiting")
    assert said.is_visible() and said.inner_text() == "Looking for the face …"
    held[0].continue_()
    studio.page.wait_for_selector("#slot-a img")
    assert studio.page.locator("#waiting").is_hidden()


def test_an_example_never_takes_the_place_of_what_was_drawn(chromium: Browser, address: str) -> None:
    def late(route: Route) -> None:
        studio.page.wait_for_timeout(700)
        route.continue_()

    studio = StudioPage.open(chromium, address, examples=True)
    studio.page.route("**/align*", late)
    studio.page.reload()
    studio.page.wait_for_selector("#swatches label")
    studio.choose("hat")
    studio.drag((0.1, 0.1), (0.4, 0.1))
    drawn = studio.labels
    studio.page.wait_for_selector("#examples button >> nth=4", state="attached")
    studio.settle()
    assert np.array_equal(studio.labels, drawn)
    studio.close()


def test_a_photo_from_the_camera(studio: StudioPage) -> None:
    studio.page.locator("#start-open").click()
    studio.page.locator("#camera-open").click()
    studio.until(lambda: studio.page.evaluate("document.getElementById('video').videoWidth > 0"))
    studio.page.locator("#shoot").click()
    studio.page.wait_for_selector("#slot-a img")
    assert studio.page.evaluate("document.getElementById('video').srcObject === null")
    studio.settle()


def test_what_is_saved_reproduces_both(studio: StudioPage) -> None:
    studio.choose("hat")
    studio.drag((0.2, 0.1), (0.8, 0.1))
    studio.page.get_by_label("First style: its seed").fill("99")
    studio.settle()
    labels, picture = studio.labels, studio.picture()
    name, data = downloaded(studio, "#save-map")
    assert name == "labels.png" and np.array_equal(ids_of(data), labels)
    name, data = downloaded(studio, "#save-picture")
    image = Image.open(io.BytesIO(data))
    assert name == "face.png" and np.array_equal(np.asarray(image.convert("RGB")), picture)
    assert "Synthetic" in image.info
    name, document = downloaded(studio, "#save-document")
    assert json.loads(document)["weights"]["generator"]
    studio.page.reload()
    studio.settle()
    assert not np.array_equal(studio.labels, labels)
    drop(studio, "body", file(name, "application/json", document))
    studio.page.wait_for_selector("#undo:enabled")
    studio.settle()
    assert np.array_equal(studio.labels, labels) and np.array_equal(studio.picture(), picture)
    assert studio.page.get_by_label("First style: its seed").input_value() == "99"


def saved_document(studio: StudioPage) -> dict[str, Any]:
    """What the page saves of a blank oval in style 99, the page itself at the first face in style 1 again."""
    studio.page.locator("#start-open").click()
    studio.page.locator("#blank").click()
    studio.page.get_by_label("First style: its seed").fill("99")
    studio.settle()
    document: dict[str, Any] = json.loads(downloaded(studio, "#save-document")[1])
    for _ in range(2):
        studio.page.locator("#undo").click()
    studio.settle()
    return document


def drop_document(studio: StudioPage, document: object) -> None:
    drop(studio, "body", file("face.json", "application/json", json.dumps(document).encode()))


def test_a_picture_of_other_weights_is_opened_when_one_agrees(studio: StudioPage) -> None:
    document, before, style = saved_document(studio), studio.labels, studio.style
    document["weights"]["generator"] = "0" * 64
    studio.expected = "409"
    drop_document(studio, document)
    studio.page.get_by_text("Painted by another generator").wait_for()
    studio.page.get_by_role("button", name="Cancel").click()
    assert studio.page.locator("#undo").is_disabled()
    drop_document(studio, document)
    studio.page.get_by_role("button", name="Open it anyway").click()
    studio.page.wait_for_selector("#undo:enabled")
    studio.settle()
    assert studio.page.get_by_label("First style: its seed").input_value() == "99"
    assert not np.array_equal(studio.labels, before) and studio.style != style


@pytest.mark.parametrize("style", [{"colour": "red"}, 7, None, {"format": "facesynth-style-1", "components": []}])
def test_a_style_that_cannot_be_used_never_reaches_the_map(studio: StudioPage, style: object) -> None:
    document, before, own = saved_document(studio), studio.labels, studio.style
    studio.expected = "422"
    drop_document(studio, {**document, "style": style})
    studio.page.get_by_text("Its style cannot be used here").wait_for()
    assert "[" not in studio.page.locator("#ask-words").inner_text()
    assert studio.page.locator("#undo").is_disabled()
    studio.page.get_by_role("button", name="Open the label map").click()
    studio.page.wait_for_selector("#undo:enabled")
    studio.settle()
    assert studio.sent[-1]["style"] == own and not np.array_equal(studio.labels, before)
    assert studio.page.locator(".toast").count() == 0


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (None, "There is no label map in this JSON."),
        ("%%%", "The label map in this JSON is damaged."),
        (base64.b64encode(b"no PNG").decode(), "The label map in this JSON is damaged."),
    ],
)
def test_a_damaged_label_map_is_said_in_plain_words(studio: StudioPage, labels: str | None, told: str) -> None:
    drop_document(studio, {"document": "facesynth-picture-1", "labels": labels, "style": {"seed": 1}})
    studio.page.get_by_text(told).wait_for()
    assert studio.page.locator("#undo").is_disabled()


def test_a_label_map_that_is_too_small_or_too_large_is_called_so(studio: StudioPage) -> None:
    for side in (4, 4000):
        ids = np.full((side, side), Label.HAIR, dtype=np.uint8)
        drop(studio, "body", file("labels.png", "image/png", encode_label_map(LabelMap(ids))))
        studio.page.get_by_text(f"A label map is 8 to 2048 pixels wide, and this one is {side}.").wait_for()
    assert studio.page.locator("#undo").is_disabled()


def test_a_black_photo_is_not_taken_for_a_label_map_without_a_word(studio: StudioPage) -> None:
    drop(studio, "body", photo((0, 0, 0)))
    studio.page.get_by_text("This image was taken for a label map: all of it is background.").wait_for()


def test_a_dropped_label_map_of_another_size_is_taken_as_it_is(studio: StudioPage) -> None:
    labels = drawn_labels(4, 128)
    style = studio.style
    drop(studio, "body", file("labels.png", "image/png", encode_label_map(labels)))
    studio.page.wait_for_selector("#undo:enabled")
    studio.settle()
    assert np.array_equal(studio.labels, LabelMap(labels.ids).resized(512, 512).ids)
    assert studio.style == style


def test_a_dropped_map_of_grey_ids_is_one_too(studio: StudioPage) -> None:
    data, ids = io.BytesIO(), drawn_labels(2, 64).ids
    Image.fromarray(ids).save(data, "PNG")
    drop(studio, "body", file("grey.png", "image/png", data.getvalue()))
    studio.page.wait_for_selector("#undo:enabled")
    studio.settle()
    assert np.array_equal(studio.labels, ids.repeat(8, axis=0).repeat(8, axis=1))


def test_compare_shows_the_photo_beside_the_picture(studio: StudioPage) -> None:
    assert studio.page.locator("#compare").is_disabled()
    drop(studio, "body", photo((140, 70, 200)))
    studio.page.wait_for_selector("#slot-a img")
    studio.settle()
    studio.press("c")
    studio.page.locator("#divide").fill("30")
    stage = studio.page.locator("#picture-stage")
    pixels = np.asarray(Image.open(io.BytesIO(stage.screenshot())).convert("RGB")).astype(int)
    row = pixels[pixels.shape[0] // 4]
    assert row[int(0.2 * len(row))].tolist() == [140, 70, 200]
    assert row[int(0.4 * len(row))].tolist() == [140, 70, 10]
    studio.press("c")
    assert studio.page.locator("#divide").is_hidden()


def test_the_photo_shines_through_the_map(studio: StudioPage) -> None:
    drop(studio, "body", photo((140, 70, 28)))
    studio.page.wait_for_selector("#slot-a img")
    studio.settle()
    studio.page.locator("#through").fill("100")
    studio.page.wait_for_timeout(120)
    image = Image.open(io.BytesIO(studio.page.locator("#map").screenshot())).convert("RGB")
    assert np.abs(np.asarray(image)[200, 200].astype(int) - (140, 70, 28)).max() <= 2
