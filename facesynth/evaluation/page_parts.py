"""Pieces of HTML that the pages of all evaluations are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from typing import Protocol

from PIL import Image

from facesynth.core.markup import page, picture, text

_LISTED = 50
_SERIES = 8


class NotUsed(Protocol):
    """A face or picture that was left out: the file that is to blame, and why."""

    @property
    def file(self) -> str: ...

    @property
    def reason(self) -> str: ...


def evaluation_html(title: str, sections: Iterable[Iterable[str]], *, packages: Sequence[str]) -> str:
    """A page of these sections, each of lines of HTML, with page.css of all evaluations and of these packages."""
    style = "".join(
        resources.files(where).joinpath("page.css").read_text(encoding="utf-8")
        for where in ("facesynth.evaluation", *packages)
    )
    return page(title, (line for section in sections for line in section), style=style)


def figure(name: str, number: str, told: str) -> str:
    """One of the large numbers at the top of a page."""
    return f'<div class="main"><dt>{text(name)}</dt><dd>{text(number)}<small>{text(told)}</small></dd></div>'


def facts(rows: Iterable[tuple[str, object]]) -> str:
    """Names and what is to be said of each."""
    return "".join(['<dl class="protocol">', *(f"<dt>{text(a)}</dt><dd>{text(b)}</dd>" for a, b in rows), "</dl>"])


def views(pictures: Sequence[tuple[str, str | None]], name: str) -> str:
    """The pictures of one face, each under its title and None where it is gone; `name` is what the face is called.

    How wide they are is for the page's own style to say; it finds their number as `--views`.
    """
    shown = "".join(f"<div>{text(title)}{picture(source, f'{title} of {name}')}</div>" for title, source in pictures)
    count = len(pictures)
    return f'<div class="views views-{count}" style="--views:{max(1, count)}">{shown}</div>'


def small(image: Image.Image, side: int, *, smooth: bool) -> Image.Image:
    """An image scaled down to `side` pixels where it is larger: a photo `smooth`, drawn labels not."""
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Labels are averaged over the pixels that become one: a map scaled by nearest loses its thin lines.
    return image.resize(size, Image.Resampling.LANCZOS if smooth else Image.Resampling.BOX) if scale < 1 else image


def left_out_list(left_out: Sequence[NotUsed], missing: Sequence[str]) -> Iterator[str]:
    """The section that lists what was left out, and which names of the split the data lacks; nothing for neither."""
    if not left_out and not missing:
        return
    yield '<section id="left-out"><h2>Left out</h2><ul class="problems">'
    for one in left_out[:_LISTED]:
        yield f'<li><span class="file">{text(one.file)}</span><span class="what">{text(one.reason)}</span></li>'
    for name in missing[:_LISTED]:
        yield f'<li><span class="file">{text(name)}</span><span class="what">in the split, not in the data</span></li>'
    yield "</ul>"
    if len(left_out) > _LISTED or len(missing) > _LISTED:
        yield '<p class="soft">All of them are in evaluation.json.</p>'
    yield "</section>"


def series_class(series: int) -> str:
    """The CSS class of one of several things that are compared: its colour, the same all over a page."""
    return f"s{series % _SERIES}"


def series_mark(series: int) -> str:
    """A dot in that colour."""
    return f'<span class="series {series_class(series)}"></span>'


def series_key(names: Sequence[str]) -> str:
    """Which colour stands for whom."""
    shown = "".join(f"<span>{series_mark(series)}{text(name)}</span>" for series, name in enumerate(names))
    return f'<p class="key">{shown}</p>'
