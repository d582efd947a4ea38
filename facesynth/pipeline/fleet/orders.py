"""What workers are told and what they answer: a stage by its fields, items by what loads them, results by their key.

All of it is pickled between processes of one user that run the same version of this program; nothing of it is kept.
"""

from __future__ import annotations

import dataclasses
import pickle
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from facesynth.core.errors import CacheError, FacesynthError, UsageError
from facesynth.core.refs import Digest, Failed, Origin
from facesynth.stages.base import Stage


@dataclass(frozen=True, slots=True)
class StageRecipe:
    """A stage that can be made again elsewhere: its class and the fields that it was made with, no network."""

    kind: type[Any]
    fields: tuple[tuple[str, object], ...]

    @classmethod
    def of(cls, stage: Stage[Any, Any]) -> StageRecipe:
        """What `stage` was made with. Raises UsageError for a stage that is no dataclass, which does not say."""
        record: Any = stage
        if not dataclasses.is_dataclass(record):
            raise UsageError(f"the stage {stage.name} is no dataclass: other processes cannot be told what it is")
        made_with = ((field.name, getattr(record, field.name)) for field in dataclasses.fields(record) if field.init)
        return cls(type(stage), tuple(made_with))

    def made(self, device: Callable[[], str]) -> Stage[Any, Any]:
        """The stage anew, on a device where it has any, which is asked for then alone."""
        fields = dict(self.fields)
        if "device" in fields:
            fields["device"] = device()
        stage: Stage[Any, Any] = self.kind(**fields)
        return stage


@dataclass(frozen=True, slots=True)
class Asked:
    """One item of an order: what loads it, its digest, and the key that its result is to have."""

    origin: Origin
    digest: Digest
    key: Digest
    load: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Order:
    """A batch for one stage; `replace` is the store's. Stage and items are pickled apart, once, whoever gets them."""

    number: int
    stage: bytes
    items: tuple[bytes, ...]
    replace: bool


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker's first message: it can be given orders."""


@dataclass(frozen=True, slots=True)
class Unready:
    """A worker's only message where it can not."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Kept:
    """The item's result, or that it was rejected, lies in the store under its key."""


@dataclass(frozen=True, slots=True)
class Unread:
    """What the item is made of is damaged: whoever sent it can make that anew."""

    error: CacheError


Answer: TypeAlias = Kept | Unread | Failed


@dataclass(frozen=True, slots=True)
class Answers:
    """One for each item of the order of that number."""

    number: int
    each: Sequence[Answer]


@dataclass(frozen=True, slots=True)
class Ended:
    """In place of answers: what ends the run."""

    number: int
    error: Exception


def packed(what: object, name: str) -> bytes:
    """What is to be sent, pickled. Raises UsageError for what only this process can use; `name` says of what stage."""
    try:
        return pickle.dumps(what, protocol=pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        what_is = f"what {name} works on, or with, cannot be sent to another process ({error})"
        raise UsageError(what_is, hint="use --devices 1 and --executor local") from error


def sendable(error: Exception) -> Exception:
    """The error as another process can raise it: one that is none of ours in words, with its traceback."""
    if isinstance(error, FacesynthError):
        return error.with_traceback(None)
    sent: Exception = RuntimeError(f"{type(error).__name__}: {error}")
    sent.add_note("in a worker:\n" + "".join(traceback.format_exception(error)))
    return sent


def unpacked(data: bytes) -> Any:
    """What `packed` has made these bytes of. They come from the process that has started this one."""
    return pickle.loads(data)  # noqa: S301
