"""What is kept in memory is bounded, whatever comes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from facesynth.serving.memory_cache import MemoryCache


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=60))
def test_never_more_than_it_may_hold(puts: list[tuple[int, int]]) -> None:
    cache: MemoryCache[bytes] = MemoryCache(100, len)
    last: dict[int, bytes] = {}
    for key, size in puts:
        cache.put(key, bytes(size))
        if size <= 25:
            last[key] = bytes(size)
        assert cache.held <= 100
    kept = {key: cache.get(key) for key in range(10)}
    assert sum(len(value) for value in kept.values() if value is not None) == cache.held
    assert all(value == last[key] for key, value in kept.items() if value is not None)


def test_the_longest_unused_goes_first() -> None:
    cache: MemoryCache[bytes] = MemoryCache(80, len)
    for key in "abcd":
        cache.put(key, bytes(20))
    cache.get("a")
    cache.put("e", bytes(20))
    assert cache.get("b") is None and cache.get("a") is not None and len(cache) == 4
