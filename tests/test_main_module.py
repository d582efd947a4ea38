from __future__ import annotations

import subprocess
import sys

from facesynth import __version__


def test_the_package_runs_as_a_module() -> None:
    told = subprocess.run([sys.executable, "-m", "facesynth", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == f"facesynth {__version__}"
