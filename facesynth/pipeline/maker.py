"""A stage with the store that keeps its results: what makes an artifact, the first time and again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from facesynth.core.digest_set import DigestSet
from facesynth.core.errors import CacheError
from facesynth.core.refs import Digest, Origin, Outcome, Rejected
from facesynth.stages.base import Codec, Stage
from facesynth.store import ArtifactStore, Entry, Recipe

In = TypeVar("In")
Out = TypeVar("Out")

Made: TypeAlias = set[Digest] | DigestSet
"""The keys of what is made, by one run or by several that share it."""

Told: TypeAlias = Callable[[Origin, str], None]
"""Called with the item whose cached result was damaged and made anew, and a line that says so; from any thread."""


class Maker(Generic[In, Out]):
    """A stage, asked once what it says of itself and called by one thread at a time, whoever calls it.

    With `mends` unset it only looks: what turns out to be damaged is not made anew. `made` gets the keys of all that it
    publishes, beside those that others have put there.
    """

    def __init__(
        self,
        stage: Stage[In, Out],
        store: ArtifactStore | None,
        *,
        mends: bool = True,
        told: Told | None = None,
        made: Made | None = None,
    ) -> None:
        self.stage = stage
        self.name = stage.name
        self.codec: Codec[Out] = stage.codec
        self.store = store
        self.mends = mends
        self.told = told
        self.made = made
        self._recipe = partial(Recipe, stage.name, stage.version, stage.config, stage.weights)
        self._call: _OneAtATime[In, Out] = _one_at_a_time(stage)

    def recipe(self, digest: Digest) -> Recipe:
        """What its result for the item of that digest is made of."""
        return self._recipe((digest,))

    def __call__(self, batch: Sequence[In]) -> Sequence[Outcome[Out]]:
        """What the stage says to a batch."""
        return self._call(batch)

    def publish(self, recipe: Recipe, result: Mapping[str, bytes] | Rejected, *, replace: bool) -> Entry:
        """Keep a result, as the codec has written it. Raises CacheError."""
        assert self.store is not None
        main = None if isinstance(result, Rejected) else self.codec.main
        entry = self.store.publish(recipe, result, main=main, replace=replace)
        if self.made is not None:
            self.made.add(entry.key)
        return entry

    def is_news(self, entry: Entry) -> bool:
        """Whether an entry was made by those who share `made`, rather than found."""
        return self.made is not None and entry.key in self.made

    def flush(self) -> None:
        """Hand the notes of what was used to the system."""
        if self.store is not None:
            self.store.flush()

    def look_again(self, key: Digest) -> Entry | CacheError:
        """The entry as it lies in the store now, or what is wrong with it; all its files are read."""
        assert self.store is not None
        found = self.store.lookup(self.name, key)
        if found is None or found.rejected is not None:
            return CacheError("the cached files are gone, or not whole")
        try:
            found.check()
        except CacheError as fault:
            return fault
        return found


class _OneAtATime(Generic[In, Out]):
    """A stage that several threads may call: networks are loaded by the first call, and were written for one thread."""

    def __init__(self, stage: Stage[In, Out]) -> None:
        self._stage = stage
        self._lock = threading.RLock()

    def __call__(self, batch: Sequence[In]) -> Sequence[Outcome[Out]]:
        with self._lock:
            return self._stage(batch)


_known: WeakValueDictionary[int, _OneAtATime[Any, Any]] = WeakValueDictionary()
"""By the stage's `id`, which no other object has for as long as the value lives: it holds the stage."""

_knowing = threading.Lock()


def _one_at_a_time(stage: Stage[In, Out]) -> _OneAtATime[In, Out]:
    with _knowing:
        known = _known.get(id(stage))
        if known is None:
            known = _known[id(stage)] = _OneAtATime(stage)
        return known
