"""What clients send wrong gets a clear problem document, never a 5xx, and the server goes on."""

from __future__ import annotations

import io
import json
import struct
import sys
import zlib
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from facesynth.serving.memory_cache import MemoryCache
from facesynth.serving.problems import MEDIA_TYPE, Problem
from facesynth.serving.styles import Styles
from facesynth.serving.worker.tasks import Generator
from tests.serving.drawn_computing import ENCODER, RAISES, REFUSED
from tests.serving.drawn_requests import in_base64, labels, labels_png, painting, photo_png
from tests.serving.running import API


def assert_problem(answer: Any, status: int, code: str, where: str | None = None) -> dict[str, Any]:
    """The answer is such a problem; its document."""
    told: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert (answer.status_code, told["code"]) == (status, code), told
    assert told["what"] and told["status"] == status and told["request"] == answer.headers["x-request-id"]
    assert where is None or told["where"] == where, told
    return told


def header_only_png(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [10_000, 60_000])
@pytest.mark.parametrize("route", ["align", "segment", "encode"])
def test_too_many_pixels_are_refused_by_the_header(client: TestClient, route: str, side: int) -> None:
    name = "photo" if route == "align" else "face"
    answer = client.post(f"{API}/{route}", files={name: ("big.png", header_only_png(side, side))})
    assert_problem(answer, 413, "too-many-pixels", name)


def test_a_heic_photo_of_too_many_pixels_is_refused_by_the_header(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", SimpleNamespace(register_heif_opener=lambda: None))
    side = {"HEIF": 9000}
    monkeypatch.setattr(Image, "open", lambda fp, formats: SimpleNamespace(size=(side[formats[0]],) * 2))
    answer = client.post(f"{API}/align", files={"photo": ("p.heic", b"\x00\x00\x00\x1cftypheic")})
    assert_problem(answer, 413, "too-many-pixels", "photo")


def test_a_huge_label_map_is_refused_by_the_header(client: TestClient) -> None:
    answer = client.post(f"{API}/synthesize", files={"labels": ("big.png", header_only_png(10_000, 10_000))})
    assert_problem(answer, 413, "too-many-pixels", "labels")


@pytest.mark.parametrize("data", [b"", b"not an image", photo_png()[:60], b"\xff\xd8\xff\xe0 cut short"])
def test_what_is_no_image_is_named(client: TestClient, data: bytes) -> None:
    assert_problem(client.post(f"{API}/align", files={"photo": ("p", data)}), 422, "bad-image", "photo")


def test_no_face_is_an_answer_of_its_own(client: TestClient) -> None:
    answer = client.post(f"{API}/align", files={"photo": ("p.png", photo_png((0, 0, 0)))})
    assert_problem(answer, 422, "no-face", "photo")


def test_a_face_that_is_not_square_is_sent_to_align(client: TestClient) -> None:
    assert_problem(client.post(f"{API}/segment", files={"face": ("p.png", photo_png())}), 422, "not-square")


def wrong_label() -> bytes:
    """A grey PNG with a 40 in it."""
    ids = labels().ids.copy()
    ids[5, 7] = 40
    stream = io.BytesIO()
    Image.fromarray(ids).save(stream, "PNG")
    return stream.getvalue()


def smooth_colours() -> bytes:
    """The palette's colours, smoothed as a careless program does."""
    stream = io.BytesIO()
    Image.fromarray(labels().colours()).resize((48, 48), Image.Resampling.BILINEAR).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"labels": in_base64(wrong_label())}, "bad-labels"),
        ({"labels": in_base64(smooth_colours())}, "bad-labels"),
        ({"labels": in_base64(photo_png())}, "bad-labels"),
        ({"labels": in_base64(bytes(64)), "width": 8, "height": 9}, "bad-labels"),
        ({"labels": in_base64(bytes(64)), "width": 8}, "bad-labels"),
        ({"labels": in_base64(bytes([19] * 64)), "width": 8, "height": 8}, "bad-labels"),
        ({"labels": in_base64(bytes(128)), "width": 8, "height": 16}, "bad-labels"),
        ({"labels": in_base64(labels_png()), "width": 31, "height": 32}, "bad-labels"),
        ({"labels": in_base64(bytes(16)), "width": 4, "height": 4}, "bad-field"),
        ({"labels": "!"}, "bad-field"),
        ({"labels": 7}, "bad-field"),
        ({"labels": in_base64(labels_png()), "labels_sha256": "0" * 64}, "bad-field"),
        ({}, "bad-field"),
        (painting(schema="celeba"), "bad-field"),
    ],
)
def test_a_label_map_that_is_none(client: TestClient, body: dict[str, Any], code: str) -> None:
    assert_problem(client.post(f"{API}/synthesize", json=body), 422, code)


def test_a_wrong_label_is_named_with_its_pixel(client: TestClient) -> None:
    told = client.post(f"{API}/synthesize", files={"labels": ("l.png", wrong_label())}).json()
    assert "x=7, y=5" in told["what"] and "40" in told["what"]


@pytest.mark.parametrize(
    ("style", "code", "where"),
    [
        ({"seed": -1}, "bad-field", None),
        ({"seed": 2**63}, "bad-field", None),
        ({"seed": 1.5}, "bad-field", None),
        ({"seed": True}, "bad-field", None),
        ({"seed": None}, "bad-field", "seed"),
        ({"mix": [{"seed": 1}, {"seed": 2}], "t": None}, "bad-field", "t"),
        ({}, "bad-style", "style"),
        ([], "bad-style", "style"),
        ({"mean": 1}, "bad-style", "style"),
        ({"mean": False}, "bad-style", "style"),
        ({"mix": [{"seed": 1}], "t": 0.5}, "bad-style", "style"),
        ({"mix": [{"seed": 1}, {"seed": 2}], "t": 1.5}, "bad-field", "t"),
        ({"mix": [{"seed": 1}, {"sed": 2}], "t": 0.5}, "bad-style", "style.mix.1"),
        ({"base": {"seed": 1}, "regions": {"hair": {"seed": 2}}}, "bad-style", "style"),
        ({"format": "facesynth-style-9", "components": []}, "bad-style", "style"),
        ({"format": "facesynth-style-1"}, "bad-style", "style"),
        ({"format": "facesynth-style-1", "components": [{"weight": 1, "code": "AACAPw==", "encoder": "a" * 64}]},
         "bad-style", None),
        ({"format": "facesynth-style-1", "components": [{"weight": 1, "code": "AACAPw==", "encoder": ENCODER}]},
         "bad-style", None),
    ],
)  # fmt: skip
def test_a_style_that_is_none(client: TestClient, style: Any, code: str, where: str | None) -> None:
    body = {"labels": in_base64(labels_png()), "style": style}
    assert_problem(client.post(f"{API}/synthesize", json=body), 422, code, where)


def test_styles_do_not_nest_without_end(client: TestClient) -> None:
    style: dict[str, Any] = {"seed": 1}
    for _ in range(8):
        style = {"mix": [style, {"seed": 2}], "t": 0.5}
    body = {"labels": in_base64(labels_png()), "style": style}
    assert_problem(client.post(f"{API}/synthesize", json=body), 422, "bad-style")
    deep = b'{"style":' + b'{"mix":[' * 50_000
    answer = client.post(f"{API}/synthesize", content=deep, headers={"content-type": "application/json"})
    assert_problem(answer, 400, "bad-request", "body")


def test_a_style_is_made_of_so_many_others_at_most(client: TestClient) -> None:
    for seeds, status in ((64, 200), (65, 422)):
        parts = [{"weight": 1 / seeds, "seed": seed} for seed in range(seeds)]
        style = {"format": "facesynth-style-1", "components": parts}
        answer = client.post(f"{API}/synthesize", json={"labels": in_base64(labels_png()), "style": style})
        assert answer.status_code == status, answer.text
    assert_problem(answer, 422, "bad-style", "style")
    halves = [[{"weight": 1 / 40, "seed": seed} for seed in range(first, first + 40)] for first in (0, 40)]
    mixed = {"mix": [{"format": "facesynth-style-1", "components": parts} for parts in halves], "t": 0.5}
    answer = client.post(f"{API}/synthesize", json={"labels": in_base64(labels_png()), "style": mixed})
    assert_problem(answer, 422, "bad-style", "style")


def test_the_regions_of_a_style_count_too() -> None:
    generator = Generator("drawn", ENCODER, 32, 3, True, True, True)
    styles = Styles(generator, MemoryCache(1000, lambda _: 1))
    parts = [{"weight": 1 / 40, "seed": seed} for seed in range(40)]
    forty = {"format": "facesynth-style-1", "components": parts}
    assert styles.read({"base": {"seed": 99}, "regions": {"nose": forty}}).kind == "regions"
    with pytest.raises(Problem) as refused:
        styles.read({"base": {"seed": 99}, "regions": {"nose": forty, "hair": forty}})
    assert refused.value.code == "bad-style" and refused.value.where == "style"


def test_what_was_forgotten_is_asked_for_whole(client: TestClient) -> None:
    body = {"labels": in_base64(labels_png()), "style": {"digest": "0" * 64}}
    assert_problem(client.post(f"{API}/synthesize", json=body), 409, "unknown-style", "style")
    body = {"labels_sha256": "0" * 64}
    assert_problem(client.post(f"{API}/synthesize", json=body), 409, "unknown-labels")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad-request"),
        (b"[1]", "application/json", 400, "bad-request"),
        (b'{"seed": NaN}', "application/json", 400, "bad-request"),
        (b'{"seed": ' + b"9" * 5000 + b"}", "application/json", 400, "bad-request"),
        (b"\xff\xfe{}", "application/json", 400, "bad-request"),
        (b"labels=1", "application/x-www-form-urlencoded", 415, "media-type"),
        (b"hello", "text/plain", 415, "media-type"),
        (b"--x\r\n", "multipart/form-data", 400, "bad-request"),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x", 400, "bad-request"),
        (b'--x\r\nContent-Disposition: form-data; name="seed"\r\n\r\n1', "multipart/form-data; boundary=x", 400,
         "bad-request"),
        (b'--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n', "multipart/form-data; boundary=x", 400,
         "bad-request"),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_read(client: TestClient, content: bytes, kind: str, status: int, code: str) -> None:
    answer = client.post(f"{API}/synthesize", content=content, headers={"content-type": kind})
    assert_problem(answer, status, code)


@pytest.mark.parametrize("content", [b'{"style": [' + b"[]," * 20_000 + b"[]]}", b'{"style": ' + b'{"a":' * 20_000])
def test_json_of_too_many_values_is_not_read(client: TestClient, content: bytes) -> None:
    for body, kind in ((content, "application/json"), (form_of_style(content), "multipart/form-data; boundary=x")):
        answer = client.post(f"{API}/synthesize", content=body, headers={"content-type": kind})
        assert "more than 20,000 values" in assert_problem(answer, 400, "bad-request")["what"]


def form_of_style(text: bytes) -> bytes:
    """A form whose style is that text."""
    return b'--x\r\nContent-Disposition: form-data; name="style"\r\n\r\n' + text + b"\r\n--x--\r\n"


def test_a_compressed_body_is_not_taken(client: TestClient) -> None:
    packed = zlib.compress(json.dumps(painting()).encode())
    headers = {"content-type": "application/json", "content-encoding": "deflate"}
    assert_problem(client.post(f"{API}/synthesize", content=packed, headers=headers), 415, "media-type")


def test_too_many_parts(client: TestClient) -> None:
    parts = [("labels", (f"{index}.png", b"x")) for index in range(40)]
    assert_problem(client.post(f"{API}/synthesize", files=parts), 413, "too-large")


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({"size": 8}, "size"),
        ({"size": 100_000}, "size"),
        ({"quality": 0}, "quality"),
        ({"sise": 64}, "sise"),
        ({"style": {"seed": 1}}, "seed"),
        ({"document": "facesynth-picture-2"}, "document"),
        ({"weights": {"parser": "a"}}, "weights"),
        ({"format": "gif"}, "format"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, more: dict[str, Any], where: str) -> None:
    assert_problem(client.post(f"{API}/synthesize", json=painting(**more)), 422, "bad-field", where)


def test_a_field_that_is_sent_twice(client: TestClient) -> None:
    assert_problem(client.post(f"{API}/synthesize?seed=4", json=painting(3)), 422, "bad-field", "seed")


def test_formats_that_there_are_not(client: TestClient) -> None:
    answer = client.post(f"{API}/synthesize", json=painting(), headers={"accept": "image/avif"})
    assert_problem(answer, 406, "format", "Accept")


@pytest.mark.parametrize("transform", ["[[1,0,0],[0,1]]", "[[1,0,0],[1,1,0]]", "[[0,0,0],[0,0,0]]", '"x"', "{}", "null",
                                       "[[1e-9,0,0],[0,1e-9,0]]", "[[1e300,0,0],[0,1e300,0]]"])  # fmt: skip
def test_a_transform_that_leads_nowhere(client: TestClient, transform: str) -> None:
    files = {"photo": ("p.png", photo_png()), "face": ("f.png", photo_png(width=20))}
    answer = client.post(f"{API}/paste", files=files, data={"transform": transform, "size": "64"})
    assert_problem(answer, 422, "bad-field", "transform")


@pytest.mark.parametrize(
    ("files", "data", "where"),
    [
        (["content", "labels", "style"], {}, "content"),
        (["style"], {}, "content"),
        (["content"], {}, "style"),
        (["labels", "style"], {"paste_back": "true"}, "paste_back"),
        (["content", "style"], {"strength": "2"}, "strength"),
        (["content", "style"], {"strength": "nan"}, "strength"),
        (["content", "style", "region.moustache"], {}, "regions"),
        (["content", "style", "region.hair"], {}, "regions"),
    ],
)
def test_a_transfer_that_makes_no_sense(client: TestClient, files: list[str], data: dict[str, str], where: str) -> None:
    sent = {name: ("f.png", labels_png() if name == "labels" else photo_png()) for name in files}
    answer = client.post(f"{API}/transfer", files=sent, data=data)
    assert answer.status_code == 422 and answer.json()["where"] == where, answer.text


def test_a_region_that_is_sent_in_two_ways(client: TestClient) -> None:
    face = photo_png()
    sent = {"content": in_base64(face), "region.hair": in_base64(face), "regions": {"hair": in_base64(face)}}
    assert_problem(client.post(f"{API}/transfer", json=sent), 422, "bad-field", "regions.hair")


@pytest.mark.parametrize("size", [(16_384, 2), (2, 16_384)])
def test_a_photo_that_is_too_long_for_webp(client: TestClient, size: tuple[int, int]) -> None:
    files = {"photo": ("p.png", photo_png((9, 9, 9), *size)), "face": ("f.png", photo_png(width=20))}
    data = {"transform": "[[1,0,0],[0,1,0]]", "size": "16"}
    asked = client.post(f"{API}/paste", files=files, data={**data, "format": "webp"})
    assert_problem(asked, 406, "format", "format")
    assert client.post(f"{API}/paste", files=files, data=data).status_code == 200


def test_errors_of_the_worker(client: TestClient) -> None:
    told = assert_problem(client.post(f"{API}/synthesize", json=painting(RAISES)), 500, "failed")
    assert "ArithmeticError" in told["what"]
    assert_problem(client.post(f"{API}/synthesize", json=painting(REFUSED)), 422, "bad-style")
    assert client.post(f"{API}/synthesize", json=painting()).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/examples/none.jpg", "/nothing", "/%00",
                                  "/api/v1/examples/a%00b.jpg", "/" + "a" * 5000, "/..%2f..%2fapp.py",
                                  "/../settings.py"])  # fmt: skip
def test_there_is_nothing_there(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404, "not-found")


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/align"), ("POST", "/api/v1/labels"), ("PUT", "/readyz")])
def test_another_method_is_named(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path)
    assert_problem(answer, 405, "method")
    assert answer.headers["allow"] == ("POST" if path.endswith("align") else "GET, HEAD")


def test_a_session_with_a_name_that_is_none(client: TestClient) -> None:
    answer = client.post(f"{API}/synthesize", json=painting(), headers={"x-studio-session": "a b"})
    assert_problem(answer, 422, "bad-field", "X-Studio-Session")


def test_the_ids_of_a_map_are_never_smoothed(client: TestClient) -> None:
    ids = np.zeros((512, 512), dtype=np.uint8)
    ids[::2] = 18
    query = {"width": 512, "height": 512, "seed": 0}
    octets = {"content-type": "application/octet-stream"}
    picture = client.post(f"{API}/synthesize", params=query, content=ids.tobytes(), headers=octets)
    assert set(np.unique(np.asarray(Image.open(io.BytesIO(picture.content)))[..., 2])) <= {0, 18}
