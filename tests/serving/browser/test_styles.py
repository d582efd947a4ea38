"""Styles: seeds, the slider between two, faces of photos, regions; and how the map is not sent again for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from tests.serving.browser import drawn_regions
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
    for text in ("", "-3", "1.5", "99999999999999999999"):
        studio.page.get_by_label("First style: its seed").fill(text)
        studio.settle()
        assert studio.style == before


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


def test_regions_have_styles_of_their_own_where_the_generator_has_regions(chromium: Browser) -> None:
    with listening(drawn_regions.load) as address:
        studio = StudioPage.open(chromium, address)
        studio.page.get_by_label("Region", exact=True).select_option("hair")
        studio.page.locator("#regions input[type=file]").set_input_files(files=[photo((10, 20, 30))])
        studio.page.wait_for_selector("#regions li")
        studio.settle()
        assert studio.style["base"] == {"seed": 1}
        assert list(studio.style["regions"]) == ["hair"]
        studio.page.get_by_label("hair: as the rest again").click()
        studio.settle()
        assert studio.style == {"seed": 1}
        studio.close()


def test_no_regions_are_offered_where_the_generator_has_none(studio: StudioPage) -> None:
    assert studio.page.locator("#regions").is_hidden()
