"""Without the extra `metrics`: everything imports, and what needs a library says how to get it."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

import facesynth.metrics
from facesynth.core.errors import DependencyMissing
from facesynth.metrics.frechet import frechet_distance
from facesynth.metrics.kernel_distance import kernel_distance
from facesynth.metrics.paired import psnr
from facesynth.metrics.precision_recall import precision_recall
from tests.metrics.feature_sets import moments_of, noise

_MODULES = sorted(module.name for module in pkgutil.iter_modules(facesynth.metrics.__path__, "facesynth.metrics."))
_PLAIN = np.zeros((16, 16, 3), np.uint8)


def test_every_module_imports_and_loads_no_library_of_the_extra() -> None:
    assert "facesynth.metrics.frechet" in _MODULES
    code = f"import sys, {', '.join(_MODULES)}; sys.exit(bool({{'torch_fidelity', 'torchmetrics'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("library", "module", "use"),
    [
        ("torch-fidelity", "metric_fid", lambda: frechet_distance(*[moments_of(noise(9, 2, 0))] * 2)),
        ("torch-fidelity", "metric_kid", lambda: kernel_distance(*[noise(9, 2, 0)] * 2, subset_size=3)),
        ("torch-fidelity", "metric_prc", lambda: precision_recall(*[noise(9, 2, 0)] * 2)),
        ("torchmetrics", "functional.image", lambda: psnr(_PLAIN, _PLAIN)),
    ],
)
def test_without_its_library_a_number_says_what_to_install(
    library: str, module: str, use: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, f"{library.replace('-', '_')}.{module}", None)
    with pytest.raises(
        DependencyMissing, match=rf'{library} is not installed; run: pip install "facesynth\[metrics\]"'
    ):
        use()
