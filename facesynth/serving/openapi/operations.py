"""How a route is described: its body in every form, its options, its answers, and the problems that it may answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from facesynth.serving.openapi.components import SCHEMA_NAMES, SHA256, TEXT, Schema, one, whole
from facesynth.serving.problems import MEDIA_TYPE, PROBLEMS, Problem

ALWAYS = ("bad-request", "token", "origin", "host", "failed", "busy")
"""What any route may answer."""
POSTED = ("bad-field", "slow-body", "too-large", "media-type", "no-memory")
"""What any route with a body may answer."""
COMPUTED = ("too-many", "worker-died", "not-ready", "stopping", "deadline")
"""What any route that has a worker compute may answer."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a body: its schema in JSON, whether it is a file (of `media`), an example, and what it is."""

    schema: Schema
    about: str
    example: Any = None
    media: str | None = None

    @property
    def in_form(self) -> Schema:
        """As a part of a form: a file's bytes, else text."""
        return {"type": "string", "format": "binary"} if self.media else self.schema

    def told(self, schema: Schema) -> Schema:
        """A schema with the description and the example."""
        shown = {} if self.example is None else {"examples": [self.example]}
        return {"allOf": [schema], "description": self.about} | shown if "$ref" in schema else {
            **schema, "description": self.about, **shown}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """A body: `required` and other fields; `file` is the one that a body of type `raw` stands for.

    One of the fields in `either` must be there.
    """

    file: str
    required: Mapping[str, Field] = field(default_factory=dict)
    optional: Mapping[str, Field] = field(default_factory=dict)
    raw: tuple[str, ...] = ()
    examples: Mapping[str, Any] = field(default_factory=dict)
    either: tuple[str, ...] = ()

    def document(self) -> Schema:
        """The body as OpenAPI has it."""
        fields = {**self.required, **self.optional}
        shape: Schema = {"type": "object", "required": list(self.required), "additionalProperties": False}
        if self.either:
            shape["anyOf"] = [{"required": [name]} for name in self.either]
        form = {name: each.told(each.in_form) for name, each in fields.items() if "." not in name or each.media}
        as_json = {name: each.told(each.schema) for name, each in fields.items()}
        content: dict[str, Any] = {
            "multipart/form-data": {
                "schema": {**shape, "properties": form},
                "encoding": {name: {"contentType": each.media} for name, each in fields.items() if each.media},
            },
            "application/json": {"schema": {**shape, "properties": as_json}},
        }
        if self.examples:
            content["application/json"]["examples"] = {
                name: {"summary": name, "value": value} for name, value in self.examples.items()
            }
        content |= {media: {"schema": {"type": "string", "format": "binary"}} for media in self.raw}
        return {"required": True, "content": content}


def option(name: str, schema: Schema, about: str) -> Schema:
    """An option of a query."""
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": about}


SIZE = option("size", whole(16, 2048), "Side of the result in pixels.")
SCHEMA = option("schema", SCHEMA_NAMES, "The order of ids in the label map, where it does not say.")
QUALITY = option("quality", whole(1, 100), "Of WebP; 90 by default.")
REQUEST: Mapping[str, Schema] = MappingProxyType(
    {"X-Request-ID": {**TEXT, "description": "The request's id, by which the log names it."}}
)
TIMING: Mapping[str, Schema] = MappingProxyType(
    {"Server-Timing": {**TEXT, "description": "How long it waited and was worked on, where a worker was asked."}}
)
LABELS: Mapping[str, Schema] = MappingProxyType(
    {"X-Labels": {**SHA256, "description": "The label map's digest, to be sent as labels_sha256 in its place."}}
)
SESSION: Schema = {
    "name": "X-Studio-Session",
    "in": "header",
    "required": False,
    "schema": {**TEXT, "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "description": "Whose request it is: sessions are served in turn, and of one the newest painting wins.",
}


def documented(
    summary: str,
    answers: Mapping[str, Mapping[str, Any]],
    *,
    body: Body | None = None,
    options: Iterable[Schema] = (),
    problems: Iterable[str] = (),
    headers: Mapping[str, Schema] = MappingProxyType({}),
    about: str = "",
) -> dict[str, Any]:
    """What FastAPI is told of a route whose answer is of one of these media types.

    `problems` are the codes that it may answer beside those of every route of its sort, `headers` what it tells beside
    the answer.
    """
    codes = [*ALWAYS, *(POSTED if body else ()), *problems]
    told = _headers({**REQUEST, **(TIMING if "deadline" in codes else {}), **headers})
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(PROBLEMS[code][0], []).append(code)
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": summary, "content": dict(answers), "headers": told}
    }
    responses |= {status: _problem(status, named) for status, named in sorted(by_status.items())}
    extra: dict[str, Any] = {"parameters": [*options, *([SESSION] if body else [])]}
    if body:
        extra["requestBody"] = body.document()
    return {
        "summary": summary,
        "description": about or summary,
        "responses": responses,
        "openapi_extra": extra,
        "response_model": None,
    }


def _problem(status: int, codes: list[str]) -> dict[str, Any]:
    example = {
        "type": "about:blank",
        "title": PROBLEMS[codes[0]][1],
        "status": status,
        "code": codes[0],
        "what": PROBLEMS[codes[0]][1].lower(),
        "where": None,
        "hint": None,
        "request": "0123456789abcdef",
    }
    told = "; ".join(f"`{code}`: {PROBLEMS[code][1].lower()}" for code in codes)
    headers = dict(REQUEST)
    if any(Problem(code, "").retry_after for code in codes):
        headers["Retry-After"] = {**whole(1), "description": "Seconds after which to try again."}
    if "token" in codes:
        headers["WWW-Authenticate"] = {**TEXT, "description": "How to send the token."}
    content = {MEDIA_TYPE: {"schema": one("Problem"), "example": example}}
    return {"description": told, "content": content, "headers": _headers(headers)}


def _headers(schemas: Mapping[str, Schema]) -> dict[str, Any]:
    """Headers as OpenAPI has them; their descriptions lie beside their schemas."""
    return {
        name: {
            "description": schema["description"],
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in schemas.items()
    }


def as_json(schema: str) -> dict[str, Any]:
    """An answer in JSON."""
    return {"application/json": {"schema": one(schema)}}


def as_file(*media: str) -> dict[str, Any]:
    """An answer that is a file of one of these types."""
    return {each: {"schema": {"type": "string", "format": "binary"}} for each in media}
