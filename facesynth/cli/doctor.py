"""`facesynth doctor`: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import rich_click as click

from facesynth.cli.options import cache_option
from facesynth.doctor import diagnose

MARKS = {
    "ok": ("ok", "green"),
    "absent": ("-", "blue"),
    "warning": ("warning", "yellow"),
    "problem": ("PROBLEM", "red"),
}


@click.command("doctor")
@cache_option
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
def doctor(cache: Path, as_json: bool) -> None:
    """Look at Python, torch, the device, memory, disk, cache and weights. Exit code 1 when something must be mended.

    \b
    Example: facesynth doctor --json
    """
    checks = []
    for check in diagnose(cache):
        checks.append(check)
        if not as_json:
            mark, colour = MARKS[check.state]
            click.echo(f"{click.style(f'{mark:<8}', fg=colour)} {check.name:<34} {check.found}")
            if check.advice:
                click.echo(f"{'':<8} {'':<34} → {check.advice}")
    problems = sum(check.state == "problem" for check in checks)
    if as_json:
        click.echo(
            json.dumps({"problems": problems, "checks": [dataclasses.asdict(check) for check in checks]}, indent=2)
        )
    else:
        click.echo(f"\n{problems or 'no'} problem{'' if problems == 1 else 's'}")
    if problems:
        raise SystemExit(1)
