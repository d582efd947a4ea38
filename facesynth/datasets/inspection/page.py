"""An inspection as one HTML page with pictures: no script, no network, light and dark, for screens of any width."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources

from facesynth.core.labels import LABEL_NAMES
from facesynth.core.markup import bar, colour, framed, numbers, page, picture, swatch, text
from facesynth.datasets.inspection.census import Example
from facesynth.datasets.inspection.duplicates import MAX_DISTANCE, MIN_LIKENESS
from facesynth.datasets.inspection.examination import FAULTS, Fault
from facesynth.datasets.inspection.inspect import ClassUse, Copy, DuplicateFaces, Inspection
from facesynth.datasets.inspection.pictures import highlight, overlay, thumbnail
from facesynth.datasets.inspection.words import (
    MEANINGS,
    copies_told,
    counted,
    percent,
    shared_words,
    sides_crossed,
    size_rows,
    unknown_side,
)

MARK = ": dataset inspected</title>"
"""What the beginning of every such page holds, and of no other file."""
RAREST = 6
"""Classes that are shown with examples."""
GROUPS = 36
"""Groups of duplicates that are shown, and so many copies of each."""
COPIES = 4
LISTED = 25
"""Files of each kind of problem that are listed."""
PICTURED = 4
"""Label maps of each kind of problem that are shown."""


def inspection_page(inspection: Inspection) -> str:
    """The page as HTML. It reads the photos that it shows once more; one that is gone leaves a gap."""
    style = resources.files("facesynth.datasets.inspection").joinpath("page.css").read_text(encoding="utf-8")
    sections = (
        _head(inspection),
        _splits(inspection),
        _strip(inspection),
        _classes(inspection),
        _rarest(inspection),
        _sizes(inspection),
        _duplicates(inspection),
        _problems(inspection),
        _foot(inspection),
    )
    lines = (line for section in sections for line in section)
    return page(f"{inspection.name}: dataset inspected", lines, style=style)


def _head(inspection: Inspection) -> Iterator[str]:
    yield f'<header><h1>{text(inspection.name)}</h1><p class="path">{text(inspection.path)}</p></header>'
    yield from _notices(inspection)
    yield '<dl class="figures">'
    yield _figure("images", inspection.images, _size_told(inspection))
    if inspection.label_maps:
        told = f"{inspection.scaled:,} with maps of another size" if inspection.scaled else "photo and label map"
        yield _figure("pairs", inspection.pairs, told)
    if inspection.identities:
        yield _figure("persons", inspection.identities, "by their identities")
    if inspection.duplicates is not None:
        yield _figure("duplicates", len(inspection.duplicates), "groups of equal faces")
    yield _figure("problems", len(inspection.faults), "files or pairs")
    yield "</dl>"


def _notices(inspection: Inspection) -> Iterator[str]:
    bad: list[str] = []
    for division in inspection.divisions:
        if leaks := inspection.leaks(division.name):
            told = counted(leaks, "face lies", "faces lie")
            bad.append(f'<b>{told} on several sides of “{text(division.name)}”</b> (<a href="#duplicates">look</a>)')
        if division.shared_identities:
            told = counted(division.shared_identities, "person is", "persons are")
            bad.append(f"<b>{told} on several sides of “{text(division.name)}”</b>")
        for side in division.unknown_sides:
            bad.append(f"<b>“{text(division.name)}”: {text(unknown_side(side))}</b>")
        if division.missing:
            told = counted(division.missing, "name")
            bad.append(f"<b>{told} of “{text(division.name)}” belong to no face here</b>")
    for kind, faults in inspection.faults_by_kind().items():
        bad.append(f'<b>{FAULTS[kind]}: {len(faults):,}</b> (<a href="#{kind}">list</a>)')
    if bad:
        yield f'<div class="notice bad"><ul>{"".join(f"<li>{item}</li>" for item in bad)}</ul></div>'
    else:
        yield '<div class="notice"><b>Nothing is wrong with the files.</b></div>'


def _splits(inspection: Inspection) -> Iterator[str]:
    if not inspection.divisions:
        return
    yield "<section><h2>Splits</h2>"
    for division in inspection.divisions:
        yield f'<h3>{text(division.name)}</h3><div class="scroll"><table><tr><th>side</th><th></th>'
        yield '<th class="num">images</th><th class="num">pairs</th></tr>'
        for name, side in division.sides.items():
            filled = bar(side.images / max(1, inspection.images))
            yield f'<tr><td>{text(name)}</td><td class="wide">{filled}</td>{numbers(side.images, side.pairs)}</tr>'
        if division.outside:
            filled = bar(division.outside / max(1, inspection.images))
            yield f'<tr><td>on no side</td><td class="wide">{filled}</td>{numbers(division.outside)}<td></td></tr>'
        yield "</table></div>"
    yield "</section>"


def _strip(inspection: Inspection) -> Iterator[str]:
    if not inspection.strip:
        return
    yield "<section><h2>Drawn at random</h2>"
    twofold = any(example.labels for example in inspection.strip)
    yield f'<div class="faces{" twofold" if twofold else ""}">'
    for example in inspection.strip:
        pictures = [picture(thumbnail(example.image), example.name)]
        if example.labels is not None:
            covered = overlay(example.image, example.labels, schema=inspection.schema)
            pictures.append(picture(covered, f"label map of {example.name}"))
        yield framed(pictures, text(example.name))
    yield "</div></section>"


def _classes(inspection: Inspection) -> Iterator[str]:
    if not inspection.classes:
        return
    yield "<section><h2>Classes</h2>"
    yield '<p class="soft">The strip divides all pixels of all label maps; the bars say which share of the faces has'
    yield " the class at all.</p>"
    parts = (
        f'<i style="flex:{use.pixel_share:.5f} 0 0;background:{colour(label)}" title="{use.name}"></i>'
        for label, use in enumerate(inspection.classes)
    )
    yield f'<div class="spectrum" role="img" aria-label="shares of all pixels">{"".join(parts)}</div>'
    yield '<table><tr><th>class</th><th></th><th class="num">of faces</th><th class="num">of pixels</th></tr>'
    for label, use in enumerate(inspection.classes):
        meaning = f' <span class="soft">{MEANINGS[use.name]}</span>' if use.name in MEANINGS else ""
        yield f'<tr><td style="white-space:nowrap">{swatch(label)}{use.name}{meaning}</td>'
        yield f'<td class="wide">{bar(use.face_share, label)}</td>'
        yield f'<td class="num">{percent(use.face_share)}</td><td class="num">{percent(use.pixel_share)}</td></tr>'
    yield "</table></section>"


def _rarest(inspection: Inspection) -> Iterator[str]:
    present = sorted((use for use in inspection.classes if use.faces), key=lambda use: use.faces)
    never = [use.name for use in inspection.classes if not use.faces]
    if not present:
        return
    yield "<section><h2>The rarest classes</h2>"
    if never:
        yield f"<p><b>In no label map at all:</b> {', '.join(never)}.</p>"
    yield '<div class="rare">'
    for use in present[:RAREST]:
        label = LABEL_NAMES.index(use.name)
        meaning = f"{MEANINGS[use.name]}, " if use.name in MEANINGS else ""
        yield f"<div><h3>{swatch(label)}{use.name} "
        yield f'<span class="soft">{meaning}in {counted(use.faces, "face")}</span></h3><div class="faces">'
        yield from (framed([shown], text(example.name)) for example, shown in _highlights(use, label, inspection))
        yield "</div></div>"
    yield "</div></section>"


def _highlights(use: ClassUse, label: int, inspection: Inspection) -> Iterator[tuple[Example, str]]:
    for example in use.examples:
        if example.labels is not None:
            shown = highlight(example.image, example.labels, label, schema=inspection.schema)
            yield example, picture(shown, f"{use.name} of {example.name}")


def _sizes(inspection: Inspection) -> Iterator[str]:
    yield "<section><h2>Sizes</h2>"
    if inspection.not_square:
        yield f'<p class="soft">{counted(inspection.not_square, "image is", "images are")} not square. Training takes '
        yield "square faces: <code>facesynth segment PHOTOS… -o DIR</code> aligns first.</p>"
    for title, sizes in (("images", inspection.sizes), ("label maps", inspection.label_sizes)):
        if not sizes:
            continue
        rows = size_rows(sizes)
        largest = max(count for _, count in rows)
        yield f'<table><tr><th>{title}</th><th></th><th class="num">files</th></tr>'
        for told, count in rows:
            filled = bar(count / largest)
            yield f'<tr><td style="white-space:nowrap">{told}</td><td class="wide">{filled}</td>{numbers(count)}</tr>'
        yield "</table><br>"
    yield "</section>"


def _duplicates(inspection: Inspection) -> Iterator[str]:
    if inspection.duplicates is None:
        return
    yield '<section id="duplicates"><h2>Duplicates</h2>'
    yield f'<p class="soft">{copies_told(inspection) if inspection.duplicates else "None found"}.'
    if not inspection.searched_all:
        yield " The search for look-alikes was ended early: too many of these faces hardly differ."
    yield '</p><div class="groups">'
    shown = inspection.duplicates[:GROUPS]
    for group in shown:
        yield from _group(group)
    yield "</div>"
    if rest := len(inspection.duplicates) - len(shown):
        yield f'<p class="soft">and {counted(rest, "more group")}: <code>--json FILE</code> names them all.</p>'
    yield "</section>"


def _group(group: DuplicateFaces) -> Iterator[str]:
    crossed = "; ".join(f"{text(name)}: {text(sides_crossed(group, name))}" for name in group.across)
    told = f"{group.relation}, {len(group.copies):,} copies" + (f" — across {crossed}" if crossed else "")
    yield f'<div class="group{" across" if crossed else ""}"><h4>{told}</h4><div class="row">'
    for copy in _spread(group):
        sides = "".join(f' <span class="side">{text(copy.sides[name])}</span>' for name in group.across[:1])
        alike = "" if copy.relation in (None, "same file") else f", {copy.relation} {copy.likeness:.3f}"
        yield framed([picture(thumbnail(copy.image), copy.name)], f"{sides} {text(copy.name)}{alike}")
    yield "</div>"
    if len(group.copies) > COPIES:
        yield f'<p class="soft">and {len(group.copies) - COPIES:,} more</p>'
    yield "</div>"


def _spread(group: DuplicateFaces) -> list[Copy]:
    """The copies that are shown: one of each side first, where there are several sides."""
    firsts = {tuple(copy.sides.get(name) for name in group.across): copy for copy in reversed(group.copies)}
    chosen = sorted(group.copies, key=lambda copy: copy not in firsts.values())
    return chosen[:COPIES]


def _problems(inspection: Inspection) -> Iterator[str]:
    if not inspection.faults:
        return
    yield "<section><h2>Problems</h2>"
    for kind, faults in inspection.faults_by_kind().items():
        yield f'<h3 id="{kind}">{FAULTS[kind]}: {len(faults):,}</h3>'
        if shared := shared_words(faults):
            yield f'<p class="soft">{text(shared)}</p>'
        yield from _pictured(faults, inspection)
        yield '<ul class="problems">'
        for fault in faults[:LISTED]:
            what = "" if shared else f'<span class="what">{text(fault.what)}</span>'
            yield f'<li><span class="file">{text(fault.file)}</span>{what}</li>'
        yield "</ul>"
        if len(faults) > LISTED:
            yield f'<p class="soft">and {len(faults) - LISTED:,} more: <code>--json FILE</code> names them all.</p>'
    yield "</section>"


def _pictured(faults: list[Fault], inspection: Inspection) -> Iterator[str]:
    """Some photos with the label maps that do not fit them."""
    shown = [(fault.image, fault.file) for fault in faults if fault.image is not None][:PICTURED]
    if not shown:
        return
    yield '<div class="faces twofold">'
    for image, labels in shown:
        covered = overlay(image, labels, schema=inspection.schema)
        pictures = [picture(thumbnail(image), image.stem), picture(covered, f"label map of {image.stem}")]
        yield framed(pictures, text(image.stem))
    yield "</div>"


def _foot(inspection: Inspection) -> Iterator[str]:
    yield f"<footer><p>Every file was read once, in {counted(max(1, round(inspection.seconds)), 'second')}. "
    if inspection.duplicates is not None:
        yield "Duplicates: the same sha256; or, upright or mirrored, 64 signs of the cosine transform that differ in "
        yield f"at most {MAX_DISTANCE} bits, with a correlation of {MIN_LIKENESS} or more. Another alignment of the "
        yield "same photo is not found. "
    yield "The photos in this page are the dataset’s: pass it on only as you may pass on those.</p></footer>"


def _figure(name: str, number: int, told: str) -> str:
    return f"<div><dt>{name}</dt><dd>{number:,}<small>{told}</small></dd></div>"


def _size_told(inspection: Inspection) -> str:
    if len(inspection.sizes) == 1:
        return f"all {inspection.sizes[0][0][0]}×{inspection.sizes[0][0][1]}"
    return f"{len(inspection.sizes):,} sizes"
