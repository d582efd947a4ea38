"""README.md is what a newcomer meets first: its commands are real, its Python runs, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def test_it_opens_with_two_commands_of_one_line_each() -> None:
    opening = README.split("\n## ")[0]
    commands = [block for block in blocks("sh") if block in opening]
    assert len(commands) == 2
    assert all(block.count("\n") == 1 for block in commands)
    assert commands[1].strip().endswith("&& .venv/bin/python -m pytest -q -n auto")


def test_the_first_command_names_files_that_exist() -> None:
    words = shlex.split(blocks("sh")[0])
    job = words[words.index("run") + 1 :]
    assert job[2] == "-o"
    assert all((ROOT / name).exists() for name in job[:2])


def test_ci_takes_its_commands_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert script.rstrip().endswith('bash -c "$tests"')
    assert "pytest" not in script


def test_every_link_leads_to_a_file() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    assert not [target for target in targets if not (ROOT / target).exists()]


def test_the_python_example_paints_a_marked_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [example] = blocks("python")
    (tmp_path / "docs").symlink_to(ROOT / "docs", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    with Image.open("painted.png") as painted:
        assert painted.width == painted.height
        assert "Synthetic" in painted.text  # type: ignore[attr-defined]
