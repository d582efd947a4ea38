"""From a request to its fields."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request

from facesynth.serving.body.fields import Fields, parsed_json
from facesynth.serving.body.multipart import parts_of
from facesynth.serving.problems import Problem
from facesynth.serving.settings import Limits

_QUERY = 24
"""Options in a query."""


def fields_of(request: Request, body: bytes, file: str, limits: Limits) -> Fields:
    """The fields of a query and of a body, which may also be `file` itself. Safe in a thread.

    Raises Problem: bad-request, bad-field where one comes twice, media-type for another kind of body.
    """
    values: dict[str, Any] = {}
    query = request.query_params.multi_items()
    if len(query) > _QUERY:
        raise Problem("bad-request", f"the query has more than {_QUERY} options", where="query")
    for name, value in query:
        _add(values, name, value)
    for name, value in _of_body(request, body, file, limits):
        _add(values, name, value)
    return Fields(values)


def _of_body(request: Request, body: bytes, file: str, limits: Limits) -> list[tuple[str, Any]]:
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return [(part.name, part.data if part.is_file else _decoded(part.data, part.name))
                for part in parts_of(body, content_type, limits.parts)]  # fmt: skip
    if kind == "application/json":
        document = parsed_json(body, "body")
        if not isinstance(document, dict):
            raise Problem("bad-request", "a JSON object is wanted", where="body")
        return [(name, value) for name, value in document.items() if value is not None]
    if kind.startswith("image/") or kind == "application/octet-stream":
        return [(file, body)]
    if not kind and not body:
        return []
    taken = "multipart/form-data, application/json, image/* and application/octet-stream"
    raise Problem("media-type", f"{kind or 'a body without a type'} is not taken", hint=f"these are: {taken}")


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        hint = "send files with a file name"
        raise Problem("bad-field", "this is not text in UTF-8", where=name, hint=hint) from None


def _add(values: dict[str, Any], name: str, value: Any) -> None:
    if name in values:
        raise Problem("bad-field", "this field is sent twice", where=name)
    values[name] = value
