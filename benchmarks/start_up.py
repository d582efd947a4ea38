"""How long a cold process takes to its first answer.

    python benchmarks/start_up.py                             a table; --json FILE for machines as well

Each command is a process of its own with an empty cache, on files that the system has read before, `--rounds` times in
turns. Python keeps bytecode, as it does unless PYTHONDONTWRITEBYTECODE is set: without, it compiles PyTorch's modules
anew in each process (two seconds). The targets: `facesynth --help` in 0.3 s, a first painted face in 6 s on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # drawn label maps, which the tests have

from facesynth.core.label_files import write_label_map
from facesynth.weights import data_folder
from tests.drawn_pairs import drawn_labels


def commands(root: Path) -> dict[str, list[str]]:
    """What is started, by what it is called; results go below `root`."""
    labels, photo = root / "labels.png", sorted(data_folder("photos").glob("portrait-*.jpg"))[0]
    if not labels.exists():
        write_label_map(drawn_labels(0, 512), labels)
    return {
        "facesynth --help": ["--help"],
        "a face painted from a label map": ["synthesize", str(labels), "-o", str(root / "painted")],
        "a face parsed": ["segment", str(photo), "-o", str(root / "parsed"), "--landmarks", "dlib"],
        "a photo in another's style": ["transfer", str(photo), "-o", str(root / "styled"), "--style", str(photo)],
    }


def started(arguments: Sequence[str], cache: Path) -> float:
    """Seconds until the process ends."""
    command = [sys.executable, "-m", "facesynth", *arguments]
    if arguments[0] != "--help":
        command += ["--cache", str(cache), "-q"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - start


def measure(rounds: int) -> Mapping[str, Mapping[str, float]]:
    """The median and the best of each command, after a first start that does not count."""
    seconds: dict[str, list[float]] = {}
    for turn in range(rounds + 1):
        with tempfile.TemporaryDirectory() as name:
            root = Path(name)
            for called, arguments in commands(root).items():
                taken = started(arguments, root / "cache" / called)
                if turn:
                    seconds.setdefault(called, []).append(taken)
    return {called: {"median": statistics.median(each), "best": min(each)} for called, each in seconds.items()}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--json", type=Path, help="write all figures to this file too")
    chosen = options.parse_args()
    found = measure(chosen.rounds)
    print(f"{'seconds':<34}{'median':>8}{'best':>8}")
    for called, one in found.items():
        print(f"{called:<34}{one['median']:>8.2f}{one['best']:>8.2f}")
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
