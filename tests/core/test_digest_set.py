"""A set of digests: it holds what was added and little else, and a look-up costs little however many there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from facesynth.core import digest_set
from facesynth.core.digest_set import DigestSet
from facesynth.core.refs import sha256_bytes

DIGESTS = [sha256_bytes(str(number).encode()) for number in range(6400)]


def test_it_holds_what_was_added_once_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_set, "_NEW", 16)
    held = DigestSet([*DIGESTS[:3200], *DIGESTS[1000:2000]])
    assert len(held) == 3200
    assert all(digest in held for digest in DIGESTS[:3200]) and not any(digest in held for digest in DIGESTS[3200:])
    assert 3 not in held


def test_a_look_up_searches_few_parts_however_many_were_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_set, "_NEW", 16)
    held, searched = DigestSet(DIGESTS), list[int]()

    def search(part: Any, sought: Any, real: Any = np.searchsorted) -> Any:
        searched.append(len(part))
        return real(part, sought)

    monkeypatch.setattr(np, "searchsorted", search)
    assert sha256_bytes(b"another") not in held
    assert sum(searched) >= 6000 and len(searched) <= 10, "each part is at least twice as long as the next"
