"""How the cost of a face grows: with the number of photos, the resolution, the batch, and the cores.

    python benchmarks/growth.py                      measures all of it (some 15 minutes), prints it as a table
    python benchmarks/growth.py --series resolution  one series alone, printed
    python benchmarks/growth.py --write              and keeps it: results/growth.json and .svg, README's table

Each point is a process of its own (`growth_point.py`), so that its peak memory is its own, too. The points of a series
take turns over `--rounds` rounds, and a figure is the median of the rounds'. Run it with nothing beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from facesynth.core.markup import text
from facesynth.evaluation.pictures.chart_axes import HEIGHT, WIDTH, Scale, grid, scale_across

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"

MARKS = "<!-- what a face costs: benchmarks/growth.py --write -->", "<!-- to here -->"


@dataclass(frozen=True, slots=True)
class Series:
    """What grows, in which steps, and what is timed meanwhile."""

    name: str
    grows: str
    what: str
    steps: tuple[int, ...]
    threads: int | None = None  # of each point; None: as many as its step says


@dataclass(frozen=True, slots=True)
class Point:
    """A step of a series: seconds for each face, and the peak of the process's memory."""

    series: str
    step: int
    seconds: float
    peak_mib: float


def all_series(cores: int) -> list[Series]:
    """Those of a machine with so many cores."""
    counts = (*(count for count in (1, 2, 4, 8, 16, 32, 64) if count < cores), cores)
    return [
        Series("photos", "faces in the folder", "`segment --aligned`, all of the command", (100, 400, 1600), cores),
        Series("resolution", "pixels a side", "a new label map painted", (128, 256, 512, 1024), cores),
        Series("batch", "faces at once", "a face parsed", (1, 2, 4, 8, 16), cores),
        Series("cores, painting", "cores", "a new label map painted at 256 pixels", counts),
        Series("cores, parsing", "cores", "a face parsed, of eight in turn", counts),
    ]


def measured(series: Series, rounds: int) -> list[Point]:
    """All points of a series, in turns."""
    found: dict[int, list[dict[str, float]]] = {step: [] for step in series.steps}
    for _ in range(rounds):
        for step, results in found.items():
            threads = series.threads or step
            command = [sys.executable, str(HERE / "growth_point.py"), series.name, str(step), str(threads)]
            environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
            told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
            results.append(json.loads(told.stdout))
            print(f"{series.name} {step}: {told.stdout.strip()}", file=sys.stderr)
    return [
        Point(
            series.name,
            step,
            statistics.median(one["seconds"] for one in results),
            statistics.median(one["peak_mib"] for one in results),
        )
        for step, results in found.items()
    ]


def table(every: Mapping[Series, Sequence[Point]]) -> Iterator[str]:
    """Lines of Markdown: a row a point."""
    yield "| | | ms a face | peak memory, MiB |"
    yield "|---|---|---|---|"
    for series, points in every.items():
        for number, point in enumerate(points):
            head = f"{series.what}, by {series.grows}" if not number else ""
            yield f"| {head} | {point.step:,} | {_three_digits(1e3 * point.seconds)} | {point.peak_mib:,.0f} |"


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


_STYLE = """<style>text{font:11px system-ui,sans-serif;fill:#555}.head{font-weight:600;fill:#222}.grid{stroke:#ddd}
polyline{fill:none;stroke:#3467b4;stroke-width:2}circle{fill:#3467b4}rect{fill:#fff}
@media(prefers-color-scheme:dark){rect{fill:#161b22}text{fill:#aaa}.head{fill:#eee}.grid{stroke:#333}
polyline{stroke:#7fa9e8}circle{fill:#7fa9e8}}</style>"""


def picture(every: Mapping[Series, Sequence[Point]], machine: str) -> str:
    """An SVG: a row a series, time at the left and memory at the right."""
    row, drawn = HEIGHT + 34, []
    for number, (series, points) in enumerate(every.items()):
        steps = [point.step for point in points]
        columns = (
            (f"{series.what}: ms", [1e3 * point.seconds for point in points]),
            ("peak memory, MiB", [point.peak_mib for point in points]),
        )
        for column, (head, values) in enumerate(columns):
            where = f"translate({column * (WIDTH + 20)},{number * row + 20})"
            drawn.append(f'<g transform="{where}">{"".join(_chart(head, series.grows, steps, values))}</g>')
    width, height = 2 * WIDTH + 20, row * len(every) + 24
    foot = f'<text x="8" y="{height - 8}">{text(machine)}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img">{_STYLE}<rect width="{width}" height="{height}"/>{"".join(drawn)}{foot}</svg>\n'
    )


def _chart(head: str, grows: str, steps: Sequence[int], values: Sequence[float]) -> Iterator[str]:
    across = scale_across(steps)
    up = Scale(0, 1.1 * max(values), HEIGHT - 26, 10)  # from 0: how it grows is what is shown
    yield f'<text class="head" x="46" y="2">{text(head.replace("`", ""))}</text>'
    yield from grid(across, up)
    yield f'<text x="{WIDTH / 2 + 17}" y="{HEIGHT + 6}" text-anchor="middle">{text(grows)}</text>'
    places = [(across.at(step), up.at(value)) for step, value in zip(steps, values, strict=True)]
    yield f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)


def machine() -> str:
    """What it was measured on, without its name."""
    models = [line.split(":")[1].strip() for line in _cpu_lines() if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    versions = f"{platform.system()}, Python {platform.python_version()}, torch {torch.__version__}"
    return f"{model}, {os.cpu_count()} cores, {versions}"


def _cpu_lines() -> list[str]:
    info = Path("/proc/cpuinfo")
    return info.read_text(encoding="utf-8").splitlines() if info.exists() else []


def keep(every: Mapping[Series, Sequence[Point]], lines: Sequence[str], where: str) -> None:
    """Write the figures, the picture, and README's table in the place of the one before."""
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    figures = {"machine": where, "points": [asdict(point) for points in every.values() for point in points]}
    (results / "growth.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    (results / "growth.svg").write_text(picture(every, where), encoding="utf-8")
    before, after = around_the_table()
    README.write_text("\n".join([before + MARKS[0], "", *lines, "", MARKS[1] + after]), encoding="utf-8")


def around_the_table() -> tuple[str, str]:
    """What README has before and after the table's place. SystemExit where it has none."""
    before, _, rest = README.read_text(encoding="utf-8").partition(MARKS[0])
    _, found, after = rest.partition(MARKS[1])
    if not found:
        raise SystemExit(f"{README.name} has no place for the table: a line {MARKS[0]} and, below it, {MARKS[1]}")
    return before, after


def main() -> None:
    cores = os.cpu_count() or 1
    known = {series.name: series for series in all_series(cores)}
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--series", choices=known, action="append", help="this one alone (may be repeated)")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--write", action="store_true", help="keep the figures, the picture and README's table")
    chosen = options.parse_args()
    if chosen.write and chosen.series:
        options.error("--write keeps all series together: leave --series out")
    if chosen.write:
        around_the_table()  # before all that is measured
    where = machine()
    every = {known[name]: measured(known[name], chosen.rounds) for name in chosen.series or known}
    lines = [f"One face of 512 pixels, bundled networks, float32; {where}.", "", *table(every)]
    print("\n".join(lines))
    if chosen.write:
        keep(every, lines, where)


if __name__ == "__main__":
    main()
