"""What ranks do that fail. It imports little, for each of them imports it too."""

from __future__ import annotations

import os
from functools import partial

from facesynth.core.errors import UsageError
from facesynth.training.place import Place


def fail(place: Place) -> None:
    """Fail before the first rank is met."""
    raise UsageError("this one cannot", hint="do nothing")


def end(how: int, place: Place) -> None:
    """End without a word: by a signal, or as a main module does that ends when it is imported."""
    if how < 0:
        os.kill(os.getpid(), -how)
    os._exit(how)


def end_while_they_meet(place: Place) -> None:
    """End when it has said that it is about to meet the first rank."""
    assert place.others is not None
    place.others.meet(partial(os._exit, 3))
