"""What lies between two styles: a face for each step, all of them in a strip, and as a picture that moves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from facesynth.core.animation import SUFFIX, encode_animation
from facesynth.core.errors import OutputError, UsageError
from facesynth.core.image_files import SYNTHETIC_TEXT, encode_png
from facesynth.core.images import Photo
from facesynth.core.labels import LabelMap
from facesynth.core.refs import Item, Origin
from facesynth.core.strips import cell_side, strip
from facesynth.core.styles import Style
from facesynth.jobs.items import CombinedStyle
from facesynth.jobs.session import Session
from facesynth.jobs.synthesize import Painted, Variant, synthesize
from facesynth.stages.base import Stage

MOST_FRAMES = 240
"""Frames from one style to another: ten seconds of film."""

_ON_SHEET = 12
_MOVING_SIDE, _MOVING_PIXELS = 1024, 64_000_000  # of one frame, and of all of them in memory
_PASS, _SHORTEST, _LONGEST, _REST = 2000, 40, 200, 600  # milliseconds: from A to B, one frame, and at both ends


def style_between(first: Style, second: Style, t: float) -> Style:
    """The style at `t` (0..1) of the way, in equal steps for equal steps of `t`; the ends are the styles themselves.

    Between two seeds that is an arc: the weights go as cosine and sine of the angle. Both are draws of a Gaussian, in
    64 dimensions nearly of one length and at right angles; the straight line between them would pass the middle at 0.7
    of that length, where the generator paints everybody's average. What paints brings a mix of seeds back to the
    strength of one. Any other way is a straight line: a face's code is a mean, and halfway between two faces is what
    `transfer --strength 0.5` says it is.
    """
    if first.kind == second.kind == "seed" and 0 < t < 1:
        sine, cosine = math.sin(t * math.pi / 2), math.cos(t * math.pi / 2)
        t = sine / (sine + cosine)
    return Style.mix(first, second, t)


def between(first: Item[Style], second: Item[Style], frames: int) -> list[Variant]:
    """`frames` variants from one style to another, both included: `frame000`, `frame001`, …

    A dozen of them at most are for the contact sheet. The ends are the items themselves, so they are found where they
    were painted before, and so is each step that another number of frames has too. Raises UsageError.
    """
    if not 2 <= frames <= MOST_FRAMES:
        raise UsageError(f"from one style to another lie 2 to {MOST_FRAMES} frames, not {frames}")
    steps = (index / (frames - 1) for index in range(1, frames - 1))
    inner = (CombinedStyle(first, second, ("between", t), partial(style_between, t=t)) for t in steps)
    shown = {round(index * (frames - 1) / (_ON_SHEET - 1)) for index in range(_ON_SHEET)}
    return [
        Variant(f"frame{index:03d}", style, on_sheet=frames <= _ON_SHEET or index in shown)
        for index, style in enumerate((first, *inner, second))
    ]


def interpolate(
    session: Session,
    stage: Stage[tuple[LabelMap, Style], Photo],
    first: Item[Style],
    second: Item[Style],
    frames: int = 8,
    *,
    schema: str | None = None,
    sheet: bool = False,
) -> None:
    """Write, for every label map, the faces from one style to another, side by side and as a picture that moves.

    These are `NAME_frame000.png` and so on, `NAME_strip.png`, and `NAME_loop.webp`, which goes there and back for ever.
    A label map that lacks one of its frames gets neither of the last two. Raises UsageError for fewer than 2 frames or
    more than MOST_FRAMES.
    """

    def show(origin: Origin, painted: Painted) -> None:
        _show(session, origin, painted)

    synthesize(session, stage, between(first, second, frames), schema=schema, sheet=sheet, also=show)
    session.estimate.shown_again += len(session.sources) * frames


def _show(session: Session, origin: Origin, painted: Painted) -> None:
    with session.item(origin, "strip and loop", advance=0):
        made = [frame for frame in painted if frame is not None]
        if missing := len(painted) - len(made):
            raise OutputError(f"not made: of {len(painted)} frames {missing} could not be painted or put in place")
        on_strip, moving = [], []
        for frame in made:  # one at a time: many large ones do not fit into memory
            face = frame.ref.load()
            on_strip.append(_within(face, cell_side(len(made), face.width)))
            moving.append(_within(face, min(_MOVING_SIDE, math.isqrt(_MOVING_PIXELS // len(made)))))
        name = session.name(origin)
        outputs = [
            session.write(
                lambda: encode_png(strip(on_strip), SYNTHETIC_TEXT), name.with_name(f"{name.name}_strip.png")
            ),
            session.write(lambda: there_and_back(moving), name.with_name(f"{name.name}_loop{SUFFIX}")),
        ]
        cached = all(frame.cached for frame in made)
        session.finish(origin, outputs, cached=cached, part="strip and loop", advance=0)


def there_and_back(frames: Sequence[Photo]) -> bytes:
    """The frames, and again in reverse without the ends, as an animation that rests at both ends, marked synthetic."""
    each = min(_LONGEST, max(_SHORTEST, round(_PASS / len(frames))))
    times = [max(each, _REST), *[each] * (len(frames) - 2), max(each, _REST)]
    return encode_animation([*frames, *frames[-2:0:-1]], [*times, *times[-2:0:-1]], SYNTHETIC_TEXT)


def _within(face: Photo, side: int) -> Photo:
    return face if face.width <= side else face.resized(side, side)
