"""Many clients painting at once: how long each stroke takes, who waits for whom, and what serving costs.

    python benchmarks/serve_load.py                         # a server of its own, the bundled weights, 20 clients
    python benchmarks/serve_load.py --clients 4 --seconds 5
    python benchmarks/serve_load.py --url http://127.0.0.1:7860

Every client paints as the page does: it edits its label map a little, sends it whole, waits for the picture, and edits
again. No two pictures are the same, so none comes from a cache. Afterwards the bare generator paints the same sort of
label maps in this process, in batches of every size told: the server's pictures a second are told as a share of its
best. On a machine that is busy with other things the share of time that the worker computed tells more.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
from numpy.typing import NDArray

SIDE = 256
_QUANTILES = (("median", 0.5), ("p95", 0.95), ("worst", 1.0))


@dataclass
class Client:
    """One painter: the seconds that each of its strokes took, the milliseconds of computing in them, what failed."""

    number: int
    seconds: list[float] = field(default_factory=list)
    works: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def strokes(face: NDArray[np.uint8], client: int) -> Iterator[bytes]:
    """Label maps of one painter: each has a small square more of some class than the one before."""
    random = np.random.default_rng([client, time.time_ns()])
    ids = np.roll(face, client, axis=1).copy()
    while True:
        x, y = random.integers(0, SIDE - 12, 2)
        ids[y : y + 12, x : x + 12] = random.integers(0, 19)
        yield ids.tobytes()


def drawn_face() -> NDArray[np.uint8]:
    """A plain face of ellipses: cloth, neck, hair, skin, eyes, nose, lips."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    parts = ((18, 0.5, 1.0, 0.45, 0.2), (17, 0.5, 0.82, 0.12, 0.15), (13, 0.5, 0.42, 0.33, 0.37),
             (1, 0.5, 0.5, 0.25, 0.33), (5, 0.4, 0.45, 0.05, 0.03), (4, 0.6, 0.45, 0.05, 0.03),
             (2, 0.5, 0.55, 0.04, 0.07), (11, 0.5, 0.69, 0.09, 0.03), (12, 0.5, 0.72, 0.08, 0.025))  # fmt: skip
    ids = np.zeros((SIDE, SIDE), dtype=np.uint8)
    for label, cx, cy, rx, ry in parts:
        ids[((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1] = label
    return ids


def paint(url: str, client: Client, until: float, start: threading.Barrier) -> None:
    """Paint until the time is over."""
    headers = {"x-studio-session": f"client-{client.number}", "content-type": "application/octet-stream"}
    query: dict[str, Any] = {"width": SIDE, "height": SIDE, "format": "webp", "seed": client.number}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
        maps = strokes(drawn_face(), client.number)
        http.get("/healthz")
        start.wait()
        end = time.perf_counter() + until
        while time.perf_counter() < end:
            begun = time.perf_counter()
            answer = http.post("/api/v1/synthesize", params=query, content=next(maps))
            client.seconds.append(time.perf_counter() - begun)
            if told := re.search(r"work;dur=([0-9.]+)", answer.headers.get("server-timing", "")):
                client.works.append(float(told[1]))
            if answer.status_code != 200:
                client.failures.append(answer.text[:200])


@contextlib.contextmanager
def started(arguments: list[str]) -> Iterator[str]:
    """A server of our own, its address once it is ready."""
    command = [sys.executable, "-m", "facesynth", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            while httpx.get(f"{url}readyz").status_code != 200:
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def bare_rate(sizes: list[int], seconds: float, weights: str | None) -> dict[int, float]:
    """Pictures a second of the generator alone, by batch size: as the server's worker calls it."""
    from facesynth.core.labels import LabelMap
    from facesynth.core.styles import Style
    from facesynth.inference.synthesizer import Synthesizer

    generator = Synthesizer.load(weights)
    maps = strokes(drawn_face(), 99)
    rates = {}
    for size in sizes:
        painted, spent = 0, 0.0
        while spent < seconds or not painted:
            labels = [LabelMap(np.frombuffer(next(maps), dtype=np.uint8).reshape(SIDE, SIDE)) for _ in range(size)]
            styles = [Style.from_seed(each) for each in range(size)]
            begun = time.perf_counter()
            generator(labels, styles, batch_size=size)
            if painted or size == sizes[0]:
                spent += time.perf_counter() - begun
            painted += size
        rates[size] = painted / spent if spent else 0.0
    return rates


def quantiles(values: list[float]) -> dict[str, int]:
    """The middle, the 95th hundredth, and the worst."""
    return {name: round(float(np.quantile(values, share))) for name, share in _QUANTILES}


def measure(url: str, count: int, seconds: float) -> dict[str, Any]:
    """What so many clients see in so many seconds."""
    clients = [Client(number) for number in range(count)]
    start = threading.Barrier(count + 1)
    threads = [threading.Thread(target=paint, args=(url, client, seconds, start)) for client in clients]
    for thread in threads:
        thread.start()
    start.wait()
    begun = time.perf_counter()
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - begun
    taken = sorted(second for client in clients for second in client.seconds)
    works = sorted(work for client in clients for work in client.works)
    shares = [len(client.seconds) for client in clients]
    return {
        "clients": count,
        "seconds": round(spent, 2),
        "pictures": len(taken),
        "failures": [failure for client in clients for failure in client.failures],
        "pictures_per_second": round(len(taken) / spent, 2),
        "latency_ms": quantiles([1000 * second for second in taken]),
        "computing_ms": quantiles(works),
        "pictures_of_a_client": {"least": min(shares), "median": statistics.median(shares), "most": max(shares)},
    }  # fmt: skip


def counters(url: str) -> dict[str, float]:
    """The numbers of the server's metrics by name."""
    lines = httpx.get(f"{url.rstrip('/')}/metrics").text.splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server that runs already")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--generator", help="weights by name or file (default: bundled)")
    parser.add_argument("--batch-sizes", default="1,2,4", help="of the bare generator")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    given = parser.parse_args()
    options = ["--generator", given.generator] if given.generator else []
    with contextlib.nullcontext(given.url) if given.url else started(options) as url:
        measure(url, 1, 2)  # connections, allocations
        alone = measure(url, 1, given.seconds / 4)
        before = counters(url)
        together = measure(url, given.clients, given.seconds)
        after = counters(url)
    sizes = [int(size) for size in given.batch_sizes.split(",")]
    bare = bare_rate(sizes, given.seconds / 4, given.generator)
    told = {
        "alone": alone,
        "together": together,
        "bare_pictures_per_second": {size: round(rate, 2) for size, rate in bare.items()},
        "share_of_bare": round(together["pictures_per_second"] / max(bare.values()), 3),
        "share_of_time_computing": round(
            (after["facesynth_busy_seconds_total"] - before["facesynth_busy_seconds_total"]) / together["seconds"], 3
        ),
        "restarts": after["facesynth_worker_restarts_total"],
    }
    print(json.dumps(told, indent=1))
    if given.json:
        given.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    sys.exit(1 if together["failures"] else 0)


if __name__ == "__main__":
    main()
