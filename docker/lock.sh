#!/usr/bin/env bash
# Writes the lists of packages that the images are made of, each package with its version and the sha256 of its files:
#   build.lock       what builds wheels, and leaves no trace in the images but pip
#   torch-cuda.lock  torch, torchvision, and what only they need: CUDA's libraries
#   packages.lock    everything else
# Run it to bring them up to date, or after a change of pyproject.toml's dependencies. Needs uv and a package index.
# They hold for Linux on x86_64 and aarch64 and every Python that facesynth runs on; where they come from is not in them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
        --custom-compile-command docker/lock.sh "$@"
}

printf '%s\n' hatchling pip setuptools >"$work/build.in"
compile "$work/build.in" --output-file "$work/build.lock"

# opencv-python wants a desktop's libraries (libxcb, libGL), which a slim image lacks: the headless build is the same
# cv2. OpenVINO's telemetry is left out: without it OpenVINO takes a mute stand-in of its own.
printf '%s\n' 'opencv-python ; python_version < "3"' >"$work/overrides.txt"
grep -oE '"opencv-python>=[^"]+"' pyproject.toml | tr -d '"' | sed 's/opencv-python/opencv-python-headless/' >"$work/more.in"
compile --override "$work/overrides.txt" --constraint "$work/build.lock" --no-emit-package openvino-telemetry \
    --extra engines --extra heic --extra metrics --extra serve --extra train \
    pyproject.toml "$work/more.in" --output-file "$work/all.lock"

python3 - "$work" <<'SPLIT'
import re
import sys
from pathlib import Path

work = Path(sys.argv[1])
head, *blocks = re.split(r"^(?=[a-z0-9])", (work / "all.lock").read_text("utf-8"), flags=re.MULTILINE)
torch = [block for block in blocks if re.match(r"(torch|torchvision|triton|(nvidia|cuda)-[a-z0-9-]+)==", block)]
Path("docker/torch-cuda.lock").write_text(head + "".join(torch), "utf-8")
Path("docker/packages.lock").write_text(head + "".join(block for block in blocks if block not in torch), "utf-8")
Path("docker/build.lock").write_text((work / "build.lock").read_text("utf-8"), "utf-8")
SPLIT
