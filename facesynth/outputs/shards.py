"""Results packed into tar archives as WebDataset reads them, in place of a file each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from facesynth.core.archives import ARCHIVE_SUFFIX
from facesynth.core.errors import OutputError, UsageError
from facesynth.core.sources import Sources
from facesynth.outputs.folder_names import FolderNames
from facesynth.outputs.shard_claim import ShardClaim
from facesynth.outputs.shard_file import Member, ShardFile
from facesynth.outputs.tree import OutputTree


class Shards:
    """Which archive the results of each input go to, and the one that is being written.

    An archive among the inputs has one of its own, of the same name, whose keys are those of its samples. All other
    inputs are numbered, in their order, and `size` of them share an archive, `shard-00000.tar`: whether they have
    results or not, so that one that fails moves no other. A sample's key is the name that its files would have had,
    with `%2E` for a dot; `kinds` says for the folders that they would have lain in what stands before their suffix
    (`labels/a.png` with `labels` → `a.labels.png`). Results come in the order of inputs. Raises UsageError where an
    archive would take an input's place.
    """

    def __init__(
        self,
        tree: OutputTree,
        sources: Sources,
        names: FolderNames,
        *,
        size: int,
        kinds: Mapping[str, str],
        claim: ShardClaim | None = None,
    ) -> None:
        """`claim` is made before the first archive. Raises UsageError where another one's archives lie there."""
        self._tree, self._sources, self._names = tree, sources, names
        self._size, self._kinds, self._claim = size, kinds, claim
        own = [names.archive_folder(archive) for archive in sources.archives]
        taken = re.compile(r"shard-\d+", re.IGNORECASE)
        self._prefix = "files" if any(taken.fullmatch(str(name)) for name in own) else "shard"
        for name in own:
            place = name.with_name(name.name + ARCHIVE_SUFFIX)
            if tree.holds_input(tree.path(place)):
                raise UsageError("results would take the place of this input", where=place, hint="choose another -o")
        if claim is not None:
            claim.check(self._prefix)
        self._open: ShardFile | None = None
        self._done: set[PurePosixPath] = set()

    def begins_another(self, path: str) -> bool:
        """Whether the results of the input of that path go to another archive than the last one's, whole now."""
        return self._open is not None and self._open.relative != self._place(path)

    def add(self, path: str, outputs: Iterable[Member]) -> Sequence[str]:
        """Put an input's outputs, by the names that they would have had, into its archive; where they are then:
        `shard-00000.tar/KEY.png`.

        Raises CacheError, OutputError where this input is to blame, OSError.
        """
        place = self._place(path)
        members = [replace(output, name=self._member_name(path, PurePosixPath(output.name))) for output in outputs]
        if self._open is None:
            if place in self._done:
                raise OutputError("this archive is finished already", where=str(place))
            if self._claim is not None:
                self._claim.make()
                self._claim = None
            self._open = ShardFile(self._tree, place)
        self._open.add(members)
        return [f"{place}/{member.name}" for member in members]

    def publish(self) -> None:
        """Put the archive that is being written in its place: it is whole. Raises OutputError, OSError."""
        if self._open is not None:
            shard, self._open = self._open, None
            self._done.add(shard.relative)
            try:
                shard.publish()
            finally:
                shard.abandon()

    def abandon(self) -> None:
        """Drop the archive that is being written: it is not whole."""
        if self._open is not None:
            self._open.abandon()
            self._open = None

    def _place(self, path: str) -> PurePosixPath:
        archive = self._sources.archive_of(path)
        if archive is not None:
            folder = self._names.archive_folder(archive)
            return folder.with_name(folder.name + ARCHIVE_SUFFIX)
        ordinal = self._sources.ordinal(path)
        assert ordinal is not None, path
        return PurePosixPath(f"{self._prefix}-{ordinal // self._size:05d}{ARCHIVE_SUFFIX}")

    def _member_name(self, path: str, output: PurePosixPath) -> str:
        kind = ""
        if len(output.parts) > 1 and output.parts[0] in self._kinds:
            kind, output = self._kinds[output.parts[0]], PurePosixPath(*output.parts[1:])
        archive = self._sources.archive_of(path)
        if archive is not None:
            output = output.relative_to(self._names.archive_folder(archive))
        stem = output.stem.replace("%", "%25").replace(".", "%2E")
        return str(output.with_name(".".join(filter(None, (stem, kind, output.suffix[1:])))))
