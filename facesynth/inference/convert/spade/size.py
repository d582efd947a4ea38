"""The side of a SPADE generator's pictures, which its tensors leave open."""

from __future__ import annotations

from facesynth.inference.convert.parts import Told, UnfitError
from facesynth.inference.convert.spade.options import doublings
from facesynth.models.specs import EncoderSpec

_SIXTH_FROM = 256  # NVlabs' encoder has a sixth convolution for pictures of this side or a larger one


def picture_size(start: int, told: Told, encoder: EncoderSpec | None, *, ninth: bool) -> tuple[int, tuple[str, ...]]:
    """The side in pixels, and a note where it is a guess; `start` is the side of the generator's first map.

    `ninth`: it has the last block of "most" up-sampling, which doubles the side 7 times; without it "normal" doubles it
    5 times and "more" 6 times, by the same tensors. What is told decides, then opt.txt, then the encoder's depth, then
    that "normal" is the default. Raises UnfitError for a side that cannot be, and for an encoder of other pictures.
    """
    sides = [start << times for times in ((7,) if ninth else (5, 6))]
    noted = doublings(told.options)
    if told.size is None and noted is not None:
        if start << noted not in sides:
            what = f"opt.txt beside it says num_upsampling_layers {told.options['num_upsampling_layers']}"
            raise UnfitError(
                "generator", f"{what}, and its layers are of another: move that file away if it is not its own"
            )
        sides = [start << noted]
    if told.size is not None:
        if told.size not in sides:
            raise UnfitError("generator", f"its pictures have {_either(sides)} pixels, not {told.size}")
        sides = [told.size]
    if encoder is not None:
        deep = encoder.blocks > 5
        if not any((side >= _SIXTH_FROM) == deep for side in sides):
            bound = f"{'at least' if deep else 'less than'} {_SIXTH_FROM} pixels"
            what = (
                f"its {encoder.blocks} convolutions are for pictures of {bound}, the generator's have {_either(sides)}"
            )
            raise UnfitError("encoder", f"{what}: they are of two trainings")
        sides = [side for side in sides if (side >= _SIXTH_FROM) == deep]
    if len(sides) == 1:
        return sides[0], ()
    guess = f"its pictures are taken to have {sides[0]} pixels, as without --num_upsampling_layers"
    return sides[0], (
        f"{guess}; if it was trained with `more`, they have {sides[1]}: convert it with --size {sides[1]}",
    )


def _either(sides: list[int]) -> str:
    return " or ".join(str(side) for side in sides)
