"""Cached results at hand: compared with their sha256 whenever they are read, and made anew where they are damaged."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from facesynth.core.errors import CacheError, FacesynthError
from facesynth.core.refs import Digest, FileStamp, Ref, Rejected
from facesynth.pipeline.failures import OF_THE_ITEM, OF_THE_RUN
from facesynth.pipeline.maker import Maker
from facesynth.stages.base import Codec
from facesynth.store import Entry, discard

T = TypeVar("T")
In = TypeVar("In")
Out = TypeVar("Out")

_mending = threading.RLock()
"""Held while an artifact is made anew, and in turn those that it is made of: no two threads make the same one.

Inside it only a stage's own lock is taken, by calling the stage, which is given loaded values: no two threads can wait
for each other.
"""


class _DecodingError(CacheError):
    """The bytes are right, and still the codec cannot read them: looking again will not do."""


class FoundArtifact(Generic[Out]):
    """An entry as it was found, pickled to be read in another process, which makes nothing anew."""

    __slots__ = ("_codec", "_entry")

    def __init__(self, codec: Codec[Out], entry: Entry) -> None:
        self._codec = codec
        self._entry = entry

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self._entry.folder

    @property
    def files(self) -> Mapping[str, FileStamp]:
        """Its files as they were found."""
        return self._entry.files

    def load(self) -> Out:
        """The whole value. Raises CacheError as `read` does."""
        return self.read(self._codec.read)

    def read(
        self,
        decode: Callable[[Path], T],
        names: Callable[[Mapping[str, FileStamp]], Iterable[str]] = Mapping.keys,
    ) -> T:
        """What `decode` makes of the folder, of whose files it reads those that `names` chooses.

        Raises CacheError where they are damaged, or another's by now.
        """
        return _checked(self._entry, decode, names)

    def with_file(self, name: str, work: Callable[[Path, FileStamp], T]) -> T:
        """What `work` makes of one file and its stamp, and what it raises where they do not agree."""
        return work(self._entry.file(name), self._entry.files[name])


class CachedArtifact(Generic[In, Out]):
    """The entry that a stage's result for an item lies in. Any thread may use it; it keeps no value alive.

    What is damaged is computed from the item again, which is loaded for that and mended first where it is damaged too.
    Pickled, it is a `FoundArtifact`: where the stage is at work, and who is told of what was mended, stays here.
    """

    __slots__ = ("_entry", "_item", "_maker")

    def __init__(self, maker: Maker[In, Out], item: Ref[In], entry: Entry) -> None:
        self._maker = maker
        self._item = item
        self._entry = entry

    def __reduce__(self) -> tuple[object, ...]:
        return FoundArtifact, (self._maker.codec, self._entry)

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return self._entry.folder

    @property
    def files(self) -> Mapping[str, FileStamp]:
        """Its files as they are now."""
        return self._entry.files

    def digest(self) -> Digest:
        """That of its main file as it is now."""
        return self._entry.main_digest

    def load(self) -> Out:
        """The whole value. Raises CacheError as `read` does."""
        return self.read(self._maker.codec.read)

    def read(
        self,
        decode: Callable[[Path], T],
        names: Callable[[Mapping[str, FileStamp]], Iterable[str]] = Mapping.keys,
    ) -> T:
        """What `decode` makes of the folder, of whose files it reads those that `names` chooses.

        Raises CacheError where these are damaged and cannot be made anew, and what would end a run where no item can.
        """
        return self._use(lambda entry: _checked(entry, decode, names))

    def with_file(self, name: str, work: Callable[[Path, FileStamp], T]) -> T:
        """What `work` makes of one file and its stamp; it raises CacheError or OSError where they do not agree."""
        return self._use(lambda entry: work(entry.file(name), entry.files[name]))

    def _use(self, work: Callable[[Entry], T]) -> T:
        seen = self._entry
        try:
            return work(seen)
        except (CacheError, OSError) as fault:
            self._mend(seen, fault)
        try:
            return work(self._entry)
        except CacheError as fault:
            hint = "check the disk, or choose another folder with --cache DIR"
            raise CacheError(f"{fault.what}; tried again, it is no better", where=fault.where, hint=hint) from fault

    def _mend(self, seen: Entry, fault: CacheError | OSError) -> None:
        """See to it that the entry is right, or raise CacheError."""
        if not self._maker.mends:
            what = fault.what if isinstance(fault, CacheError) else str(fault)
            raise CacheError(what, where=seen.folder, hint="a run makes it anew") from fault
        with _mending:
            if self._entry is not seen:
                return  # another thread was faster
            try:
                now = fault if isinstance(fault, _DecodingError) else self._maker.look_again(seen.key)
                self._entry = now if isinstance(now, Entry) else self._made_anew(seen, now)
            finally:
                self._maker.flush()  # the run that notes what it uses may have ended
        # Where it is an entry, it was made anew elsewhere, by another process too, or was not to blame.
        if not isinstance(now, Entry) and self._maker.told is not None:
            self._maker.told(self._item.origin, f"{self._item.origin}: {self._maker.name}: {now.what}; made anew")

    def _made_anew(self, seen: Entry, fault: CacheError) -> Entry:
        try:
            made = self._computed(seen)
        except OF_THE_RUN:
            raise
        except OF_THE_ITEM as error:
            with contextlib.suppress(OSError):
                discard(seen.folder)
            what, hint = f"{fault.what}, and it could not be made anew: {error}", "run the same command again"
            raise CacheError(what, where=seen.folder, hint=hint) from error
        if made.rejected is not None:
            raise CacheError(f"{fault.what}, and {self._maker.name} now says: {made.rejected}", where=made.folder)
        return made

    def _computed(self, seen: Entry) -> Entry:
        value = self._item.load()
        recipe = self._maker.recipe(self._item.identify().digest)
        if recipe.key() != seen.key:  # its item was made anew as well, and came out with other bytes
            discard(seen.folder)
            found = self._maker.look_again(recipe.key())
            if isinstance(found, Entry):
                return found
        (outcome,) = self._maker([value])
        result = outcome if isinstance(outcome, Rejected) else self._maker.codec.write(outcome)
        return self._maker.publish(recipe, result, replace=True)


def _checked(entry: Entry, decode: Callable[[Path], T], names: Callable[[Mapping[str, FileStamp]], Iterable[str]]) -> T:
    entry.check(names(entry.files))
    try:
        return decode(entry.folder)
    except OSError as error:  # gone in the meantime
        raise CacheError(f"cannot be read ({error.strerror or error})", where=entry.folder) from error
    except (FacesynthError, ValueError) as error:
        raise _DecodingError(f"cannot be decoded ({error})", where=entry.folder) from error
