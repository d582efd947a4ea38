"""What holds for all tests: Hypothesis sets none of them a time, as a busy machine would then fail them."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
