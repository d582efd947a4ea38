"""Items: identified by their bytes, loaded later, never confused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import facesynth
from facesynth.core.errors import InputError
from facesynth.core.refs import FileRef, Origin, PairRef, Ref, sha256_bytes, sha256_file, short


def _file(path: Path, content: bytes) -> FileRef[str]:
    path.write_bytes(content)
    return FileRef(path, Origin(path.name), lambda data, where: f"{Path(where).name}:{data.decode()}")


def _value(digest: str, value: str) -> Ref[str]:
    return Ref(digest, Origin(value), lambda: value)


def test_a_file_is_identified_by_its_bytes_alone(tmp_path: Path) -> None:
    one, same, other = (_file(tmp_path / name, text) for name, text in [("a", b"x"), ("b", b"x"), ("c", b"y")])
    assert one.identify().digest == same.identify().digest == sha256_bytes(b"x") == sha256_file(tmp_path / "a")
    assert other.identify().digest != one.identify().digest
    assert one.identify().origin == Origin("a")
    assert one.identify().load() == "a:x"


def test_as_much_of_a_sha256_is_printed_everywhere() -> None:
    assert short(sha256_bytes(b"x")) == sha256_bytes(b"x")[:12] and len(short("ab" * 32)) == 12
    printed = re.compile(r"(sha256|digest|digits|encoder)\w*\[:\d+\]\}")
    package = Path(facesynth.__file__).parent
    assert [path.name for path in package.rglob("*.py") if printed.search(path.read_text(encoding="utf-8"))] == []


def test_identifying_decodes_nothing(tmp_path: Path) -> None:
    decoded: list[str] = []
    path = tmp_path / "a"
    path.write_bytes(b"x")
    ref = FileRef(path, Origin("a"), lambda data, where: decoded.append(where)).identify()
    assert decoded == []
    ref.load()
    assert decoded == [str(path)]


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.png: cannot be read \(No such file"):
        FileRef(tmp_path / "gone.png", Origin("gone.png"), lambda data, where: data).identify()


def test_a_file_that_changes_after_it_was_identified_is_refused(tmp_path: Path) -> None:
    ref = _file(tmp_path / "a", b"before").identify()
    (tmp_path / "a").write_bytes(b"after!")
    with pytest.raises(InputError, match="changed while it was being read"):
        ref.load()


def test_a_pair_depends_on_both_and_on_their_order() -> None:
    a, b = _value("a" * 64, "labels"), _value("b" * 64, "style")
    pair = PairRef(a, b).identify()
    assert pair.load() == ("labels", "style")
    assert pair.origin == Origin("labels")
    digests = {PairRef(x, y).identify().digest for x, y in [(a, b), (b, a), (a, a), (b, b)]}
    assert len(digests) == 4


def test_what_was_made_anew_with_other_bytes_is_identified_by_these() -> None:
    bytes_now = b"first"
    ref = Ref(sha256_bytes(b"first"), Origin("a"), lambda: bytes_now.decode(), lambda: sha256_bytes(bytes_now))
    other = _value("b" * 64, "style")
    pair = PairRef(ref, other).identify()
    assert ref.identify() is ref and pair.identify() is pair
    bytes_now = b"second"
    assert ref.identify().digest == sha256_bytes(b"second") and ref.identify().load() == "second"
    assert pair.identify().digest == PairRef(ref, other).identify().digest != pair.digest
    assert pair.identify().load() == ("second", "style")


def test_a_face_of_several_says_which_it_is() -> None:
    assert str(Origin("in/a.jpg")) == "in/a.jpg"
    assert str(Origin("in/a.jpg", 1)) == "in/a.jpg (face 1)"
