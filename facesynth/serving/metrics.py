"""What the server counts, and how Prometheus reads it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

_LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 30.0)
"""Seconds: a stroke should be on the screen within 0.4."""
_BATCHES = (1, 2, 4, 8, 16, 32)

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Histogram:
    """How many values lie up to each bound, and their sum."""

    bounds: Sequence[float]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str, labels: str = "") -> Iterable[str]:
        """The histogram as Prometheus reads it; `labels` are written as in a pair of braces."""
        comma, braces = "," if labels else "", f"{{{labels}}}" if labels else ""
        so_far = 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            so_far += count
            yield f'{name}_bucket{{{labels}{comma}le="{bound}"}} {so_far}'
        yield f"{name}_sum{braces} {self.total:.6f}"
        yield f"{name}_count{braces} {so_far}"


class Metrics:
    """Counts since the server started. Only the event loop touches it."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()
        """By method, route and status."""
        self.latencies: dict[str, Histogram] = {}
        """By route, in seconds."""
        self.batches = Histogram(_BATCHES)
        self.restarts = 0
        self.cached = 0
        self.busy = 0.0
        """Seconds that workers have computed, together."""
        self.seconds_each = 0.2
        """What one task takes, lately: a moving average."""

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request."""
        self.requests[method, route, status] += 1
        self.latencies.setdefault(route, Histogram(_LATENCIES)).observe(seconds)

    def batch(self, size: int, seconds: float) -> None:
        """Count a computed batch."""
        self.batches.observe(size)
        self.busy += seconds
        self.seconds_each += 0.1 * (seconds / size - self.seconds_each)

    def text(self, now: Mapping[str, float]) -> str:
        """Everything in Prometheus' text form; `now` are the gauges of this moment by name."""
        lines = ["# TYPE facesynth_requests_total counter"]
        lines += [
            f'facesynth_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
            for (method, route, status), count in sorted(self.requests.items())
        ]
        lines.append("# TYPE facesynth_request_seconds histogram")
        for route, histogram in sorted(self.latencies.items()):
            lines += histogram.lines("facesynth_request_seconds", f'route="{route}"')
        lines.append("# TYPE facesynth_batch_size histogram")
        lines += self.batches.lines("facesynth_batch_size")
        counts = (("worker_restarts", self.restarts), ("cached_answers", self.cached), ("busy_seconds", self.busy))
        for name, count in counts:
            lines += [f"# TYPE facesynth_{name}_total counter", f"facesynth_{name}_total {count:.12g}"]
        for name, value in sorted(now.items()):
            lines += [f"# TYPE facesynth_{name} gauge", f"facesynth_{name} {value:g}"]
        return "\n".join(lines) + "\n"
