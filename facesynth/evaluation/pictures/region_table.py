"""How well the style of each region is met, as a table of HTML."""

from __future__ import annotations

from collections.abc import Iterator

from facesynth.core.markup import swatch, text
from facesynth.evaluation.pictures.results import SETTINGS, PictureEvaluation, StyleDistance


def region_table(evaluation: PictureEvaluation) -> Iterator[str]:
    """The section with a row a region, in which each setting has its distances; nothing where none were taken."""
    if not evaluation.regions:
        return
    settings = [setting for setting in SETTINGS if any(setting in row.pictures for row in evaluation.regions)]
    unrelated = any(row.unrelated is not None for row in evaluation.regions)
    yield '<section><h2>Style, region by region</h2><p class="soft">How far each region’s mean colour is from the '
    yield "photo’s (CIE76 in CIELAB) / how much its local contrast differs (in L*); 0 is the same. "
    yield "The last column: photos of two different faces.</p>" if unrelated else "</p>"
    yield '<div class="scroll"><table class="regions"><tr><th>region</th>'
    headings = [*settings, *(["two different faces"] if unrelated else [])]
    yield "".join(f'<th class="num">{text(heading)}</th>' for heading in headings)
    yield "</tr>"
    for row in evaluation.regions:
        distances = [row.pictures.get(setting) for setting in settings]
        distances += [row.unrelated] if unrelated else []
        cells = "".join(f'<td class="num">{_told(distance)}</td>' for distance in distances)
        yield f"<tr><td>{swatch(row.label)}{text(row.readable)}</td>{cells}</tr>"
    yield "</table></div></section>"


def _told(distance: StyleDistance | None) -> str:
    if distance is None:
        return "–"
    return f'{distance.colour:.2f} <span class="soft">/ {distance.contrast:.2f}</span>'
