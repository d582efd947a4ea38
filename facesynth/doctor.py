"""What this machine has and lacks for facesynth. Imports no torch: a broken one must not take the doctor with it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from facesynth import __version__, weights
from facesynth.core.errors import WeightsDamaged, WeightsError, WeightsMissing

State = Literal["ok", "absent", "warning", "problem"]
"""`absent` is optional and no fault; only a `problem` keeps facesynth from its main job."""

GIB = 1 << 30
TORCH_PAIR = "pip uninstall -y torch torchvision && pip install torch torchvision"
# module to find → distribution that brings it
PACKAGES = {
    "numpy": "numpy",
    "PIL": "pillow",
    "cv2": "opencv-python",
    "scipy": "scipy",
    "safetensors": "safetensors",
    "dlib": "dlib-bin",
    "face_recognition_models": "face-recognition-models",
    "face_alignment": "face-alignment",
}
_PROBE = """
import json, torch
found = {"torch": torch.__version__, "cuda": torch.version.cuda, "devices": []}
import torchvision
found["torchvision"] = torchvision.__version__
boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
assert torchvision.ops.nms(boxes, torch.tensor([1.0, 0.5]), 0.5).tolist() == [0], "nms is wrong"
if torch.cuda.is_available():
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        found["devices"].append([f"cuda:{index}", device.name, device.total_memory])
if torch.backends.mps.is_available():
    found["devices"].append(["mps", "Apple GPU", 0])
print(json.dumps(found))
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and what to do where the state is not ok."""

    name: str
    state: State
    found: str
    advice: str | None = None


def diagnose(cache: Path, *, python: str = sys.executable) -> Iterator[Check]:
    """Look at everything in turn; torch is tried in a process of its own, which takes some seconds."""
    yield check_python()
    yield from check_packages()
    yield from check_torch(python)
    yield check_memory()
    yield check_disk("cache", cache)
    yield check_disk("fetched weights", weights.fetched_folder())
    yield from check_weights()


def check_python() -> Check:
    """The versions that every report of a fault should tell; an older Python could not have read this far."""
    found = f"facesynth {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return Check("python", "ok", found)


def check_packages() -> Iterator[Check]:
    """The packages that facesynth cannot do its main job without, torch apart; none is imported."""
    for module, distribution in PACKAGES.items():
        if importlib.util.find_spec(module) is None:
            yield Check(distribution, "problem", "not installed", f"run: pip install {distribution}")
            continue
        try:
            yield Check(distribution, "ok", importlib.metadata.version(distribution))
        except importlib.metadata.PackageNotFoundError:  # such as opencv-python-headless, or dlib built from source
            yield Check(distribution, "ok", f"{module}, from another package")


def check_torch(python: str = sys.executable, *, timeout: float = 180) -> Iterator[Check]:
    """Import torch and torchvision together in another process, run one of torchvision's operators, ask for devices."""
    try:
        tried = subprocess.run([python, "-c", _PROBE], capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Check("torch", "problem", f"could not be tried ({error})", "run: python -c 'import torch, torchvision'")
        return
    if tried.returncode != 0:
        yield Check("torch", "problem", *_torch_fault(tried.stderr, tried.returncode))
        return
    found: dict[str, Any] = json.loads(tried.stdout.strip().splitlines()[-1])
    yield Check("torch", "ok", f"torch {found['torch']}, torchvision {found['torchvision']}, one fits the other")
    yield _device(found)


def _torch_fault(stderr: str, code: int) -> tuple[str, str]:
    lines = stderr.strip().splitlines()
    last = lines[-1] if lines else f"the interpreter ended with {code}"
    if "torchvision::nms does not exist" in stderr:
        pair = f"torch {_version('torch')} and torchvision {_version('torchvision')}"
        return f"{pair} were built for different machines ({last})", f"install both together: {TORCH_PAIR}"
    if "No module named" in last:
        return last, "run: pip install torch torchvision"
    return last, f"install both afresh: {TORCH_PAIR}"


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "(unknown)"


def _device(found: dict[str, Any]) -> Check:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    names = [
        f"{name} ({model}{f', {memory / GIB:.0f} GiB' if memory else ''})" for name, model, memory in found["devices"]
    ]
    told = ", ".join([*names, f"cpu ({cores} cores)"])
    if not names and shutil.which("nvidia-smi"):
        build = f"built for CUDA {found['cuda']}" if found["cuda"] else "built without CUDA"
        return Check(
            "device", "warning", told, f"nvidia-smi is here, but torch ({build}) sees no GPU: compare its driver"
        )
    return Check("device", "ok", told)


def check_memory() -> Check:
    """The memory that this process may use: the machine's, or its container's limit where that is lower."""
    sizes: list[int] = []
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        sizes.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        sizes.append(int(text))
    if not sizes:
        return Check("memory", "ok", "not told by this system")
    found = f"{min(sizes) / GIB:.1f} GiB"
    if min(sizes) < 4 * GIB:
        return Check("memory", "warning", found, "4 GiB are needed at the default settings; try --batch-size 1")
    return Check("memory", "ok", found)


def check_disk(name: str, folder: Path) -> Check:
    """Whether files can be written and renamed in a folder, or where it would be made, and the room that is left."""
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    advice = "choose another folder: " + ("--cache DIR" if name == "cache" else "set FACESYNTH_WEIGHTS")
    try:
        with tempfile.TemporaryDirectory(prefix=".facesynth-doctor-", dir=existing) as trial:
            draft = Path(trial) / "draft"
            draft.write_bytes(b"x")
            draft.replace(Path(trial) / "published")
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Check(name, "problem", f"{folder} cannot be written ({error.strerror or error})", advice)
    found = f"{folder}, {free / GIB:.1f} GiB free"
    if free < GIB:
        return Check(name, "problem", found, advice)
    if free < 5 * GIB:
        return Check(name, "warning", found, f"a large run may need more; {advice}")
    return Check(name, "ok", found)


def check_weights() -> Iterator[Check]:
    """Each entry of the manifest: verified, absent though optional, missing, or damaged."""
    try:
        entries = weights.manifest()
    except WeightsError as error:
        yield Check("weights", "problem", str(error), "install facesynth again")
        return
    for entry in entries.values():
        name = f"weights {entry.name}"
        try:
            path = weights.find(entry)
        except WeightsMissing:
            yield Check(name, "absent" if entry.optional else "problem", "not on this disk", entry.how_to_get)
        except WeightsDamaged as error:
            yield Check(name, "problem", f"{error.where}: {error.what}", error.hint)
        else:
            yield Check(name, "ok", f"verified, {path}")
