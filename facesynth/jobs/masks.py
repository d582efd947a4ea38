"""`facesynth masks`: what SPN found while it made pictures, drawn and measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from facesynth import weights
from facesynth.core.errors import UsageError
from facesynth.core.faces import Face
from facesynth.core.image_files import SYNTHETIC_TEXT, encode_png
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Done, Origin, Ref
from facesynth.inference.conditions import Told, attribute_weights, check_told, settled
from facesynth.inference.residual_weights import ResidualWeights
from facesynth.jobs.sample import sample_item
from facesynth.jobs.session import Session
from facesynth.outputs import SHEET_TEXT
from facesynth.report import installed_versions
from facesynth.stages.sample import Sample, SampleStage, Wanted
from facesynth.stages.segment import SegmentStage as Parsing

if TYPE_CHECKING:
    from facesynth.evaluation.masks.findings import MaskFindings
    from facesynth.evaluation.masks.survey import LayerSurvey
    from facesynth.inference.mask_reading import MaskedLayer
    from facesynth.inference.sampler import Sampler

_ON_OVERVIEW = 3

MOST_SEEDS = 256
"""A mask of each of them is in memory at once."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn: so many channels of each layer, for so many seeds; `layers` are what `chosen_layers` takes."""

    channels: int = 4
    rows: int = 8
    layers: tuple[str, ...] = ()


def check_masks(told: ResidualWeights, seeds: Sequence[int]) -> None:
    """Raise UsageError for a generator that finds no masks, and for more than MOST_SEEDS seeds."""
    if not told.has_masks():
        names = dict.fromkeys(told.spec.normalisation_of(block) for block in range(len(told.spec.widths) - 1))
        what = f"this generator finds no masks: its blocks normalise by {', '.join(names)}"
        hint = "name weights that were trained with generator.normalisation spn or cspn"
        raise UsageError(what, where=told.path, hint=hint)
    if len(seeds) > MOST_SEEDS:
        raise UsageError(f"masks of at most {MOST_SEEDS} seeds are looked at at once, not {len(seeds)}")


def attributes_told(told: ResidualWeights, attributes: Mapping[str, float] | None) -> tuple[float, ...] | None:
    """What every seed is painted as: weights over all classes, or None to have it draw its class.

    Raises UsageError for attributes that the generator does not have, and for none where it was trained with such.
    """
    weights = None if attributes is None else attribute_weights(attributes, told.classes, told.spec.classes)
    check_told(weights, multi=told.multi)
    return weights


def chosen_layers(layers: Sequence[MaskedLayer], names: Sequence[str]) -> tuple[MaskedLayer, ...]:
    """Layers by name, by number from 1 on, or `last`; all for no names. Raises UsageError for one that is none."""
    by_name = {layer.name: layer for layer in layers}
    by_name |= {str(number): layer for number, layer in enumerate(layers, 1)} | {"last": layers[-1]}
    if unknown := [name for name in names if name not in by_name]:
        known = ", ".join(f"{number} {layer.name}" for number, layer in enumerate(layers, 1))
        raise UsageError("no layer with masks is called that", where=unknown[0], hint=f"there are {known}, and last")
    wanted = {by_name[name].name for name in names}
    return tuple(layer for layer in layers if not names or layer.name in wanted)


def masks(
    session: Session, sample: SampleStage, parser: Parsing | None, told: ResidualWeights, seeds: Sequence[int],
    drawing: Drawing, attributes: tuple[float, ...] | None = None,
) -> MaskFindings | None:  # fmt: skip
    """Make the pictures, parse them (with None not), survey all masks, and write sheets, a page and a document.

    `attributes` are weights over all classes that every seed is painted with; with None each draws its class. None
    in a dry run. Pictures and label maps come through the store, as those of any other command. A picture that
    cannot be made or parsed is left out, and a row of the report; UsageError where none is left.
    """
    wanted = [(seed, settled(seed, attributes, told.spec.classes, multi=told.multi)) for seed in seeds]
    if session.execution.dry_run:
        _pictures(session, sample, parser, wanted, told)
        return None
    from facesynth.inference.mask_reading import masked_layers
    from facesynth.inference.sampler import Sampler

    sha256 = sample.weights["generator"]
    sampler = Sampler.load(told.path, device=sample.device, precision=sample.precision, sha256=sha256)
    layers = chosen_layers(masked_layers(sampler), drawing.layers)  # what is none is told before the work begins
    seen = _pictures(session, sample, parser, wanted, told)
    if not seen.seeds:
        raise UsageError("none of the pictures could be used", hint="the report says why")
    findings = _looked_into(session, sampler, told, seen, layers, drawing, parser)
    _write(session, findings, _sheets(sampler, findings, seen, drawing.rows), told)
    return findings


def _looked_into(
    session: Session, sampler: Sampler, told: ResidualWeights, seen: _Pictures, layers: Sequence[MaskedLayer],
    drawing: Drawing, parser: Parsing | None,
) -> MaskFindings:  # fmt: skip
    from facesynth.evaluation.masks.findings import MaskFindings
    from facesynth.evaluation.masks.survey import Seen, passes_of, survey

    labels = None if parser is None else seen.labels
    progress = session.execution.progress
    progress.more(passes_of(layers, len(seen.seeds), parsed=parser is not None))
    surveyed = survey(Seen(sampler, seen.seeds, seen.conditions, labels), layers, progress.advance)
    return MaskFindings(
        generator=told.path.name,
        sha256=sampler.sha256,
        normalisation=told.spec.normalisation,
        size=told.spec.size,
        seeds=tuple(seen.seeds),
        layers=surveyed,
        drawn={each.layer.name: _drawn(sampler, each, seen, drawing) for each in surveyed},
        parser=None if parser is None else parser.parser or weights.default_name("parser"),
        parser_sha256=None if parser is None else parser.weights["parser"],
        settings=session.settings,
        versions=installed_versions(),
    )


def _drawn(sampler: Sampler, survey: LayerSurvey, seen: _Pictures, drawing: Drawing) -> list[int]:
    """The channels whose masks vary most over the picture; where all share one mask, those whose gamma does."""
    from facesynth.evaluation.masks.survey import most_varied
    from facesynth.inference.mask_reading import read_fields

    layer = survey.layer
    if layer.masks > 1:
        return survey.varied(drawing.channels)
    rows, every = drawing.rows, {layer.name: range(layer.channels)}
    fields = read_fields(sampler, seen.seeds[:rows], seen.conditions[:rows], every)
    return most_varied(fields[layer.name].gamma.std((2, 3)).mean(0), drawing.channels)


def _sheets(sampler: Sampler, findings: MaskFindings, seen: _Pictures, rows: int) -> dict[str, Photo]:
    """By layer, and OVERVIEW of the last one."""
    from facesynth.evaluation.masks.page import OVERVIEW
    from facesynth.evaluation.masks.sheets import layer_sheet, overview_sheet
    from facesynth.inference.mask_reading import read_fields

    seeds, conditions, pictures = seen.seeds[:rows], seen.conditions[:rows], seen.photos[:rows]
    last = findings.layers[-1]
    shown = {name: list(channels) for name, channels in findings.drawn.items()}
    fields = read_fields(sampler, seeds, conditions, shown)
    sheets = {}
    for each in findings.layers:
        name = each.layer.name
        sheets[name] = layer_sheet(each, shown[name], fields[name], pictures, seeds)
    chosen = last.telling(_ON_OVERVIEW)
    fields = read_fields(sampler, seeds, conditions, {last.layer.name: chosen})
    labels = seen.labels[:rows] if findings.parser is not None else None
    sheets[OVERVIEW] = overview_sheet(last, chosen, fields[last.layer.name], pictures, seeds, labels)
    return sheets


def _write(session: Session, findings: MaskFindings, sheets: Mapping[str, Photo], told: ResidualWeights) -> None:
    from facesynth.evaluation.masks.document import masks_json
    from facesynth.evaluation.masks.page import OVERVIEW, masks_page

    text = {**SHEET_TEXT, **SYNTHETIC_TEXT}
    files: dict[str, Callable[[], bytes]] = {}
    for name, sheet in sheets.items():
        files[f"{name}.png" if name == OVERVIEW else f"layers/{name}.png"] = partial(encode_png, sheet, text)
    files["masks.json"] = lambda: masks_json(findings).encode()
    files["report.html"] = lambda: masks_page(findings, sheets).encode()
    outputs = [session.write(make, PurePosixPath(name)) for name, make in files.items()]
    session.finish(Origin(str(told.path)), outputs, cached=False, part="masks")


@dataclass(slots=True)
class _Pictures:
    """What could be made, and parsed where that was asked for: as many of each."""

    seeds: list[int] = field(default_factory=list)
    conditions: list[Told] = field(default_factory=list)
    photos: list[Photo] = field(default_factory=list)
    labels: list[LabelMap] = field(default_factory=list)

    def add(self, seed: int, condition: Told, photo: Photo) -> None:
        """One that was made."""
        self.seeds.append(seed)
        self.conditions.append(condition)
        self.photos.append(photo)


def _pictures(
    session: Session, sample: SampleStage, parser: Parsing | None, wanted: Sequence[Wanted], told: ResidualWeights
) -> _Pictures:
    """In a dry run those that are there already."""
    origin, progress, found = Origin(str(told.path)), session.execution.progress, _Pictures()
    progress.more(len(wanted))
    items = ((sample_item(*one, origin), one) for one in wanted)
    made = session.run(sample, items, part=_part)
    if parser is None:
        for result, one in made:
            found.add(*one, result.ref.load().picture)
            progress.advance()
        return found
    faces = ((_face(result), (result, one)) for result, one in made)
    for parsed, (result, one) in session.run(parser, faces, part=lambda along: _part(along[1])):
        found.add(*one, result.ref.load().picture)
        found.labels.append(parsed.ref.load())
        progress.advance()
    if session.execution.dry_run:
        session.estimate.follow(sample, parser)
    return found


def _part(wanted: Wanted) -> str:
    return f"seed {wanted[0]}"


def _face(result: Done[Sample]) -> Ref[Face]:
    """A picture as `segment --aligned` reads it from its file: both have one digest."""
    return Ref(result.ref.digest, result.origin, partial(_aligned, result.ref.load))


def _aligned(load: Callable[[], Sample]) -> Face:
    return Face.from_aligned(load().picture)
