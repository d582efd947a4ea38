"""Styles: seeds, the slider between two, faces of photos, regions; and how the map is not sent again for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from facesynth.core.labels import Label
from tests.serving.browser.drawn_files import drop, photo
from tests.serving.browser.studio_page import StudioPage
from tests.serving.running import listening

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route


def test_a_seed_changes_the_picture_and_not_the_map(studio: StudioPage) -> None:
    first, count = studio.picture(), len(studio.sent)
    studio.page.get_by_label("First style: its seed").fill("77")
    studio.settle()
    assert studio.style == {"seed": 77}
    assert "labels" not in studio.sent[-1] and len(studio.sent) > count
    assert studio.picture()[0, 0, 0] == 77 != first[0, 0, 0]
    assert np.array_equal(studio.picture()[..., 2], first[..., 2])


def test_a_rolled_seed_is_another_one(studio: StudioPage) -> None:
    studio.page.get_by_label("First style: another by chance").click()
    studio.settle()
    seed = studio.style["seed"]
    assert studio.page.get_by_label("First style: its seed").input_value() == str(seed)
    studio.press("n")
    studio.settle()
    assert studio.style["seed"] != seed or studio.sent[-1] == studio.sent[-2]


def test_the_slider_goes_from_the_first_to_the_second(studio: StudioPage) -> None:
    studio.page.get_by_label("First style: its seed").fill("20")
    studio.page.get_by_label("Second style: its seed").fill("120")
    for value, wanted in ((25, 45), (50, 70), (100, 120), (0, 20)):
        studio.page.locator("#blend").fill(str(value))
        studio.settle()
        assert studio.picture()[0, 0, 0] == wanted
    assert studio.style == {"seed": 20}


def test_what_is_no_seed_is_not_sent(studio: StudioPage) -> None:
    before = studio.style
    field = studio.page.get_by_label("First style: its seed")
    for text in ("", "-3", "1.5", "99999999999999999999"):
        field.fill(text)
        studio.settle()
        assert studio.style == before and field.get_attribute("aria-invalid") == "true"
    field.blur()
    assert field.input_value() == str(before["seed"]) and field.get_attribute("aria-invalid") == "false"
    assert studio.page.get_by_text("This is no seed").is_visible()
    assert studio.page.locator("#undo").is_disabled()


def test_a_photo_dropped_on_a_style_is_that_style(studio: StudioPage) -> None:
    before = studio.labels
    drop(studio, "#slot-b", photo((180, 90, 60)))
    studio.page.wait_for_selector("#slot-b img")
    studio.page.locator("#blend").fill("100")
    studio.settle()
    assert np.array_equal(studio.labels, before)
    assert studio.picture()[0, 0, :2].tolist() == [180, 90]
    studio.page.get_by_label("Second style: another by chance").click()
    studio.settle()
    assert "seed" in studio.style


def test_a_forgotten_map_is_sent_again(studio: StudioPage) -> None:
    def forget(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}")
        if "labels_sha256" in body:
            body["labels_sha256"] = "0" * 64
        route.continue_(post_data=json.dumps(body))

    studio.expected = "409"
    studio.page.route("**/synthesize*", forget)
    studio.page.get_by_label("First style: its seed").fill("55")
    studio.settle()
    assert "labels_sha256" in studio.sent[-2] and "labels" in studio.sent[-1]
    assert studio.picture()[0, 0, 0] == 55


def test_regions_have_styles_of_their_own(studio: StudioPage) -> None:
    studio.page.get_by_label("Region", exact=True).select_option("hair")
    studio.page.locator("#regions input[type=file]").set_input_files(files=[photo((10, 20, 30))])
    studio.page.wait_for_selector("#regions li")
    studio.settle()
    assert studio.style["base"] == {"seed": 1}
    assert list(studio.style["regions"]) == ["hair"]
    hair = studio.picture()[..., 2] == Label.HAIR
    assert (studio.picture()[hair][:, :2] == (10, 20)).all() and (studio.picture()[~hair][:, 0] == 1).all()
    studio.page.get_by_label("hair: as the rest again").click()
    studio.settle()
    assert studio.style == {"seed": 1}


def test_a_photo_dropped_on_the_region_is_its_style_and_no_new_face(studio: StudioPage) -> None:
    labels = studio.labels
    studio.page.get_by_label("Region", exact=True).select_option(label="left eye")
    drop(studio, "#regions .photo button", photo((140, 70, 28)))
    studio.page.get_by_label("left eye: as the rest again").wait_for()
    studio.settle()
    assert list(studio.style["regions"]) == ["l_eye"]
    assert np.array_equal(studio.labels, labels) and studio.page.locator("#through-field").is_hidden()


def test_regions_go_by_the_names_of_the_labels(studio: StudioPage) -> None:
    names = studio.page.locator(".region option").all_inner_texts()
    swatches = studio.page.locator(".swatch .name").all_inner_texts()
    assert set(swatches) <= set(names) and "eyes" in names and not any("_" in name for name in names)
    assert len(set(names)) == len(names)
    assert studio.page.get_by_text("Region", exact=True).is_visible()


def test_two_photos_for_two_styles_are_both_taken(studio: StudioPage) -> None:
    drop(studio, "#slot-a", photo((180, 90, 60)))
    drop(studio, "#slot-b", photo((40, 30, 60)))
    studio.page.wait_for_selector("#slot-a img")
    studio.page.wait_for_selector("#slot-b img")
    studio.page.locator("#blend").fill("50")
    studio.settle()
    assert studio.picture()[0, 0, :2].tolist() == [110, 60]


def test_every_change_of_a_style_is_one_step_of_the_history(studio: StudioPage) -> None:
    page = studio.page

    def slide() -> None:
        box = page.locator("#blend").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 9, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()

    def write() -> None:
        page.get_by_label("First style: its seed").click()
        studio.press("Control+a", "7", "7")

    def drop_photos() -> None:
        drop(studio, "#slot-b", photo((180, 90, 60)))
        page.wait_for_selector("#slot-b img")

    def drop_on_region() -> None:
        drop(studio, "#regions", photo((10, 20, 30)))
        page.wait_for_selector("#regions li")

    def draw() -> None:
        studio.choose("hat")
        studio.drag((0.1, 0.1), (0.3, 0.1))

    styles = [studio.style]
    for change in (slide, write, lambda: studio.click(0.9, 0.9), drop_photos, drop_on_region, draw):
        change()
        studio.settle()
        styles.append(studio.style)
    assert "t" in styles[1] and styles[2]["mix"][0] == {"seed": 77} and list(styles[5]["regions"]) == ["hair"]
    for style in reversed(styles[:-1]):
        page.locator("#undo").click()
        studio.settle()
        assert studio.style == style
    assert page.locator("#undo").is_disabled()
    for style in styles[1:]:
        page.locator("#redo").click()
        studio.settle()
        assert studio.style == style
    assert page.locator("#redo").is_disabled()


def test_a_rolled_style_comes_back_before_the_face_it_was_rolled_for_goes(studio: StudioPage) -> None:
    studio.page.locator("#start-open").click()
    studio.page.locator("#blank").click()
    studio.settle()
    blank = studio.labels
    studio.press("n")
    studio.settle()
    studio.press("Control+z")
    studio.settle()
    assert studio.style == {"seed": 1} and np.array_equal(studio.labels, blank)
    assert "labels_sha256" in studio.sent[-1], "the map is not sent again for a style"


def test_no_regions_are_offered_where_the_generator_has_none(chromium: Browser) -> None:
    with listening() as address:
        studio = StudioPage.open(chromium, address)
        assert studio.page.locator("#regions").is_hidden()
        studio.close()
