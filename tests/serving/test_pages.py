"""The page, the documentation, the metrics and what the API says of itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from starlette.testclient import TestClient

from facesynth.core.styles import Style
from facesynth.serving.metrics import Histogram, Metrics
from facesynth.serving.problems import PROBLEMS
from facesynth.serving.routes.page import WEB
from tests.serving.drawn_requests import in_base64, labels_png, painting, photo_png
from tests.serving.running import API, in_process


def test_the_page_and_its_files_are_served(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html") and page.headers["cache-control"] == "no-cache"
    for file in sorted(path for path in WEB.rglob("*") if path.is_file()):
        answer = client.get(f"/{file.relative_to(WEB).as_posix()}")
        assert answer.status_code == 200 and answer.content == file.read_bytes()
        if file.suffix in (".js", ".mjs"):
            assert answer.headers["content-type"].startswith("text/javascript")
    again = client.get("/docs.css", headers={"if-none-match": client.get("/docs.css").headers["etag"]})
    assert again.status_code == 304


def test_the_documentation_names_every_route_and_loads_nothing(client: TestClient) -> None:
    told, page = client.get("/openapi.json").json(), client.get("/docs").text
    assert all(path in page for path in told["paths"])
    assert "<script" not in page and "http://" not in page and "https://" not in page
    assert " style=" not in page


def test_every_reference_of_the_description_leads_somewhere(client: TestClient) -> None:
    answer = client.get("/openapi.json")
    named = set(re.findall(r'"#/components/schemas/(\w+)"', answer.text))
    assert named and named <= set(answer.json()["components"]["schemas"])


def test_a_label_map_is_asked_for_one_way_or_the_other(client: TestClient) -> None:
    body = client.get("/openapi.json").json()["paths"][f"{API}/synthesize"]["post"]["requestBody"]["content"]
    wanted = [{"required": ["labels"]}, {"required": ["labels_sha256"]}]
    assert body["application/json"]["schema"]["anyOf"] == body["multipart/form-data"]["schema"]["anyOf"] == wanted


def test_every_problem_is_described_somewhere(client: TestClient) -> None:
    text = client.get("/openapi.json").text
    inside = {"gone", "not-found", "method"}  # for a client that is gone, and for addresses that no route has
    assert not [code for code in PROBLEMS if f"`{code}`" not in text and code not in inside]


def test_metrics_count_requests_and_caches(client: TestClient) -> None:
    for _ in range(2):
        client.post(f"{API}/align", files={"photo": photo_png()})
    client.post(f"{API}/synthesize", json=painting(77))
    client.request("BREW", "/coffee")
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    assert lines[f'facesynth_requests_total{{method="POST",route="{API}/align",status="200"}}'] == "2"
    assert lines[f'facesynth_request_seconds_count{{route="{API}/synthesize"}}'] == "1"
    assert any('method="other"' in line for line in lines)
    assert lines["facesynth_cached_answers_total"] == "1"
    assert lines["facesynth_worker_restarts_total"] == "0" and lines["facesynth_queue_depth"] == "0"


def test_the_memory_that_styles_take_is_counted() -> None:
    with in_process() as client:
        held = []
        for seeds in (1, 60):
            parts = [{"weight": 1 / seeds, "seed": 2**60 + seed} for seed in range(seeds)]
            style = {"format": "facesynth-style-1", "components": parts}
            assert (
                client.post(f"{API}/synthesize", json={"labels": in_base64(labels_png()), "style": style}).status_code
                == 200
            )
            (line,) = (
                line
                for line in client.get("/metrics").text.splitlines()
                if line.startswith("facesynth_cache_bytes_held")
            )
            held.append(float(line.removeprefix("facesynth_cache_bytes_held")))
    pixels = 32 * 32 * 3
    assert held[1] - held[0] == pixels + len(Style.from_json(json.dumps(style)).to_json())


def test_a_histogram_is_cumulative() -> None:
    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 9):
        histogram.observe(value)
    assert list(histogram.lines("x")) == [
        'x_bucket{le="1"} 2', 'x_bucket{le="2"} 3', 'x_bucket{le="+Inf"} 4', "x_sum 12.000000", "x_count 4",
    ]  # fmt: skip


@pytest.mark.parametrize("line", Metrics().text({"queue_depth": 0}).splitlines())
def test_metrics_have_prometheus_form(line: str) -> None:
    number = r"[0-9.e+-]+"
    assert re.fullmatch(rf'# TYPE \w+ (counter|gauge|histogram)|\w+(\{{(\w+="[^"]*",?)*\}})? {number}', line)


def test_the_server_itself_imports_no_torch() -> None:
    probe = "import sys, facesynth.serving.app; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0
