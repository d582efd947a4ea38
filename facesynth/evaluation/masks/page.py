"""What was found of masks as one HTML page: no script, no network, light and dark, for screens of any width."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from PIL import Image

from facesynth.core.images import Photo
from facesynth.core.markup import image_source, picture, text
from facesynth.evaluation.masks.findings import RULE, MaskFindings, verdict
from facesynth.evaluation.masks.regions import MAIN, REGIONS, REGIONS_TOLD
from facesynth.evaluation.masks.survey import LayerSurvey, RegionFit
from facesynth.evaluation.page_parts import evaluation_html, facts, figure

OVERVIEW = "overview"


def masks_page(findings: MaskFindings, sheets: Mapping[str, Photo]) -> str:
    """The page as HTML, with the sheets by their layer's name, and OVERVIEW."""
    sections = (
        _head(findings),
        _sheet("The last layer’s masks", sheets.get(OVERVIEW), "as figure 2 of the paper: masks and what is left"),
        *(_region(findings, region) for region in REGIONS),
        _layers(findings, sheets),
        _protocol(findings),
    )
    title = f"{findings.generator}: masks"
    return evaluation_html(title, sections, packages=["facesynth.evaluation.masks"])


def _head(findings: MaskFindings) -> Iterator[str]:
    yield f"<header><h1>{text(findings.generator)}</h1>"
    yield f'<p class="soft">what {text(findings.normalisation)} finds by itself, in {len(findings.seeds)} pictures</p>'
    yield f'</header><p class="headline">{text(findings.headline())}</p>'
    if (found := findings.best(MAIN)) is not None:
        fit = found[1]
        yield '<dl class="figures">'
        yield figure("IoU with the head", f"{fit.best.scores.own:.3f}", f"of {fit.pictures} pictures’ own masks")
        yield figure("chance", f"{fit.best.scores.others:.3f}", "the same masks, other pictures")
        yield figure("one fixed mask", f"{fit.average:.3f}", "the average head")
        yield figure("all ones", f"{fit.constant:.3f}", "the head’s share")
        yield "</dl>"


def _region(findings: MaskFindings, region: str) -> Iterator[str]:
    rows = [(layer, layer.fits[region]) for layer in findings.layers if region in layer.fits]
    if not rows:
        return
    yield f"<section><h2>{text(region)}</h2><p class='soft'>{text(REGIONS_TOLD[region])}</p>"
    yield '<div class="scroll"><table class="masks"><tr><th>layer</th><th class="num">mask</th><th class="num">cut</th>'
    yield '<th class="num">IoU</th><th class="num">chance</th><th class="num">own − chance</th>'
    yield '<th class="num">fixed</th><th class="num">all</th><th class="num">at 0.5</th><th class="num">median</th>'
    yield "</tr>"
    best = findings.best(region)
    for layer, fit in rows:
        yield _row(layer, fit, stands_out=best is not None and best[0] is layer)
    yield "</table></div>"
    if best is not None:
        yield f"<p>{text(verdict(best[1], region))}.</p>"
    yield "</section>"


def _row(layer: LayerSurvey, fit: RegionFit, *, stands_out: bool) -> str:
    scores = fit.best.scores
    name = f"{text(layer.layer.name)} <small>{layer.layer.side}×{layer.layer.side}</small>"
    cells = (
        f"{fit.best.index}",
        f"{fit.best.threshold:.2f}",
        f"<b>{scores.own:.3f}</b>" if stands_out else f"{scores.own:.3f}",
        f"{scores.others:.3f}",
        f"{scores.difference:+.3f} ± {scores.error:.3f}",
        f"{fit.average:.3f}",
        f"{fit.constant:.3f}",
        f"{fit.half.scores.own:.3f}",
        f"{fit.typical:.3f}",
    )
    filled = "".join(f'<td class="num">{cell}</td>' for cell in cells)
    return f"<tr><td>{name}</td>{filled}</tr>"


def _layers(findings: MaskFindings, sheets: Mapping[str, Photo]) -> Iterator[str]:
    for layer in findings.layers:
        name, side = layer.layer.name, layer.layer.side
        told = f"{side}×{side}, the masks that vary most over the picture, of {layer.layer.masks}"
        yield from _sheet(f"Layer {name}", sheets.get(name), told)


def _sheet(title: str, sheet: Photo | None, told: str) -> Iterator[str]:
    if sheet is None:
        return
    source = image_source(Image.fromarray(sheet.pixels))
    yield f'<section class="sheet"><h2>{text(title)}</h2><p class="soft">{text(told)}</p>'
    yield f'<div class="scroll">{picture(source, f"{title}: a row a seed, a column a channel")}</div></section>'


def _protocol(findings: MaskFindings) -> Iterator[str]:
    yield f'<section><h2>Protocol</h2><p class="soft">{text(RULE)}</p>'
    seeds = findings.seeds
    rows: list[tuple[str, object]] = [
        ("generator’s sha256", findings.sha256),
        ("pictures", f"{len(seeds)} of {findings.size}×{findings.size}, seeds {seeds[0]} to {seeds[-1]}"),
    ]
    if findings.parser is not None:
        rows += [("parser", findings.parser), ("parser’s sha256", findings.parser_sha256)]
        rows.append(("polarity in pictures", f"m is the side that is larger in the parsed {MAIN} than outside of it"))
    else:
        rows.append(
            ("polarity in pictures", "m is the side that is larger in the pictures’ middle: nothing was parsed")
        )
    rows.append(("versions", ", ".join(f"{name} {version}" for name, version in findings.versions.items())))
    yield facts(rows)
    yield "</section>"
