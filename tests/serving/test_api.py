"""What the API answers where everything is well."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import threading

import numpy as np
import pytest
from PIL import ExifTags, Image
from starlette.testclient import TestClient

from facesynth.core.faces import Similarity
from facesynth.core.image_files import decode_photo
from facesynth.core.label_files import decode_label_map
from facesynth.core.labels import FLIP_PAIRS, PALETTE, LabelMap
from facesynth.core.styles import Style
from facesynth.serving.body import fields
from facesynth.serving.decoding import known
from facesynth.serving.routes import transfer
from facesynth.serving.security import SAFE_HEADERS
from tests.serving.drawn_computing import ENCODER, SIZE, painted
from tests.serving.drawn_requests import in_base64, labels, labels_png, painting, photo_png
from tests.serving.running import API


def test_labels_tell_all_that_a_painter_needs(client: TestClient) -> None:
    told = client.get(f"{API}/labels").json()
    assert [label["id"] for label in told["labels"]] == list(range(19))
    colours = [tuple(bytes.fromhex(label["colour"][1:])) for label in told["labels"]]
    assert colours == [tuple(row) for row in PALETTE.tolist()]
    assert [tuple(pair) for pair in told["pairs"]] == [(int(a), int(b)) for a, b in FLIP_PAIRS]
    for left, right in told["pairs"]:
        assert told["labels"][left]["mirror"] == right and told["labels"][right]["mirror"] == left
    assert all(len(set(names)) == 19 for names in told["schemas"].values())
    assert told["regions"]["eyes"] == [4, 5]


def test_weights_tell_licences_and_what_is_loaded(client: TestClient) -> None:
    told = client.get(f"{API}/weights").json()
    assert told["loaded"]["generator"]["sha256"] == ENCODER
    assert told["device"] == "cpu" and told["batch_size"] == 1
    assert all(row["licence"] for row in told["weights"])
    assert any(row["kind"] == "generator" and row["present"] for row in told["weights"])


def test_examples_are_photos(client: TestClient) -> None:
    for example in client.get(f"{API}/examples").json()["examples"]:
        answer = client.get(example["url"])
        assert answer.headers["content-type"] == "image/jpeg"
        assert decode_photo(answer.content, example["name"]).width > 500


@pytest.mark.parametrize("way", ["form", "json", "file"])
def test_align_answers_with_faces_and_their_way_back(client: TestClient, way: str) -> None:
    photo, address = photo_png(), f"{API}/align"
    if way == "form":
        answer = client.post(address, files={"photo": ("a.png", photo)}, data={"size": "64"})
    elif way == "json":
        answer = client.post(address, json={"photo": in_base64(photo), "size": 64})
    else:
        answer = client.post(f"{address}?size=64", content=photo, headers={"content-type": "image/png"})
    told = answer.json()
    assert (told["width"], told["height"], len(told["faces"])) == (40, 20, 2)
    second = told["faces"][1]
    crop = decode_photo(base64.b64decode(second["face"]), "face")
    assert crop.size == (64, 64) and second["size"] == 64
    np.testing.assert_allclose(Similarity(np.array(second["transform"])).matrix, [[0.3125, 0, 20], [0, 0.3125, 0]])
    assert len(second["landmarks"]) == 68
    assert second["box"] == {"x": 20, "y": 0, "width": 19, "height": 19}
    np.testing.assert_allclose(second["corners"][2], [20 + 0.3125 * 63.5, 0.3125 * 63.5])


def test_segment_answers_as_asked(client: TestClient) -> None:
    face, address = photo_png(width=20), f"{API}/segment"
    ids = np.full((20, 20), 10, dtype=np.uint8)
    image = client.post(address, files={"face": ("f.png", face)})
    assert image.headers["content-type"] == "image/png"
    assert np.array_equal(decode_label_map(image.content, "it").ids, ids)
    raw = client.post(address, files={"face": ("f.png", face)}, headers={"accept": "application/octet-stream"})
    assert raw.content == ids.tobytes()
    assert (raw.headers["x-width"], raw.headers["x-height"]) == ("20", "20")
    told = client.post(f"{address}?format=json&schema=zllrunning", json={"face": in_base64(face)}).json()
    assert np.array_equal(decode_label_map(base64.b64decode(told["labels"]), "it").ids, ids)
    assert told["confidence"] == {"pixels": 1.0} and told["warnings"] == ["drawn"]


def test_a_parsed_label_map_can_be_painted_by_its_digest(client: TestClient) -> None:
    parsed = client.post(f"{API}/segment", files={"face": ("f.png", photo_png(width=20))})
    body = {"labels_sha256": parsed.headers["x-labels"], "seed": 9}
    picture = decode_photo(client.post(f"{API}/synthesize", json=body).content, "picture")
    assert (picture.pixels == (9, 9, 10)).all()


def test_encode_answers_with_a_style_that_synthesize_takes(client: TestClient) -> None:
    told = client.post(f"{API}/encode", files={"face": ("f.png", photo_png(width=20))}).json()
    style = Style.from_json(json.dumps(told["style"]))
    assert style.encoder == ENCODER and style.digest() == told["digest"]
    for given in (told["style"], {"digest": told["digest"]}):
        body = {"labels": in_base64(labels_png()), "style": given}
        picture = decode_photo(client.post(f"{API}/synthesize", json=body).content, "picture")
        assert np.array_equal(picture.pixels, painted(labels(), style).pixels)


def test_a_label_map_comes_in_every_form(client: TestClient) -> None:
    made, address = labels(), f"{API}/synthesize"
    colours = io.BytesIO()
    Image.fromarray(made.colours()).save(colours, "PNG")
    raw = made.ids.tobytes()
    size = {"width": 32, "height": 32}
    octets = {"content-type": "application/octet-stream"}
    answers = [
        client.post(address, json=painting()),
        client.post(address, json={"labels": in_base64(colours.getvalue()), "seed": 3}),
        client.post(address, json={"labels": in_base64(raw), "seed": "3", **size}),
        client.post(address, files={"labels": ("l.png", labels_png())}, data={"seed": "3"}),
        client.post(address, files={"labels": ("l", raw, "application/octet-stream")}, data={"seed": "3", **size}),
        client.post(address, params={"seed": 3, **size}, content=raw, headers=octets),
        client.post(address, params={"seed": 3}, content=labels_png(), headers={"content-type": "image/png"}),
    ]
    expected = painted(made, Style.from_seed(3)).pixels
    for answer in answers:
        assert answer.status_code == 200, answer.text
        assert np.array_equal(decode_photo(answer.content, "picture").pixels, expected)
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers["x-cached"] for answer in answers[1:]] == ["1"] * 6


def test_another_schema_is_converted_at_the_door(client: TestClient) -> None:
    ids = np.full((16, 16), 17, dtype=np.uint8)  # hair in zllrunning's order
    body = {"labels": in_base64(ids.tobytes()), "width": 16, "height": 16, "schema": "zllrunning"}
    picture = decode_photo(client.post(f"{API}/synthesize", json=body).content, "picture")
    assert (picture.pixels[..., 2] == 13).all()


def test_styles_mix(client: TestClient) -> None:
    style = {"mix": [{"seed": 40}, {"mix": [{"seed": 80}, {"seed": 120}], "t": 0.5}], "t": 0.5}
    body = {"labels": in_base64(labels_png()), "style": style}
    picture = decode_photo(client.post(f"{API}/synthesize", json=body).content, "picture")
    assert (picture.pixels[..., 0] == 70).all()
    mean = {"labels": in_base64(labels_png()), "style": {"mean": True}}
    picture = decode_photo(client.post(f"{API}/synthesize", json=mean).content, "picture")
    assert not picture.pixels[..., 0].any()


def test_pictures_say_what_they_are(client: TestClient) -> None:
    picture = client.post(f"{API}/synthesize", json=painting(size=48))
    shown = Image.open(io.BytesIO(picture.content))
    assert shown.size == (48, 48)
    assert shown.info["Software"] == "facesynth" and "neural network" in shown.info["Synthetic"]
    told = json.loads(shown.info["Parameters"])
    assert told["labels_sha256"] == picture.headers["x-labels"] and told["weights"] == {"generator": ENCODER}
    assert Style.from_json(json.dumps(told["style"])) == Style.from_seed(3)
    webp = client.post(f"{API}/synthesize", json=painting(), headers={"accept": "image/webp,*/*;q=0.1"})
    assert webp.headers["content-type"] == "image/webp"
    exif = Image.open(io.BytesIO(webp.content)).getexif()
    assert exif[ExifTags.Base.Software] == "facesynth"
    comment = exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment]
    assert json.loads(comment.removeprefix(b"UNICODE\x00").decode("utf-16-be"))["size"] == SIZE


def test_a_document_paints_the_same_picture(client: TestClient) -> None:
    first = client.post(f"{API}/synthesize", json=painting(size=40), headers={"accept": "application/json"}).json()
    assert first["document"]["noise_seed"] == 3
    again = client.post(f"{API}/synthesize", json=first["document"])
    assert again.content == base64.b64decode(first["picture"])
    assert client.post(f"{API}/synthesize?format=webp", json=first["document"]).headers["content-type"] == "image/webp"
    other = {**first["document"], "weights": {"generator": "0" * 64}}
    refused = client.post(f"{API}/synthesize", json=other)
    assert (refused.status_code, refused.json()["code"]) == (409, "other-weights")
    noisy = client.post(f"{API}/synthesize", json={**first["document"], "noise_seed": 4})
    assert (noisy.status_code, noisy.json()["where"]) == (422, "noise_seed")


def test_transfer_paints_labels_in_the_style_of_a_photo(client: TestClient) -> None:
    files = {"labels": ("l.png", labels_png()), "style": ("s.png", photo_png((10, 20, 30)))}
    answer = client.post(f"{API}/transfer", files=files, data={"faces": "center"})
    picture = decode_photo(answer.content, "picture")
    assert (picture.pixels[..., :2] == (10, 20)).all()
    assert np.array_equal(picture.pixels[..., 2], labels().ids)
    told = json.loads(Image.open(io.BytesIO(answer.content)).info["Parameters"])
    assert told["style_sha256"] == hashlib.sha256(files["style"][1]).hexdigest()
    assert told["labels_sha256"] == known(labels()).digest and told["content_sha256"] is None
    assert told["faces"] == "center"


def test_paste_puts_a_face_where_align_found_it(client: TestClient) -> None:
    photo = photo_png(width=80, height=40)
    face = client.post(f"{API}/align", files={"photo": ("p.png", photo)}, data={"size": "40"}).json()["faces"][1]
    files = {"photo": ("p.png", photo), "face": ("f.png", photo_png((0, 255, 0), 64, 64))}
    data = {"transform": json.dumps(face["transform"]), "size": "40", "feather": "0"}
    answer = client.post(f"{API}/paste", files=files, data=data)
    pasted = decode_photo(answer.content, "photo").pixels
    assert (pasted[2:38, 42:78] == (0, 255, 0)).all()
    assert (pasted[:, :39] == (140, 70, 28)).all()
    blank = LabelMap(np.zeros((8, 8), dtype=np.uint8))
    kept = client.post(
        f"{API}/paste?width=8&height=8", files={**files, "labels": ("l", blank.ids.tobytes())}, data=data
    )
    assert (decode_photo(kept.content, "photo").pixels == (140, 70, 28)).all()


def test_every_answer_has_an_id_and_a_clock(client: TestClient) -> None:
    answers = [client.post(f"{API}/synthesize", json=painting(seed)) for seed in (501, 502)]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 2
    assert all("wait;dur=" in answer.headers["server-timing"] for answer in answers)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", f"{API}/labels", f"{API}/examples/portrait-1.jpg", "/metrics"])
def test_what_can_be_got_can_be_looked_at(client: TestClient, path: str) -> None:
    looked, got = client.head(path), client.get(path)
    assert looked.status_code == got.status_code == 200
    assert looked.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("image/png;q=0, */*", "image/webp"),
        ("image/*;q=0.5, image/png;q=0.1", "image/webp"),
        ("*/*;q=0.9, image/*;q=0", "application/json"),
        ("image/webp;q=0.2, image/webp;q=0.8, image/png;q=0.5", "image/webp"),
        ("*/*", "image/png"),
    ],
)
def test_the_closest_range_of_accept_counts(client: TestClient, accept: str, kind: str) -> None:
    answer = client.post(f"{API}/synthesize", json=painting(), headers={"accept": accept})
    assert answer.headers["content-type"] == kind


def test_files_are_read_beside_the_event_loop(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []

    def noted(data: bytes) -> str:
        threads.append(threading.current_thread().name)
        return hashlib.sha256(data).hexdigest()

    for module in (fields, transfer):
        monkeypatch.setattr(module, "sha256_bytes", noted)
    face = photo_png((1, 2, 3), width=20)
    for route, name in (("align", "photo"), ("segment", "face"), ("encode", "face")):
        assert client.post(f"{API}/{route}", files={name: face}).status_code == 200
    assert client.post(f"{API}/transfer", files={"labels": labels_png(), "style": face}).status_code == 200
    assert len(threads) == 4 and all(name.startswith("facesynth-serving") for name in threads), threads


def test_headers_are_described(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for route, sent in (("segment", {"face": in_base64(photo_png(width=20))}), ("synthesize", painting(78))):
        described = paths[f"{API}/{route}"]["post"]["responses"]
        answer = client.post(f"{API}/{route}", json=sent)
        own = {name for name in answer.headers if name.startswith("x-") and name not in SAFE_HEADERS}
        assert "x-labels" in own
        assert {*own, "server-timing"} == {name.lower() for name in described["200"]["headers"]}
        assert "WWW-Authenticate" in described["401"]["headers"] and "Retry-After" in described["503"]["headers"]


def test_each_request_is_logged_with_what_machines_ask_for(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="facesynth.serving"):
        client.get(f"{API}/nothing/secret-name")
        answer = client.get("/healthz")
    other, healthy = [record.about for record in caplog.records if hasattr(record, "about")]
    assert (other["event"], other["method"], other["status"]) == ("request", "GET", 404)
    assert "secret" not in str(other), "what was asked for may be anything"
    assert healthy["route"] == "/healthz" and healthy["status"] == 200 and healthy["seconds"] > 0
    assert healthy["id"] == answer.headers["x-request-id"]
