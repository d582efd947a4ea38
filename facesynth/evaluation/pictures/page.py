"""An evaluation of pictures as one HTML page: no script, no network, light and dark, for screens of any width."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from facesynth.core.markup import picture, swatch, text
from facesynth.evaluation.page_parts import evaluation_html, facts, figure, left_out_list, views
from facesynth.evaluation.pictures.bars import bars_of, class_bars
from facesynth.evaluation.pictures.curve_charts import curve_charts
from facesynth.evaluation.pictures.curves import Curve, training_curves
from facesynth.evaluation.pictures.faces import Face, drawn_faces
from facesynth.evaluation.pictures.results import LEADING, Extremes, PictureEvaluation, Score, StyleDistance, number
from facesynth.evaluation.pictures.score_table import rows_of, score_table
from facesynth.evaluation.pictures.subjects import SETTINGS, PicturesSubject

_FIGURES = 6
_FEW = 3
"""With so many pictures a face or fewer, several faces stand side by side."""


def evaluation_page(evaluation: PictureEvaluation, curves: Sequence[Curve] | None = None) -> str:
    """The page as HTML. It reads the faces that it shows once more; one that is gone leaves a gap.

    `curves` of its generator's training are read from the run's folder unless they are given.
    """
    faces = drawn_faces(evaluation)
    drawn = training_curves(evaluation.run) if curves is None else curves
    sections = (
        _head(evaluation),
        _protocol(evaluation),
        _scores(evaluation),
        _classes(evaluation),
        _regions(evaluation),
        _sheet(evaluation, faces),
        _extremes(evaluation, faces),
        _curves(evaluation, drawn),
        _others(evaluation, faces),
        left_out_list(evaluation.left_out, evaluation.real.missing),
        _foot(evaluation),
    )
    return evaluation_html(
        f"{short_name(evaluation.subject)}: evaluated", sections, packages=["facesynth.evaluation.pictures"]
    )


def short_name(subject: PicturesSubject) -> str:
    """What a page calls it: a file or folder by its own name, without where it lies."""
    if subject.kind == "pictures":
        return PurePath(os.path.normpath(subject.name)).name or subject.name
    return PurePath(subject.name).stem if subject.name.endswith(".safetensors") else subject.name


def _head(evaluation: PictureEvaluation) -> Iterator[str]:
    subject = evaluation.subject
    yield f"<header><h1>{text(short_name(subject))}</h1>"
    yield f'<p class="soft">{text(subject.kind)}, scored against {text(evaluation.real.told())}</p></header>'
    yield '<dl class="figures">'
    for score in _leading(evaluation.scores)[:_FIGURES]:
        spread = "" if score.sd is None else f"± {number(score.sd, like=score.value)} over {score.sd_over}, "
        yield figure(f"{score.label}, {score.setting}", number(score.value), spread + _reference(score))
    yield "</dl>"
    for warning in evaluation.warnings:
        yield f'<div class="notice bad">{text(warning)}</div>'
    if evaluation.left_out:
        yield f'<div class="notice bad"><b>{len(evaluation.left_out):,} could not be used</b> and do not count '
        yield '(<a href="#left-out">list</a>).</div>'
    if evaluation.real.missing:
        yield f'<div class="notice bad"><b>{len(evaluation.real.missing):,} faces that the split names are not in the '
        yield 'data</b> (<a href="#left-out">list</a>).</div>'


def _leading(scores: Sequence[Score]) -> list[Score]:
    """The first score of each leading group in each setting."""
    found = []
    for group in LEADING:
        for setting in SETTINGS:
            found += [one for one in scores if (one.group, one.setting) == (group, setting)][:1]
    return found


def _reference(score: Score) -> str:
    """What a score is to be read against, in few words."""
    if score.halves is not None:
        here = number(score.halves.generated, like=score.value)
        real = number(score.halves.real, like=score.value)
        return f"at {score.halves.count:,} a side {here}, real against real {real}"
    if score.ceiling is not None:
        return f"real photos {number(score.ceiling, like=score.value)}"
    if score.unrelated is not None:
        return f"two different photos {number(score.unrelated, like=score.value)}"
    return f"{score.better} is better"


def _protocol(evaluation: PictureEvaluation) -> Iterator[str]:
    yield f'<section><h2>Protocol</h2><p class="headline">{text(evaluation.headline())}</p>'
    yield facts(protocol_rows(evaluation))
    yield "</section>"


def protocol_rows(evaluation: PictureEvaluation) -> list[tuple[str, str]]:
    """All that the numbers are numbers of, each under its name."""
    subject, real = evaluation.subject, evaluation.real
    rows = [("protocol", line) for line in evaluation.protocol]
    rows.append(("pictures", f"{subject.count:,} of {subject.told()}"))
    if subject.seeds:
        rows.append(("seeds", ", ".join(map(str, subject.seeds))))
    rows.append(("real pictures", real.told()))
    if real.digest is not None:
        rows.append(("their sha256", real.digest))
    rows.append(("they lay at", ", ".join(f"{width}×{height}" for width, height in real.sizes)))
    rows += [(one.role, f"{one.name}, sha256 {one.sha256}" if one.sha256 else one.name) for one in evaluation.networks]
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in evaluation.versions.items())))
    return [row for row in rows if row[1]]


def _scores(evaluation: PictureEvaluation) -> Iterator[str]:
    settings = [setting for setting in SETTINGS if any(one.setting == setting for one in evaluation.scores)]
    columns = [{one.key: one for one in evaluation.scores if one.setting == setting} for setting in settings]
    yield '<section><h2>Scores</h2><p class="soft">± is a sample standard deviation. '
    if set(settings) >= {"own style", "by seed"}:
        yield "Own style: each picture is painted in the style of the photo whose label map it is. By seed: in styles "
        yield "that were drawn. The two are not to be compared."
    yield "</p>"
    yield from score_table(settings, rows_of(columns))
    yield "</section>"


def _classes(evaluation: PictureEvaluation) -> Iterator[str]:
    if not evaluation.classes:
        return
    settings = [setting for setting in SETTINGS if any(setting in row.pictures for row in evaluation.classes)]
    yield '<section><h2>Classes</h2><p class="soft">How well the judge finds each class where it was to be painted. '
    yield "The line across a bar is what it does in the real photos.</p>"
    yield from class_bars(settings, bars_of([evaluation], settings))
    yield "</section>"


def _regions(evaluation: PictureEvaluation) -> Iterator[str]:
    if not evaluation.regions:
        return
    settings = [setting for setting in SETTINGS if any(setting in row.pictures for row in evaluation.regions)]
    unrelated = any(row.unrelated is not None for row in evaluation.regions)
    yield '<section><h2>Style, region by region</h2><p class="soft">How far each region’s mean colour is from the '
    yield "photo’s (CIE76 in CIELAB) / how much its local contrast differs (in L*); 0 is the same. "
    yield "The last column: two different photos.</p>" if unrelated else "</p>"
    yield '<div class="scroll"><table class="regions"><tr><th>region</th>'
    headings = [*settings, *(["two different photos"] if unrelated else [])]
    yield "".join(f'<th class="num">{text(heading)}</th>' for heading in headings)
    yield "</tr>"
    for row in evaluation.regions:
        distances = [row.pictures.get(setting) for setting in settings]
        distances += [row.unrelated] if unrelated else []
        cells = "".join(f'<td class="num">{_distance(distance)}</td>' for distance in distances)
        yield f"<tr><td>{swatch(row.label)}{text(row.readable)}</td>{cells}</tr>"
    yield "</table></div></section>"


def _distance(distance: StyleDistance | None) -> str:
    if distance is None:
        return "–"
    return f'{distance.colour:.2f} <span class="soft">/ {distance.contrast:.2f}</span>'


def _sheet(evaluation: PictureEvaluation, faces: Mapping[str, Face]) -> Iterator[str]:
    shown = [faces[name] for name in evaluation.sheet if name in faces]
    if shown:
        yield f"<section><h2>{'Pictures of the first seeds' if evaluation.subject.of_seeds else 'Faces'}</h2>"
        yield from _cards(evaluation, shown)
        yield "</section>"


def _others(evaluation: PictureEvaluation, faces: Mapping[str, Face]) -> Iterator[str]:
    others = [face for name, face in faces.items() if name not in evaluation.sheet]
    if others:
        yield '<section><h2>More faces</h2><p class="soft">Those among the best and the worst.</p>'
        yield from _cards(evaluation, others)
        yield "</section>"


def _cards(evaluation: PictureEvaluation, faces: Sequence[Face]) -> Iterator[str]:
    labels = {score.key: score.label for score in evaluation.scores}
    most = max(len(face.views) for face in faces)
    few = f' few" style="--most:{most}' if most <= _FEW else ""
    yield f'<div class="rows{few}">'
    for face in faces:
        yield f'<figure id="{face.place}">{views(face.views, face.name)}<figcaption>'
        yield f'<span class="name">{text(face.name)}</span>'
        for told in face.scores(labels):
            yield f"<br>{text(told)}"
        yield "</figcaption></figure>"
    yield "</div>"


def _extremes(evaluation: PictureEvaluation, faces: Mapping[str, Face]) -> Iterator[str]:
    if not evaluation.extremes:
        return
    yield '<section><h2>Best and worst</h2><p class="soft">By each measure: the photo, where there is one, and the '
    yield "picture. Each leads to all that is shown of its face.</p>"
    shown_at_once = {extremes.setting: extremes.key for extremes in reversed(evaluation.extremes)}
    for extremes in evaluation.extremes:
        unfolded = " open" if shown_at_once[extremes.setting] == extremes.key else ""
        yield f'<details class="measure"{unfolded}><summary>{text(extremes.label)}, {text(extremes.setting)}</summary>'
        for words, names in (("best", extremes.best), ("worst", extremes.worst)):
            yield f'<div class="ends"><span class="end">{words}</span>'
            for name in names:
                yield _end(extremes, name, faces.get(name))
            yield "</div>"
        yield "</details>"
    yield "</section>"


def _end(extremes: Extremes, name: str, face: Face | None) -> str:
    """One of the best or worst: its pictures, small, over its score and name."""
    if face is None:
        return f"<figure><figcaption>{text(name)}</figcaption></figure>"
    value = face.values(extremes.setting).get(extremes.key)
    told = text(name) if value is None else f'<b class="num">{number(value)}</b> {text(name)}'
    pictures = "".join(picture(source, f"{title} of {name}") for title, source in face.thumbs(extremes.setting))
    return (
        f'<figure><a href="#{face.place}"><div class="pictures">{pictures}</div></a>'
        f"<figcaption>{told}</figcaption></figure>"
    )


def _curves(evaluation: PictureEvaluation, curves: Sequence[Curve]) -> Iterator[str]:
    if not curves:
        return
    yield '<section><h2>Training</h2><p class="soft">What the run noted of itself, over the images that it was shown.'
    yield f" {text(evaluation.run or '')}</p>"
    yield from curve_charts({short_name(evaluation.subject): curves})
    yield "</section>"


def _foot(evaluation: PictureEvaluation) -> Iterator[str]:
    if evaluation.subject.of_seeds:
        yield "<footer><p>All numbers are in evaluation.json beside this page. The painted pictures are synthetic."
        yield "</p></footer>"
        return
    yield "<footer><p>All numbers are in evaluation.json beside this page, and each picture’s own in pictures.jsonl. "
    yield "The photos in it, and in evaluation-faces/, are the dataset’s: pass them on only as you may. The "
    yield "painted faces are synthetic.</p></footer>"
