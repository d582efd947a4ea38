"""The style that content is painted in: another face's, with regions of yet others', or part of the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from facesynth.core.errors import UsageError
from facesynth.core.labels import Label
from facesynth.core.refs import Item
from facesynth.core.styles import Style
from facesynth.jobs.items import CombinedStyle


@dataclass(frozen=True, slots=True)
class WantedStyle:
    """A style (None: the content's own), in it regions in other styles, and how far to go there from the content's own.

    Of regions that have a label in common the last one has it. Raises UsageError where there is nothing to go to, and
    for a strength outside of 0..1.
    """

    style: Item[Style] | None
    regions: tuple[tuple[tuple[Label, ...], Item[Style]], ...] = ()
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.style is None and not self.regions:
            raise UsageError("there is no style to paint in", hint="give the style of a face, or of a region of one")
        if not 0 <= self.strength <= 1:
            raise UsageError(f"the strength is a share, 0 to 1, not {self.strength}")

    @property
    def needs_own(self) -> bool:
        """Whether it depends on the content's own style."""
        return self.style is None or self.strength < 1

    @property
    def any_face(self) -> Item[Style]:
        """One of the styles that were read off faces."""
        return self.regions[0][1] if self.style is None else self.style

    def of(self, own: Item[Style]) -> Item[Style]:
        """What content of this own style is painted in."""
        wanted: Item[Style] = own if self.style is None else self.style
        for labels, other in self.regions:
            wanted = CombinedStyle(wanted, other, ("regions", *labels), partial(_with_regions, labels))
        if self.strength == 1:
            return wanted
        return CombinedStyle(own, wanted, ("mix", self.strength), partial(Style.mix, t=self.strength))


def _with_regions(labels: tuple[Label, ...], style: Style, other: Style) -> Style:
    return style.with_regions(labels, other)
