"""What holds for all tests: Hypothesis sets none of them a time, as a busy machine would then fail them.

Where several processes test side by side (`pytest -n`), each computes on one core: so do the commands that it starts.
Where Python is told to write no bytecode beside its sources, those commands keep theirs with pytest's own cache: each
of some hundred would otherwise compile PyTorch's modules anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by torch where it is imported, which is later

if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    os.environ["PYTHONPYCACHEPREFIX"] = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
