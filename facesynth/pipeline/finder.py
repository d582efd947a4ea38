"""Looking up what the cache holds of an item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from facesynth.core.refs import Declined, Done, Item, Ref, Result
from facesynth.pipeline.artifacts import CachedArtifact
from facesynth.pipeline.failures import OF_THE_ITEM, OF_THE_RUN, failed
from facesynth.pipeline.maker import Maker
from facesynth.store import Entry, Recipe

In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(slots=True)
class Miss(Generic[In, Out]):
    """An item that has to be computed, on its way."""

    ref: Ref[In]
    recipe: Recipe


class Finder(Generic[In, Out]):
    """Finds what the cache holds of an item; nothing where there is no store, or with `force`."""

    def __init__(self, maker: Maker[In, Out], *, force: bool = False) -> None:
        self._maker = maker
        self._store = None if force else maker.store

    def find_all(self, items: list[Item[In]]) -> list[Result[Out] | Miss[In, Out]]:
        """The result or the miss of each."""
        return [self.find(item) for item in items]

    def find(self, item: Item[In]) -> Result[Out] | Miss[In, Out]:
        """The cached result, `Failed` where the item cannot be identified, or a miss."""
        try:
            ref = item.identify()
        except OF_THE_RUN:
            raise
        except OF_THE_ITEM as error:
            return failed(item.origin, error)
        recipe = self._maker.recipe(ref.digest)
        if self._store is not None:
            entry = self._store.lookup(recipe.stage, recipe.key())
            if entry is not None:
                return self.answer(ref, entry, cached=not self._maker.is_news(entry))
        return Miss(ref, recipe)

    def find_again(self, miss: Miss[In, Out]) -> Result[Out] | Miss[In, Out]:
        """What has become of a miss whose item may have been made anew: itself still, or the miss or hit of new bytes.

        The miss is changed to what its item is now. Raises as its item does.
        """
        ref = miss.ref.identify()
        if ref.digest == miss.ref.digest:
            return miss
        found = self.find(ref)
        if not isinstance(found, Miss):
            return found
        miss.ref, miss.recipe = found.ref, found.recipe
        return miss

    def answer(self, ref: Ref[In], entry: Entry, *, cached: bool) -> Result[Out]:
        """What an entry says of the item."""
        if entry.rejected is not None:
            return Declined(ref.origin, entry.rejected, cached)
        artifact = CachedArtifact(self._maker, ref, entry)
        result = Ref(entry.main_digest, ref.origin, artifact.load, artifact.digest)
        return Done(ref.origin, result, cached, entry.files, artifact)
