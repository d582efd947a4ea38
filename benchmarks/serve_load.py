"""Many clients painting at once: how long each stroke takes, who waits for whom, and what serving costs.

    python benchmarks/serve_load.py                         # a server of its own, the bundled weights, 20 clients
    python benchmarks/serve_load.py --clients 4 --seconds 5
    python benchmarks/serve_load.py --photos 2              # two more clients have photos aligned meanwhile
    python benchmarks/serve_load.py --url http://127.0.0.1:7860

Every client paints as the page does: it has a face of its own, draws one stroke of the brush on its map of 512×512,
sends the whole map as a palette PNG in base64 within JSON, waits for the picture as PNG, and draws the next stroke. No
two maps are the same, so no picture comes from a cache. After ten strokes a client begins again with its face: maps do
not get more intricate, and pictures not slower, the longer it lasts. What clients send is made before the clock starts
as far as memory allows; what they do beside that (HTTP by the standard library) runs on the same cores as the server.

Then the bare generator paints maps of as many painters in turn, by the same strokes, in a process without a server,
with no HTTP, PNG, JSON or queue around it: in lists of every size told by `Synthesizer`, with threads that spin while
they wait for one another (PyTorch's own way) and with threads that sleep (as the server's), and side by side on all
cores as the server's worker paints. The server's pictures a second are told as a share of the best of all these. Where
other programs run, compare the milliseconds of CPU a picture, which tell what is spent, not what is waited for.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import itertools
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
from drawn_strokes import body, strokes

_QUANTILES = (("median", 0.5), ("p95", 0.95), ("worst", 1.0))
_PAUSE = 0.2
"""Seconds after a failure."""


@dataclass
class Client:
    """One of them: the seconds that each of its answers took, the milliseconds of computing in them, what failed."""

    number: int
    seconds: list[float] = field(default_factory=list)
    works: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def ask(url: str, path: str, client: Client, until: float, start: threading.Barrier, bodies: Iterator[bytes]) -> None:
    """Send one body after the other, each once the one before is answered, until the time is over."""
    headers = {"X-Studio-Session": f"client-{client.number}", "Content-Type": "application/json"}
    server = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    with contextlib.suppress(OSError):  # the first request tries again, and tells of it
        server.connect()
    start.wait()
    end = time.perf_counter() + until
    while time.perf_counter() < end:
        sent = next(bodies)
        begun = time.perf_counter()
        try:
            server.request("POST", path, sent, headers)
            answer = server.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException) as error:
            client.failures.append(f"{type(error).__name__}: {error}")
            server.close()  # the next request connects anew
            time.sleep(_PAUSE)
            continue
        if failure := failed(answer, told):
            client.failures.append(failure)
            time.sleep(_PAUSE)
            continue
        client.seconds.append(time.perf_counter() - begun)
        if timing := re.search(r"work;dur=([0-9.]+)", answer.headers.get("server-timing", "")):
            client.works.append(float(timing[1]))
    server.close()


def failed(answer: http.client.HTTPResponse, told: bytes) -> str | None:
    """What is wrong with an answer; None for one that was computed for who asked."""
    if answer.status != 200:
        return f"{answer.status} {told[:200].decode('utf-8', 'replace')}"
    if answer.headers.get("x-cached") == "1":
        return "the picture came from the cache: nothing was measured"
    return None


def paintings(number: int, ahead: int) -> Iterator[bytes]:
    """The bodies of one painter, `ahead` of them made at once."""
    maps = strokes(number, time.time_ns())
    made = [body(next(maps), number) for _ in range(ahead)]
    return itertools.chain(made, (body(ids, number) for ids in maps))


def photos(data: bytes, number: int) -> Iterator[bytes]:
    """The same photo again and again, of other bytes each time."""
    for count in itertools.count(time.time_ns()):
        told = data + f"{number} {count}".encode()  # behind a JPEG's end
        yield json.dumps({"photo": base64.b64encode(told).decode("ascii")}).encode()


@contextlib.contextmanager
def started(arguments: list[str]) -> Iterator[tuple[str, int]]:
    """A server of our own, its address once it is ready, and its process id."""
    command = [sys.executable, "-m", "facesynth", "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            while not ready(url):
                time.sleep(0.1)
            yield url, process.pid
        finally:
            process.terminate()


def ready(url: str) -> bool:
    """Whether a server can paint."""
    try:
        return bool(urlopen(f"{url}readyz").status == 200)
    except OSError:
        return False


class Processes:
    """A server and its workers, as /proc tells of them; of one that runs elsewhere, or without /proc, nothing."""

    def __init__(self, pid: int | None) -> None:
        self._pid = pid if Path("/proc/self/task").exists() else None

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU so far by what they are; of a worker that was started anew, since then."""
        tick = os.sysconf("SC_CLK_TCK") if self._pid else 1
        return self._sums(lambda at: sum(map(int, (at / "stat").read_text().rpartition(")")[2].split()[11:13])) / tick)

    def memory(self) -> dict[str, float]:
        """MiB of memory now."""
        page = os.sysconf("SC_PAGE_SIZE") if self._pid else 1
        return self._sums(lambda at: int((at / "statm").read_text().split()[1]) * page / (1 << 20))

    def _sums(self, of: Callable[[Path], float]) -> dict[str, float]:
        sums: dict[str, float] = {}
        for name, pid in self._now():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                sums[name] = sums.get(name, 0.0) + of(Path("/proc", pid))
        return sums

    def _now(self) -> Iterator[tuple[str, str]]:
        if self._pid is None:
            return
        yield "server", str(self._pid)
        for child in Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split():
            with contextlib.suppress(OSError):
                if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes():
                    yield "worker", child


def bare_rates(
    how: str, painters: int, sizes: list[int], seconds: float, weights: str | None
) -> dict[str, list[float]]:
    """(pictures a second, CPU milliseconds a picture) of the generator alone; to be called in a process of its own.

    `how`: `spin` or `sleep`, what threads do that wait for one another, for each size of list; or `side by side`.
    """
    from facesynth.cli.freed_memory import keep_freed_memory
    from facesynth.cli.worker_process import prepare_worker

    keep_freed_memory() if how == "spin" else prepare_worker()
    from facesynth.core.labels import LabelMap
    from facesynth.core.styles import Style
    from facesynth.inference.synthesizer import Synthesizer
    from facesynth.serving.worker.painting import Painting

    generator = Synthesizer.load(weights)
    maps = [strokes(number, 1) for number in range(painters)]
    turn = (next(own) for own in itertools.cycle(maps))
    rates = {}
    paint: Any = Painting(generator, 1) if how == "side by side" else generator
    with ThreadPoolExecutor(paint.side_by_side if how == "side by side" else 1) as threads:
        for size in [1] if how == "side by side" else sizes:
            painted, spent, used = -1, 0.0, 0.0
            while spent < seconds:
                pairs = [([LabelMap(next(turn)) for _ in range(size)], [Style.from_seed(k) for k in range(size)])
                         for _ in range(max(1, 16 // size))]  # fmt: skip
                begun, cpu = time.perf_counter(), time.process_time()
                list(threads.map(lambda pair: paint(*pair), pairs))
                if painted >= 0:  # after a first round that is not counted
                    spent, used = spent + time.perf_counter() - begun, used + time.process_time() - cpu
                painted += len(pairs) * size if painted >= 0 else 1
            rates[how if how == "side by side" else f"lists of {size}, threads {how}"] = [
                round(painted / spent, 2), round(1000 * used / painted, 1)]  # fmt: skip
    return rates


def quantiles(values: list[float]) -> dict[str, int]:
    """The middle, the 95th hundredth, and the worst."""
    return {name: round(float(np.quantile(values, share))) for name, share in _QUANTILES} if values else {}


def measure(url: str, processes: Processes, count: int, seconds: float, senders: int = 0) -> dict[str, Any]:
    """What so many painters, and senders of photos beside them, see in so many seconds."""
    painters, others = [Client(number) for number in range(count)], [Client(100 + each) for each in range(senders)]
    start = threading.Barrier(count + senders + 1)
    ahead = min(400, round(60 * seconds / count))
    path, photo = "/api/v1/synthesize?format=png", urlopen(f"{url}api/v1/examples/two-people.jpg").read()
    threads = [threading.Thread(target=ask, args=(url, path, client, seconds, start, paintings(client.number, ahead)))
               for client in painters]  # fmt: skip
    threads += [
        threading.Thread(target=ask, args=(url, "/api/v1/align", other, seconds, start, photos(photo, other.number)))
        for other in others
    ]
    for thread in threads:
        thread.start()
    used, own, memory = processes.cpu(), time.process_time(), {0: processes.memory()}
    start.wait()
    begun = time.perf_counter()
    while any(thread.is_alive() for thread in threads):
        time.sleep(0.2)
        so_far = sum(len(client.seconds) for client in painters) // 250 * 250
        memory.setdefault(so_far, processes.memory())
    spent = time.perf_counter() - begun
    taken = [second for client in painters for second in client.seconds]
    shares = [len(client.seconds) for client in painters]
    cpu = {name: value - used.get(name, 0) for name, value in processes.cpu().items()}
    cpu["clients"] = time.process_time() - own
    told = {
        "clients": count,
        "seconds": round(spent, 2),
        "pictures": len(taken),
        "failures": [failure for client in (*painters, *others) for failure in client.failures],
        "pictures_per_second": round(len(taken) / spent, 2),
        "latency_ms": quantiles([1000 * second for second in taken]),
        "computing_ms": quantiles([work for client in painters for work in client.works]),
        "pictures_of_a_client": {"least": min(shares), "median": statistics.median(shares), "most": max(shares)},
        "cpu_ms_a_picture": {name: round(1000 * value / max(1, len(taken)), 1) for name, value in cpu.items()},
        "memory_mib_after_pictures": {
            at: {name: round(value) for name, value in now.items()} for at, now in memory.items()
        },
    }  # fmt: skip
    if others:
        told["photos_aligned"] = sum(len(other.seconds) for other in others)
        told["photo_latency_ms"] = quantiles([1000 * second for other in others for second in other.seconds])
    return told


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server that runs already, with a / at its end")
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--photos", type=int, default=0, metavar="CLIENTS", help="that have photos aligned meanwhile")
    parser.add_argument("--generator", help="weights by name or file (default: bundled)")
    parser.add_argument("--list-sizes", default="1,4", help="of the bare generator")
    parser.add_argument("--json", type=Path, help="write the numbers here too")
    given = parser.parse_args()
    options = ["--generator", given.generator] if given.generator else []
    told: dict[str, Any] = {}
    with contextlib.nullcontext((given.url, None)) if given.url else started(options) as (url, pid):
        processes = Processes(pid)
        measure(url, processes, 1, 2)  # connections, allocations
        told["alone"] = measure(url, processes, 1, given.seconds / 4)
        told["together"] = measure(url, processes, given.clients, given.seconds)
        if given.photos:
            told["with_photos"] = measure(url, processes, given.clients, given.seconds, given.photos)
        metrics = urlopen(f"{url}metrics").read().decode()
    sizes = [int(size) for size in given.list_sizes.split(",")]
    bare: dict[str, list[float]] = {}
    for how in ("spin", "sleep", "side by side"):
        with multiprocessing.get_context("spawn").Pool(1) as process:
            bare |= process.apply(bare_rates, (how, given.clients, sizes, given.seconds / 4, given.generator))
    told["bare_pictures_per_second_and_cpu_ms_each"] = bare
    told["share_of_bare"] = round(told["together"]["pictures_per_second"] / max(rate for rate, _ in bare.values()), 3)
    told["restarts"] = sum(float(n) for n in re.findall(r"^facesynth_worker_restarts_total (\S+)", metrics, re.M))
    print(json.dumps(told, indent=1))
    if given.json:
        given.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    sys.exit(1 if any(told[name]["failures"] for name in ("together", "with_photos") if name in told) else 0)


if __name__ == "__main__":
    main()
