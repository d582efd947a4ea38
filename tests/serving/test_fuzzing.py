"""The API against what its own description allows and forbids: no 5xx, and no answer that it does not describe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from tests.serving.drawn_requests import in_base64, labels_png, photo_png
from tests.serving.running import API, listening

load_all_checks()
CHECKED: Any = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    ]
)
REJECTED: Any = CHECKS.get_by_names(["negative_data_rejection"])
POSTED = tuple(f"{API}/{name}" for name in ("align", "segment", "encode", "synthesize", "transfer", "paste"))
READ = (*(f"{API}/{name}" for name in ("labels", "weights", "examples")), "/healthz", "/readyz", "/metrics")
NAMED = f"{API}/examples/{{name}}.jpg"
EXAMPLES = 12
NOT_HTTP = b"Invalid HTTP request received."
"""What uvicorn answers to headers that no request can have: no application hears of it."""

FILES = {"photo": photo_png(), "face": photo_png(width=20), "content": photo_png(), "labels": labels_png()}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a server listens."""
    with listening() as address:
        yield address


def with_files(case: Case[Any], route: str) -> None:
    """Put real files where a file is sent: what is drawn at random is never an image."""
    if isinstance(case.body, dict):
        files = {**FILES, "style": photo_png()} if route == f"{API}/transfer" else FILES
        coded: dict[str, Any] = {name: in_base64(data) for name, data in files.items()}
        real = coded if case.media_type == "application/json" else dict[str, Any](files)
        case.body.update({name: real[name] for name in case.body.keys() & real.keys()})


@pytest.mark.parametrize("files", ["drawn", "real"])
@pytest.mark.parametrize(
    ("route", "mode"),
    [(route, mode) for route in POSTED for mode in GenerationMode]
    + [(route, GenerationMode.POSITIVE) for route in READ]
    + [(NAMED, mode) for mode in GenerationMode],
)
def test_whatever_is_sent_is_answered_as_described(address: str, route: str, mode: GenerationMode, files: str) -> None:
    api = schemathesis.openapi.from_url(f"{address}/openapi.json")
    (method,) = api[route]
    operation = api[route][method]

    @seed(0)
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def sent(case: Case[Any]) -> None:
        if files == "real":
            with_files(case, route)
        answer = case.call()
        if answer.content != NOT_HTTP:
            # A real file in the place of one that is none may make the request a good one.
            case.validate_response(answer, checks=CHECKED if files == "real" else CHECKED + REJECTED)

    sent()
