"""The parts of results as items of their own, such as the faces of each photo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TypeVar

from facesynth.core.errors import CacheError
from facesynth.core.refs import Artifact, Digest, Done, FileStamp, Origin, Ref, Result
from facesynth.stages.base import FanOutCodec

T = TypeVar("T")


def flatten(results: Iterable[Result[tuple[T, ...]]], codec: FanOutCodec[T]) -> Iterator[Ref[T]]:
    """The parts of every done result as items of their own, such as the faces of each photo.

    A part's digest is the sha256 of its main file. Its origin is numbered only where there are several. Other results
    are passed over: `on_result` of the run before has seen them.
    """
    for result in results:
        if isinstance(result, Done):
            names = codec.parts(result.files)
            for index, name in enumerate(names):
                origin = Origin(result.origin.path, index if len(names) > 1 else None)
                yield _part(codec, result, origin, index, name)


def _part(codec: FanOutCodec[T], result: Done[tuple[T, ...]], origin: Origin, index: int, name: str) -> Ref[T]:
    digest, artifact, whole = result.files[name].digest, result.artifact, result.ref
    if artifact is None:
        return Ref(digest, origin, lambda: whole.load()[index])
    return Ref(digest, origin, partial(_read, artifact, codec, index, name), partial(_now, artifact, name, digest))


def _read(artifact: Artifact, codec: FanOutCodec[T], index: int, name: str) -> T:
    def own(files: Mapping[str, FileStamp]) -> list[str]:
        if name not in files:
            raise CacheError(f"it no longer holds {name}", where=artifact.folder)
        others = {*codec.parts(files)} - {name}
        return [file for file in files if file not in others]

    return artifact.read(lambda folder: codec.read_part(folder, index), own)


def _now(artifact: Artifact, name: str, before: Digest) -> Digest:
    stamp = artifact.files.get(name)
    return before if stamp is None else stamp.digest
