"""Python, the packages that facesynth cannot do without, and those that only some commands need."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from facesynth import __version__
from facesynth.doctor.check import Check

# module to import → distribution that brings it
PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "numpy": "numpy",
        "PIL": "pillow",
        "cv2": "opencv-python",
        "scipy": "scipy",
        "safetensors": "safetensors",
        "dlib": "dlib-bin",
        "face_recognition_models": "face-recognition-models",
        "face_alignment": "face-alignment",
        "filelock": "filelock",
        "ijson": "ijson",
        "pooch": "pooch",
        "pydantic": "pydantic",
        "yaml": "pyyaml",
    }
)
NOT_TRIED = frozenset({"face_recognition_models", "face_alignment"})
"""The first holds files alone, and importing it needs a setuptools of old; the second imports torch."""

EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "engines": ("onnx", "onnxruntime", "openvino"),
        "heic": ("pillow_heif",),
        "metrics": ("torch_fidelity", "torchmetrics"),
        "ray": ("ray",),
        "serve": ("fastapi", "python_multipart", "uvicorn"),
        "synthetic": ("openvino", "random_face"),
        "train": ("lightning_fabric", "tensorboard"),
    }
)
"""The modules of each extra; but for `_` their distributions are called like them."""

_TRIAL = """
import importlib, sys
for name in sys.argv[1:]:
    print("try", name, flush=True)
    try:
        importlib.import_module(name)
    except BaseException as error:
        print("bad", (str(error).splitlines() or [type(error).__name__])[0], flush=True)
"""


def check_python() -> Iterator[Check]:
    """The versions that every report of a fault should tell; an older Python could not have read this far."""
    found = f"facesynth {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    yield Check("python", "ok", found)


def check_packages(python: str = sys.executable, *, timeout: float = 120) -> Iterator[Check]:
    """The packages that facesynth cannot do without: each is imported in another process. torch is looked at apart;
    without those that its command line is made of, nothing would have come this far."""
    here = [module for module in PACKAGES if _is_there(module)]
    faults = _faults([module for module in here if module not in NOT_TRIED], python, timeout)
    for module, distribution in PACKAGES.items():
        if module not in here:
            yield Check(distribution, "problem", "not installed", f"run: pip install {distribution}")
        elif module in faults:
            found = f"{_version(distribution) or 'installed'}, but cannot be imported ({faults[module]})"
            yield Check(distribution, "problem", found, _mending(distribution, faults[module]))
        else:  # without a version: opencv-python-headless, or dlib built from source
            yield Check(distribution, "ok", _version(distribution) or f"{module}, from another package")


def _mending(distribution: str, fault: str) -> str:
    if distribution == "opencv-python" and ".so" in fault:  # libGL.so.1, libxcb.so.1: a desktop's libraries
        return "run: pip uninstall -y opencv-python && pip install opencv-python-headless"
    return f"run: pip install --force-reinstall {distribution}"


def _faults(modules: list[str], python: str, timeout: float) -> Mapping[str, str]:
    """What importing them one after the other came to, of those that failed. A crash is the last one's."""
    try:
        tried = subprocess.run(
            [python, "-c", _TRIAL, *modules], capture_output=True, text=True, timeout=timeout, check=False
        )
        ended, output = tried.returncode, tried.stdout
    except subprocess.TimeoutExpired as error:
        ended, output = None, (error.stdout or b"").decode(errors="replace")
    faults: dict[str, str] = {}
    module = ""
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        if word == "try":
            module = rest
        elif word == "bad":
            faults[module] = rest
    if ended is None:
        faults.setdefault(module, f"no end to it in {timeout:g} s")
    elif ended != 0:
        faults.setdefault(module, f"Python ended with {ended}")
    return faults


def check_extras() -> Iterator[Check]:
    """Which of the extras are installed, by their modules; none is imported."""
    for extra, modules in EXTRAS.items():
        missing = [module.replace("_", "-") for module in modules if not _is_there(module)]
        if missing:
            advice = f'for what needs it, run: pip install "facesynth[{extra}]"'
            if "random-face" in missing:
                advice += " && pip install --no-deps random-face==2021.7.21.1"
            yield Check(f"extra {extra}", "absent", f"not installed: {', '.join(missing)}", advice)
            continue
        names = [module.replace("_", "-") for module in modules]
        yield Check(f"extra {extra}", "ok", ", ".join(f"{name} {_version(name) or '?'}" for name in names))


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
