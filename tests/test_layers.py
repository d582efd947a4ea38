"""The rules of the house that a linter cannot state, and the one that states the others: import-linter."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "facesynth"
SOURCES = sorted(path for path in PACKAGE.rglob("*.py"))
IDS = [path.relative_to(PACKAGE).as_posix() for path in SOURCES]

MODELS_MAY_IMPORT = {"torch", "torchvision", "facesynth.models"} | {
    "__future__", "abc", "collections", "contextlib", "dataclasses", "enum", "functools", "itertools", "math", "types",
    "typing",
}  # fmt: skip
GRAB_BAGS = {"util", "utils", "helper", "helpers", "common", "misc"}
# The command line, the weights, and the adapters that set their own library's variables.
MAY_USE_ENVIRONMENT = (
    "cli/",
    "weights/",
    "inference/landmarks/by_",
    "datasets/random_faces.py",
    "pipeline/fleet/on_ray.py",
)
MAY_UNPICKLE = ("training/checkpoint.py", "inference/convert/reading.py")
UNPICKLES_ORDERS = "pipeline/fleet/orders.py"  # of the process that started this one, by a pipe; never a file


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def attributes(tree: ast.AST) -> Iterator[str]:
    """Yield every `name.attribute` of a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"


def test_imports_go_downward_only() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    linted = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "0 broken" in linted.stdout


@pytest.mark.parametrize("path", sorted((PACKAGE / "models").rglob("*.py")), ids=lambda path: path.name)
def test_models_know_nothing_but_tensors(path: Path) -> None:
    for name in imported(ast.parse(path.read_text("utf-8"))):
        known = name.split(".")[0] in MODELS_MAY_IMPORT or name.startswith("facesynth.models")
        assert known, f"{path.name} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=IDS)
def test_a_module_keeps_the_house_rules(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    text = path.read_text("utf-8")
    used = set(attributes(ast.parse(text)))
    assert not GRAB_BAGS & {path.stem, *path.relative_to(PACKAGE).parent.parts}
    assert len(text.splitlines()) <= 400, "split it"
    assert name.startswith(MAY_USE_ENVIRONMENT) or not {"os.environ", "os.getenv", "os.putenv"} & used
    assert name.startswith(MAY_UNPICKLE) or "torch.load" not in used
    assert name == UNPICKLES_ORDERS or "pickle.loads" not in used
    assert not {"pickle.load", "yaml.load"} & used
