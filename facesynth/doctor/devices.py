"""torch and torchvision, whether one fits the other, the devices that they see, and the driver below."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from facesynth.doctor.check import GIB, Check, spelled

TORCH_PAIR = "pip uninstall -y torch torchvision && pip install torch torchvision"
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""Files that Docker and Podman put into their containers."""

# Warnings are kept: by one of them torch says that a driver is too old. Each GPU computes something, since torch also
# sees those that it has no code for.
_PROBE = """
import json, warnings, torch
found = {"torch": torch.__version__, "cuda": torch.version.cuda, "devices": [], "said": []}
import torchvision
found["torchvision"] = torchvision.__version__
boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.0]])
assert torchvision.ops.nms(boxes, torch.tensor([1.0, 0.5]), 0.5).tolist() == [0], "nms is wrong"
def tried(name):
    try:
        return None if torch.ones(4, device=name).sum().item() == 4 else "it adds wrongly"
    except Exception as error:
        return (str(error).splitlines() or [type(error).__name__])[0]
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(index)
            fault = tried(f"cuda:{index}")
            free = 0 if fault else torch.cuda.mem_get_info(index)[0]
            found["devices"].append([f"cuda:{index}", device.name, device.total_memory, free, fault])
if torch.backends.mps.is_available():
    found["devices"].append(["mps", "Apple GPU", 0, 0, tried("mps")])
found["said"] = [str(warning.message).splitlines()[0] for warning in said]
print(json.dumps(found))
"""


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
        f"{name} ({model}{f', {spelled(free)} of {memory / GIB:.0f} GiB free' if memory else ''})"
        for name, model, memory, free, _ in found["devices"]
    ]
    told = ", ".join([*names, f"cpu ({cores} cores)"])
    build = f"built for CUDA {found['cuda']}" if found["cuda"] else "built without CUDA"
    for name, _, memory, free, fault in found["devices"]:
        if fault:
            advice = f"torch ({build}) cannot use it: install one that is built for it, or give --device cpu"
            return Check("device", "problem", f"{told}; {name}: {fault}", advice)
        if memory and free < GIB:
            advice = "another program holds it: see nvidia-smi, or give --device and another GPU"
            return Check("device", "warning", told, advice)
    if not names and shutil.which("nvidia-smi"):
        said = f": {found['said'][0]}" if found["said"] else ""
        advice = f"torch ({build}) sees no GPU, though nvidia-smi is here: update the driver, or install another torch"
        return Check("device", "warning", told + said, advice)
    return Check("device", "ok", told)


def check_driver() -> Iterator[Check]:
    """What NVIDIA's driver says of itself, by nvidia-smi."""
    program = shutil.which("nvidia-smi")
    if program is None:
        boxed = any(os.path.exists(mark) for mark in CONTAINER_MARKS)
        advice = "to hand the host's GPUs in: docker run --gpus all, with NVIDIA's container toolkit on the host"
        yield Check("driver", "absent", "no NVIDIA driver here (there is no nvidia-smi)", advice if boxed else None)
        return
    query = [program, "--query-gpu=driver_version,name,memory.total", "--format=csv,noheader"]
    try:
        asked = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield Check("driver", "warning", f"nvidia-smi could not be asked ({error})", "run: nvidia-smi")
        return
    lines = [line.strip() for line in (asked.stdout + asked.stderr).splitlines() if line.strip()]
    if asked.returncode != 0 or not lines:
        told = lines[0] if lines else f"nvidia-smi ended with {asked.returncode}"
        yield Check("driver", "warning", told, "where it was just updated, restart the machine; else install it again")
        return
    version = lines[0].partition(",")[0]
    yield Check("driver", "ok", f"NVIDIA {version}: " + "; ".join(line.partition(",")[2].strip() for line in lines))
