"""Labels hidden on the map, or seen alone: the ids and the picture know nothing of it."""

from __future__ import annotations

import numpy as np

from facesynth.core.labels import Label
from tests.serving.browser.drawn_files import drop, photo
from tests.serving.browser.studio_page import StudioPage, inner


def seen(studio: StudioPage) -> set[int]:
    """The labels that are to be seen, 255 where something else is."""
    return {int(label) for label in np.unique(inner(studio.shown()))}


def test_a_label_is_hidden_by_its_key_and_nothing_is_sent(studio: StudioPage) -> None:
    before, count = studio.labels, len(studio.sent)
    studio.press("1", "h")
    assert studio.page.locator("#announcer").inner_text() == "skin hidden"
    assert studio.page.locator("#hide").get_attribute("aria-pressed") == "true"
    shown = inner(studio.shown())
    assert np.array_equal(shown, np.where(inner(before) == Label.SKIN, 255, inner(before)))
    studio.press("h")
    assert studio.page.locator("#announcer").inner_text() == "skin shown"
    assert np.array_equal(inner(studio.shown()), inner(before))
    assert len(studio.sent) == count and studio.page.locator("#undo").is_disabled()


def test_one_label_is_seen_alone_and_then_all_again(studio: StudioPage) -> None:
    studio.press("2", "Shift+H")
    assert seen(studio) == {Label.NOSE, 255}
    assert studio.page.locator("#announcer").inner_text() == "only nose shown"
    assert studio.page.get_by_role("button", name="Show all labels").get_attribute("aria-pressed") == "true"
    studio.press("Shift+H")
    assert 255 not in seen(studio)


def test_the_eye_of_a_swatch_hides_it_and_with_alt_all_others(studio: StudioPage) -> None:
    studio.page.locator("#swatches").get_by_text("hair", exact=True).hover()
    studio.page.get_by_label("Hide hair", exact=True).click()
    assert Label.HAIR not in seen(studio)
    assert studio.page.get_by_role("radio", name="hair", exact=True).is_checked()
    studio.page.get_by_label("Show hair", exact=True).click()
    assert Label.HAIR in seen(studio)
    studio.page.get_by_label("Hide cloth", exact=True).click(modifiers=["Alt"])
    assert seen(studio) == {Label.CLOTH, 255}
    studio.page.get_by_text("Show all").click()
    assert 255 not in seen(studio) and studio.page.locator("#show-all").is_hidden()
    assert studio.page.evaluate("document.activeElement.id") == "hide"


def test_what_one_paints_with_is_seen_again(studio: StudioPage) -> None:
    studio.press("x", "4", "h", "5", "h")
    assert not {Label.L_EYE, Label.R_EYE} & seen(studio)
    studio.drag((0.7, 0.3), (0.8, 0.3))
    assert {Label.L_EYE, Label.R_EYE} <= seen(studio)


def test_the_photo_lies_under_what_is_hidden_and_a_new_face_hides_nothing(studio: StudioPage) -> None:
    drop(studio, "body", photo((140, 70, 28)))
    studio.page.wait_for_selector("#slot-a img")
    studio.settle()
    studio.press("Shift+0", "h")
    studio.frames()
    colour = studio.module(
        "const c = document.getElementById('map');"
        "return [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data];"
    )
    assert np.abs(np.array(colour[:3]) - (140, 70, 28)).max() <= 2
    studio.page.locator("#start-open").click()
    studio.page.locator("#blank").click()
    studio.settle()
    assert 255 not in seen(studio)


def test_a_thumb_hides_and_shows(phone: StudioPage) -> None:
    phone.page.get_by_role("radio", name="nose", exact=True).check(force=True)
    phone.page.get_by_role("button", name="Hide nose on the map").tap()
    assert Label.NOSE not in seen(phone)
    phone.page.get_by_label("Show nose", exact=True).tap()
    assert Label.NOSE in seen(phone)
