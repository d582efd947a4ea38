"""Names and digests in little memory."""

from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facesynth.core import digest_set
from facesynth.core.digest_set import DigestSet
from facesynth.core.packed_names import PackedNames


@given(st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)))
def test_names_are_told_once_each_and_found_again(names: list[str]) -> None:
    packed = PackedNames(names)
    assert list(packed) == sorted(set(names)) and packed[:] == list(packed) and len(packed) == len(set(names))
    for place, name in enumerate(packed):
        assert packed.place(name) == place and packed[place] == name
    assert packed.place("no/name") is None


def test_a_quick_look_for_a_part_of_any_name() -> None:
    packed = PackedNames(["a.jpg", "My Sheet.png", "\udcff"])
    assert packed.may_hold(b"sheet") and not packed.may_hold(b"gif") and packed[-1] == "\udcff"
    with pytest.raises(IndexError):
        packed[3]


def test_digests_are_known_whenever_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_set, "_NEW", 16)
    digests = [hashlib.sha256(bytes([index // 256, index % 256])).hexdigest() for index in range(2000)]
    random.Random(0).shuffle(digests)
    held = DigestSet()
    for place, digest in enumerate(digests[:1000]):
        assert digest not in held
        held.add(digest)
        held.add(digests[place // 2])
        assert digest in held and digests[0] in held
    assert len(held) == 1000
    assert all(digest in held for digest in digests[:1000]) and not any(digest in held for digest in digests[1000:])
