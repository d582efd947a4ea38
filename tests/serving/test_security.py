"""Who may call, and what browsers are told."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from facesynth.core.errors import UsageError
from facesynth.serving.settings import Settings
from tests.serving.drawn_requests import painting
from tests.serving.running import API, in_process


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "127.0.0.1:9", "[::1]:7860", "LOCALHOST"])
def test_the_server_goes_by_this_machines_names(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:7860", "[", ""])
def test_another_name_may_be_an_attack(client: TestClient, host: str) -> None:
    answer = client.get("/healthz", headers={"host": host})
    assert (answer.status_code, answer.json()["code"]) == (421, "host")


@pytest.mark.parametrize("host", ["127.0.0.2", "127.1.2.3", "0:0:0:0:0:0:0:1"])
def test_every_address_of_this_machine_alone_is_guarded(host: str) -> None:
    assert Settings(host=host).local and host in Settings(host=host).names
    assert not Settings(host="0.0.0.0").local and not Settings(host="studio.example").local
    with in_process(host="127.0.0.2") as client:
        assert client.get("/healthz", headers={"host": "127.0.0.2:7860"}).status_code == 200
        assert client.get("/healthz", headers={"host": "evil.example"}).status_code == 421


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://["])
def test_pages_of_other_places_may_not_paint(client: TestClient, origin: str) -> None:
    answer = client.post(f"{API}/synthesize", json=painting(), headers={"origin": origin})
    assert (answer.status_code, answer.json()["code"]) == (403, "origin")
    assert "access-control-allow-origin" not in answer.headers


def test_its_own_page_may_paint(client: TestClient) -> None:
    own = {"origin": "http://127.0.0.1:7860"}
    assert client.post(f"{API}/synthesize", json=painting(), headers=own).status_code == 200


def test_an_origin_that_is_allowed_is_answered_as_browsers_want_it() -> None:
    page = "https://studio.example"
    with in_process(origins=(page,), token="secret") as client:
        asked = {
            "origin": page,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        }
        preflight = client.options(f"{API}/synthesize", headers=asked)
        assert preflight.headers["access-control-allow-origin"] == page
        headers = {"origin": page, "authorization": "Bearer secret"}
        answer = client.post(f"{API}/synthesize", json=painting(), headers=headers)
        assert answer.status_code == 200 and answer.headers["access-control-allow-origin"] == page
        unknown = client.post(f"{API}/synthesize", json=painting(), headers={"origin": page})
        assert unknown.status_code == 401 and unknown.headers["access-control-allow-origin"] == page
        refused = client.options(f"{API}/synthesize", headers={**asked, "origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers


def test_a_token_is_asked_for_where_something_is_told() -> None:
    with in_process(token="sesame") as client:
        for path in (f"{API}/labels", f"{API}/weights", "/metrics"):
            for given in (b"", b"Bearer open", b"Bearer", b"Basic sesame", b"Bearer ses\xe4me"):
                headers: dict[bytes, bytes] = {b"authorization": given} if given else {}
                answer = client.get(path, headers=headers)
                assert (answer.status_code, answer.json()["code"]) == (401, "token")
                assert answer.headers["www-authenticate"].startswith("Bearer")
            assert client.get(path, headers={"authorization": "bearer sesame"}).status_code == 200
        assert client.post(f"{API}/synthesize", json=painting()).status_code == 401
        for path in ("/", "/docs", "/openapi.json", "/healthz", "/readyz"):
            assert client.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/", "/docs", "/api/v1/labels", "/nothing", "/healthz"])
def test_browsers_are_told_to_load_nothing_from_elsewhere(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy and "*" not in policy
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": ""},
        {"token": "ä"},
        {"port": 70000},
        {"origins": ("*",)},
        {"origins": ("https://a.example/page",)},
        {"devices": ()},
        {"demo": True, "generator": "x"},
    ],
)
def test_settings_that_make_no_sense(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Settings(**wrong)  # type: ignore[arg-type]
