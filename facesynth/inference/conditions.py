"""What a conditional generator is told beside its noise: a class, or weights over classes. No torch."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence

import numpy as np

from facesynth.core.errors import UsageError

Condition = int | Sequence[float] | None
"""A class id; weights over all classes, by which embeddings are summed (attributes: an extension of ours); or nothing,
which is all that a generator without classes takes, and leaves others to draw a class by the seed."""

Told = int | tuple[float, ...] | None
"""A condition that is settled: None only where there are no classes."""

_CLASS_STREAM = 1
_SHOWN = 12


def class_of_seed(seed: int, classes: int) -> int:
    """The class that a seed (≥ 0) draws among so many, all equally likely, whatever else is drawn by it."""
    return int(np.random.default_rng([seed, _CLASS_STREAM]).integers(classes))


def check_told(condition: Condition, *, multi: bool) -> None:
    """Raise UsageError where no condition is told to a generator of attributes (`multi`), which no seed draws: a face
    has several of them at once, and which go together only real images tell.
    """
    if multi and condition is None:
        what = "this generator was trained with attributes, several at once, which a seed does not draw"
        raise UsageError(what, hint="give --attributes, as Smiling=1; those that are not named are 0")


def settled(seed: int, condition: Condition, classes: int, *, multi: bool = False) -> Told:
    """A condition as it is known by: the class of the seed where none is told, else checked.

    Raises UsageError where it does not fit a generator of so many classes (0: of none), and where none is told to one
    whose classes are attributes (`multi`).
    """
    if not classes:
        if condition is not None:
            raise UsageError("this generator has no classes to choose from", hint="leave the classes out")
        return None
    check_told(condition, multi=multi)
    if condition is None:
        return class_of_seed(seed, classes)
    if isinstance(condition, int | np.integer):
        if not 0 <= condition < classes:
            raise UsageError(f"there is no class {condition}: they are counted from 0 to {classes - 1}")
        return int(condition)
    weights = tuple(float(weight) for weight in condition)
    if len(weights) != classes or not all(map(math.isfinite, weights)):
        raise UsageError(f"weights over {classes} classes are {classes} finite numbers", where=f"{len(weights)} given")
    return weights


def class_named(name: str, classes: Sequence[str], count: int) -> int:
    """The id of a class by its name, in any case, or by its id; `count` is how many classes there are, named or not.

    A name goes before an id that reads alike. Raises UsageError, with the names that come near.
    """
    if not count:
        raise UsageError("this generator has no classes to choose from", where=name, hint="leave the classes out")
    if name in classes:
        return list(classes).index(name)
    alike = [index for index, known in enumerate(classes) if known.casefold() == name.casefold()]
    if len(alike) == 1:
        return alike[0]
    if name.isascii() and name.isdecimal():
        if len(name) > len(str(count)) or int(name) >= count:
            raise UsageError(f"there is no such class: they are counted from 0 to {count - 1}", where=name)
        return int(name)
    raise UsageError("no class is called that", where=name, hint=_known(name, classes, count))


def attribute_weights(values: Mapping[str, float], classes: Sequence[str], count: int) -> tuple[float, ...]:
    """Weights over all classes, 0 for those that are not named. Raises UsageError as `class_named` does."""
    weights = [0.0] * count
    for name, value in values.items():
        weights[class_named(name, classes, count)] = value
    return tuple(weights)


def _known(name: str, classes: Sequence[str], count: int) -> str:
    if not classes:
        return f"its classes have no names here: give ids, 0 to {count - 1}"
    lower = {known.casefold(): known for known in classes}
    if near := difflib.get_close_matches(name.casefold(), lower, n=3):
        return f"did you mean {' or '.join(lower[each] for each in near)}?"
    more = f" and {len(classes) - _SHOWN} more" if len(classes) > _SHOWN else ""
    return f"known are {', '.join(classes[:_SHOWN])}{more}"
