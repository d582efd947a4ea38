"""Which archive the results of an input go to."""

from __future__ import annotations

from pathlib import Path

import pytest

from facesynth.core.errors import OutputError
from facesynth.core.refs import sha256_bytes
from facesynth.core.scan import scan
from facesynth.outputs import FolderNames, Member, OutputTree, Shards


def test_an_archive_that_is_finished_is_not_begun_again(tmp_path: Path) -> None:
    """What comes late, out of its order, would replace all that came in time."""
    faces = tmp_path / "faces"
    faces.mkdir()
    for name in "abc":
        (faces / f"{name}.png").touch()
    sources = scan([faces])
    with OutputTree(tmp_path / "out", [faces], sources.on_disk) as tree:
        shards = Shards(tree, sources, FolderNames(sources), size=2, kinds={})

        def add(name: str) -> None:
            if shards.begins_another(str(faces / name)):
                shards.publish()
            shards.add(str(faces / name), [Member(name, 1, sha256_bytes(b"x"), lambda: b"x")])

        add("a.png")
        add("c.png")
        before = (tmp_path / "out" / "shard-00000.tar").read_bytes()
        with pytest.raises(OutputError, match="finished already"):
            add("b.png")
    assert (tmp_path / "out" / "shard-00000.tar").read_bytes() == before
