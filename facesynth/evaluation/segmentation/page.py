"""An evaluation as one HTML page: no script, no network, light and dark, for screens of any width."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from PIL import Image

from facesynth.core.labels import READABLE
from facesynth.core.markup import bar, image_source, picture, swatch, text
from facesynth.evaluation.page_parts import evaluation_html, facts, figure, left_out_list, views
from facesynth.evaluation.segmentation.evaluation import RULE, ClassRow, Evaluation, confusions, per_cent
from facesynth.evaluation.segmentation.face_pictures import face_sources
from facesynth.evaluation.segmentation.matrix_picture import matrix_picture
from facesynth.evaluation.segmentation.scoring import Shown

_BINS = 20


def evaluation_page(evaluation: Evaluation) -> str:
    """The page as HTML. It reads the faces that it shows once more; one that is gone leaves a gap."""
    sections = (
        _head(evaluation),
        _protocol(evaluation),
        _classes(evaluation),
        _matrix(evaluation),
        _spread(evaluation),
        _faces("The worst faces by mean IoU", evaluation.scores.by_iou.worst),
        _faces("The worst faces by pixel accuracy", evaluation.scores.by_accuracy.worst),
        _faces("The best faces by mean IoU", evaluation.scores.by_iou.best),
        left_out_list(evaluation.scores.left_out, evaluation.source.missing),
        _foot(),
    )
    return evaluation_html(
        f"{evaluation.subject.name}: evaluated", sections, packages=["facesynth.evaluation.segmentation"]
    )


def _head(evaluation: Evaluation) -> Iterator[str]:
    matrix, subject = evaluation.scores.matrix, evaluation.subject
    classes, foreground = evaluation.scored_classes()
    yield f"<header><h1>{text(subject.name)}</h1>"
    yield f'<p class="soft">{text(subject.kind)}, scored against true label maps</p></header>'
    yield '<dl class="figures">'
    yield figure("mean IoU", f"{matrix.mean_iou:.3f}", f"over {classes} of 19 classes")
    yield figure("pixel accuracy", f"{matrix.pixel_accuracy:.3f}", "of all pixels")
    yield figure("mean F1", f"{matrix.mean_f1:.3f}", f"over {foreground} of 18 foreground classes")
    yield figure("faces", f"{len(evaluation.scores.faces):,}", f"{matrix.pixels:,} pixels")
    yield "</dl>"
    left_out, missing = len(evaluation.scores.left_out), len(evaluation.source.missing)
    if left_out:
        yield f'<div class="notice bad"><b>{left_out:,} of the faces could not be used</b> and do not count '
        yield '(<a href="#left-out">list</a>).</div>'
    if missing:
        yield f'<div class="notice bad"><b>{missing:,} faces that the split names are not in the data</b> '
        yield '(<a href="#left-out">list</a>).</div>'


def _protocol(evaluation: Evaluation) -> Iterator[str]:
    subject, source, scores = evaluation.subject, evaluation.source, evaluation.scores
    yield "<section><h2>Protocol</h2>"
    yield f'<p class="headline">{text(evaluation.headline())}</p>'
    rows = [("data", source.told()), ("its sha256", scores.data_digest), ("comparison", evaluation.matrix_told())]
    if subject.sha256 is not None:
        rows += [(f"{subject.kind}’s sha256", subject.sha256), ("precision", str(subject.precision))]
        cached = f"{subject.cached:,} from the cache" if subject.cached else ""
        computed = f"{subject.computed:,} computed on {subject.device}" if subject.computed else ""
        rows.append(("label maps", ", ".join(filter(None, (computed, cached)))))
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in evaluation.versions.items())))
    yield facts(rows)
    yield "</section>"


def _classes(evaluation: Evaluation) -> Iterator[str]:
    yield f'<section><h2>Classes</h2><p class="soft">The bars are the IoU. {RULE} Eyes, brows, ears and lips '
    yield "take both of their classes as one.</p>"
    yield '<table class="classes"><tr><th>class</th><th></th><th class="num">IoU</th><th class="num">F1</th>'
    yield '<th class="num side-column">precision</th><th class="num side-column">recall</th>'
    yield '<th class="num side-column">of pixels</th></tr>'
    for row in evaluation.classes():
        yield _class_row(row)
    yield '<tr><th colspan="7">both classes as one</th></tr>'
    for row in evaluation.groups():
        yield _class_row(row, group=True)
    yield "</table></section>"


def _class_row(row: ClassRow, *, group: bool = False) -> str:
    one, remark = row.agreement, f'<span class="remark">{row.remark}</span>' if row.remark else ""
    named = f'<span class="id">{row.name}</span>' if row.name.replace("_", " ") != row.readable else ""
    share = per_cent(row.share)
    more = f'<span class="more">P {_score(one.precision)} · R {_score(one.recall)} · {share}</span>'
    filled = bar(0 if math.isnan(one.iou) else one.iou, None if group else int(row.labels[0]))
    name = "".join(swatch(int(label)) for label in row.labels) + row.readable
    cells = "".join(f'<td class="num">{_score(score)}</td>' for score in (one.iou, one.f1))
    cells += "".join(
        f'<td class="num side-column">{value}</td>' for value in (_score(one.precision), _score(one.recall), share)
    )
    return f'<tr><td>{name}{"" if group else named}{more}{remark}</td><td class="wide">{filled}</td>{cells}</tr>'


def _score(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _matrix(evaluation: Evaluation) -> Iterator[str]:
    yield '<section><h2>Confusion</h2><p class="soft">Where the pixels of each class went.</p>'
    source = image_source(Image.fromarray(matrix_picture(evaluation).pixels))
    yield f'<div class="matrix">{picture(source, "the confusion matrix, a row a true class")}</div>'
    mistakes = list(confusions(evaluation))
    if mistakes:
        yield '<h3>The most frequent mistakes, by pixels</h3><ul class="mistakes">'
        for true, said, share, pixels in mistakes:
            yield f"<li><span>{swatch(true)}{READABLE[true]} → {swatch(said)}{READABLE[said]}</span>"
            yield f'<span class="num soft">{100 * share:.1f} % of it, {pixels:,}</span></li>'
        yield "</ul>"
    yield "</section>"


def _spread(evaluation: Evaluation) -> Iterator[str]:
    """How the faces' own scores are spread."""
    scores = [face.mean_iou for face in evaluation.scores.faces]
    if len(scores) < _BINS:
        return
    low, high = math.floor(min(scores) * 20) / 20, math.ceil(max(scores) * 20) / 20
    step = max(high - low, 0.05) / _BINS
    counts = [0] * _BINS
    for score in scores:
        counts[min(_BINS - 1, int((score - low) / step))] += 1
    yield "<section><h2>Face by face</h2>"
    yield f'<p class="soft">How many of the {len(scores):,} faces have which mean IoU of their own, over the classes '
    yield "that the face holds or is said to hold.</p>"
    bars = (f'<i style="height:{100 * count / max(counts):.1f}%" title="{count}"></i>' for count in counts)
    yield f'<div class="histogram" role="img" aria-label="histogram of mean IoU">{"".join(bars)}</div>'
    yield f'<div class="scale"><span>{low:.2f}</span><span>{low + step * _BINS:.2f}</span></div></section>'


def _faces(title: str, faces: Sequence[Shown]) -> Iterator[str]:
    yield f'<section><h2>{title}</h2><div class="cards">'
    for shown in faces:
        score = shown.score
        yield f"<figure>{views(face_sources(shown), score.name)}"
        yield f'<figcaption><span class="name">{text(score.name)}</span><br>mean IoU {score.mean_iou:.3f}, '
        yield f"accuracy {score.pixel_accuracy:.3f}, mean F1 {_score(score.mean_f1)}</figcaption></figure>"
    yield "</div></section>"


def _foot() -> Iterator[str]:
    yield "<footer><p>The numbers follow from the counts in evaluation.json beside this page. Left and right are the "
    yield "subject’s. The photos in this page are the dataset’s: pass it on only as you may pass on those.</p></footer>"
