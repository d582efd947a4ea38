"""Names that follow from folders, against those that are settled file by file."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facesynth.core.packed_names import PackedNames
from facesynth.core.scan import scan
from facesynth.core.sources import SourceArchive, SourceFile, SourceFolder, Sources
from facesynth.outputs import FolderNames, mirrored_names
from tests.core.test_archives import write_tar
from tests.test_outputs import FILES


def _sources(files: list[SourceFile], *archives: SourceArchive) -> Sources:
    folders: dict[tuple[Path, PurePosixPath], list[str]] = defaultdict(list)
    for file in files:
        folders[file.path.parent, file.relative.parent].append(file.path.name)
    held = [SourceFolder(path, place, PackedNames(names)) for (path, place), names in folders.items()]
    return Sources(held, archives, suffixes={".jpg", ".png"})


@settings(max_examples=300)
@given(
    st.lists(FILES, min_size=1, max_size=12, unique_by=lambda source: source.path), st.sampled_from([r"\d{2,}", "b"])
)
def test_they_are_what_all_files_together_would_be_called(files: list[SourceFile], tail: str) -> None:
    names = FolderNames(_sources(files), tail=tail)
    expected = mirrored_names(files, tail=tail)
    assert {file.path: names[str(file.path)] for file in files} == expected


def _named(sources: Sources) -> dict[str, str]:
    names = FolderNames(sources)
    return {"/".join(source.path.parts[-3:]): str(names[str(source.path)]) for source in sources}


def test_an_archive_is_a_folder_of_its_name(tmp_path: Path) -> None:
    write_tar(tmp_path / "x.tar", "a.jpg", "a.png", "in/b.c.jpg", "sheet.png")
    found = _named(scan([tmp_path]))
    assert list(found.values()) == ["x/a_jpg", "x/a_png", "x/in/b.c", "x/sheet"]


def test_archives_and_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for name in ("p/x.tar", "p/X.tar", "p/y.tar", "q/y.tar", "p/z.TAR"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_tar(tmp_path / name, "a.jpg")
    for name in ("p/x/a.jpg", "p/z/deep/b.jpg"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    found = _named(scan([tmp_path / "p"]))
    assert len({name.casefold() for name in found.values()}) == len(found) == 6
    assert found["p/x/a.jpg"] == "x/a" and found["z/deep/b.jpg"] == "z/deep/b" and found["p/y.tar/a.jpg"] == "y/a"
    assert found["p/z.TAR/a.jpg"] == "z_tar/a" and found["p/X.tar/a.jpg"].startswith("X_tar_")
    both = _named(scan([tmp_path / "p" / "y.tar", tmp_path / "q" / "y.tar"]))
    assert both == {"p/y.tar/a.jpg": "p/y/a", "q/y.tar/a.jpg": "q/y/a"}
    assert _named(scan([tmp_path / "q" / "y.tar", tmp_path / "p" / "y.tar"])) == both


def test_what_is_no_source_has_no_name() -> None:
    files = [SourceFile(Path("r/a.png"), PurePosixPath("a.png"))]
    names = FolderNames(_sources(files, SourceArchive(Path("r/x.tar"), PurePosixPath("x.tar"))))
    assert next(iter(names)) == "r/a.png" and len(names) >= 1
    for other in ("r/b.png", "a.png", ""):
        with pytest.raises(KeyError):
            names[other]
