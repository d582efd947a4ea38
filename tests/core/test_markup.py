"""Pieces of HTML: escaped, whole, without anything that lies elsewhere."""

from __future__ import annotations

import base64
import io

from PIL import Image

from facesynth.core.markup import bar, image_source, page, picture, swatch, text


def test_words_are_escaped_and_names_that_are_no_unicode_stay_legible() -> None:
    assert text("<b> & caf\udce9") == "&lt;b&gt; &amp; caf\\udce9"
    assert picture(None, "x") == '<span class="gone">gone</span>'
    assert 'alt="&lt;x&gt;"' in picture("data:,", "<x>")


def test_a_page_holds_its_lines_and_both_styles() -> None:
    shown = page("a < b", iter(["<p>one</p>", "<p>two</p>"]), style=".own { color: red }")
    assert shown.startswith("<!doctype html>") and shown.endswith("</html>\n")
    assert "<title>a &lt; b</title>" in shown and "<p>one</p>\n<p>two</p>" in shown
    assert ".own { color: red }" in shown and "prefers-color-scheme: dark" in shown
    assert "http" not in shown and "<script" not in shown and "@import" not in shown


def test_an_image_comes_back_out_of_its_address() -> None:
    data = base64.b64decode(
        image_source(Image.new("RGB", (12, 7), (200, 10, 10))).removeprefix("data:image/jpeg;base64,")
    )
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (12, 7) and image.getpixel((6, 3))[0] > 180  # type: ignore[index]


def test_bars_are_never_wider_than_their_track() -> None:
    assert 'style="width:100.00%"' in bar(1.7) and "<i" not in bar(0)
    assert "background:#cc0000" in bar(0.5, 1) and "background:#cc0000" in swatch(1)
