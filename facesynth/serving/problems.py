"""Errors as answers: problem documents (RFC 9457) that say what, where, and what to do next."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from starlette.types import Send

from facesynth.core.errors import (
    DeviceError,
    FacesynthError,
    ImageError,
    InputError,
    LabelMapError,
    StyleError,
    UsageError,
)
from facesynth.serving.worker.errors import NoEncoderError, NoFaceError, NotSquareError, TooManyPixelsError

MEDIA_TYPE = "application/problem+json"

PROBLEMS: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "bad-request": (400, "The request cannot be read"),
        "token": (401, "A token is needed"),
        "origin": (403, "Pages of another place may not call this server"),
        "not-found": (404, "There is nothing here"),
        "method": (405, "Another method is needed"),
        "format": (406, "There is no such format of the answer"),
        "slow-body": (408, "The body did not arrive in time"),
        "superseded": (409, "A newer request of the same session took its place"),
        "unknown-style": (409, "The style is not known here, or not any more"),
        "unknown-labels": (409, "The label map is not known here, or not any more"),
        "other-weights": (409, "The picture was painted by other weights"),
        "too-large": (413, "The body is too large"),
        "too-many-pixels": (413, "The picture is too large"),
        "media-type": (415, "The body is of a kind that is not taken here"),
        "host": (421, "The server does not go by this name"),
        "bad-field": (422, "A field is wrong"),
        "bad-image": (422, "The image cannot be used"),
        "bad-labels": (422, "The label map cannot be used"),
        "bad-style": (422, "The style cannot be used"),
        "bad-input": (422, "The input cannot be used"),
        "no-face": (422, "No face was found"),
        "not-square": (422, "A face is square"),
        "no-encoder": (422, "The weights hold no encoder"),
        "too-many": (429, "Too many requests of this client wait"),
        "gone": (499, "The client is gone"),
        "failed": (500, "The server failed"),
        "worker-died": (500, "The process that computed this ended"),
        "not-ready": (503, "The server is not ready"),
        "busy": (503, "The server is busy"),
        "stopping": (503, "The server is stopping"),
        "no-memory": (503, "The memory does not suffice"),
        "deadline": (504, "It took too long"),
    }
)
"""Each code that an answer may carry: its HTTP status and its title."""

_RETRY_AFTER = MappingProxyType({"too-many": 1, "busy": 2, "not-ready": 2, "stopping": 10, "no-memory": 5})
"""Seconds."""


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """A request that cannot be answered as asked: `code` is one of PROBLEMS, the rest is as errors have it."""

    def __init__(
        self,
        code: str,
        what: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        """`retry_after` is in seconds; by default what is usual for the code."""
        super().__init__(code, what, where, hint)
        self.code, self.what, self.where, self.hint = code, what, where, hint
        self.retry_after = retry_after or _RETRY_AFTER.get(code)
        self.status, self.title = PROBLEMS[code]

    def document(self, request: str) -> dict[str, Any]:
        """The answer's body; `request` is the request's id."""
        return {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "what": self.what,
            "where": self.where,
            "hint": self.hint,
            "request": request,
        }

    def body(self, request: str) -> bytes:
        """The document as JSON; words that are not valid Unicode stay legible."""
        return json.dumps(self.document(request)).encode("ascii")

    @property
    def headers(self) -> dict[str, str]:
        """What goes with the body."""
        headers = {"content-type": MEDIA_TYPE, "cache-control": "no-store"}
        if self.retry_after:
            headers["retry-after"] = str(self.retry_after)
        if self.code == "token":
            headers["www-authenticate"] = 'Bearer realm="facesynth"'
        return headers


_KINDS: tuple[tuple[type[FacesynthError], str], ...] = (
    (NoFaceError, "no-face"),
    (NotSquareError, "not-square"),
    (NoEncoderError, "no-encoder"),
    (TooManyPixelsError, "too-many-pixels"),
    (ImageError, "bad-image"),
    (LabelMapError, "bad-labels"),
    (InputError, "bad-input"),
    (StyleError, "bad-style"),
    (UsageError, "bad-input"),
    (DeviceError, "no-memory"),
)


def problem_of(error: FacesynthError) -> Problem:
    """The problem that an error of ours is: what a client sent is its fault, all else the server's."""
    code = next((code for kind, code in _KINDS if isinstance(error, kind)), "failed")
    return Problem(code, error.what, where=error.where, hint=error.hint)


def problem_of_status(status: int, what: str) -> Problem:
    """The problem that stands for a status which the framework answers by itself."""
    codes = {404: "not-found", 405: "method", 406: "format", 413: "too-large", 415: "media-type"}
    code = codes.get(status, "bad-request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "failed")
    return Problem(code, what)


async def answer_problem(problem: Problem, request_id: str, send: Send) -> None:
    """Send a problem document."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in problem.headers.items()]
    body = problem.body(request_id)
    headers.append((b"content-length", str(len(body)).encode("ascii")))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
