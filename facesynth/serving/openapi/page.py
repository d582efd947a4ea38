"""The API's documentation as one page without script, made of what the API says of itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from facesynth.core.markup import text

STYLE_SHEET = "/docs.css"
_SHARED = "#/components/schemas/"


def docs_page(described: Mapping[str, Any]) -> str:
    """The page of an OpenAPI document; its style sheet is another file, as the server's policy wants it."""
    lines = [
        f"<h1>{text(described['info']['title'])} {text(described['info']['version'])}</h1>",
        f"<p>{text(described['info']['description'])}</p>",
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>',
    ]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            lines += _operation(path, method, operation)
    lines.append("<h2>Documents</h2>")
    for name, schema in described["components"]["schemas"].items():
        lines.append(f'<h3 id="{text(name)}">{text(name)}</h3>')
        if about := schema.get("description"):
            lines.append(f"<p>{text(about)}</p>")
        lines.append(f"<pre tabindex='0'>{_linked(schema)}</pre>")
    body = "\n".join(lines)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>facesynth: API</title>\n<link rel="stylesheet" href="{STYLE_SHEET}"></head>\n'
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> Iterable[str]:
    yield f"<h2>{method.upper()} {text(path)}</h2>"
    yield f"<p>{text(operation['description'])}</p>"
    options = operation.get("parameters", [])
    if options:
        yield from _table(
            ("option", "in", "what", "type"),
            ((each["name"], each["in"], each.get("description", ""), _short(each["schema"])) for each in options),
        )
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content["schema"]
        if media == "multipart/form-data":
            required = schema.get("required", [])
            yield "<p>Body: a form, or JSON with files as base64, of these fields</p>"
            yield from _table(
                ("field", "needed", "what", "type"),
                ((name, "required" if name in required else "", field.get("description", ""), _short(field))
                 for name, field in schema["properties"].items()),
            )  # fmt: skip
        elif media != "application/json":
            yield f"<p>or {text(media)}: the file itself</p>"
        for example in content.get("examples", {}).values():
            yield f"<p>Example: {text(example['summary'])}</p>"
            yield f"<pre tabindex='0'>{text(json.dumps(example['value']))}</pre>"
    yield from _table(
        ("status", "as", "what", "document"),
        ((status, ", ".join(answer.get("content", {})), answer["description"], _answered(answer))
         for status, answer in operation["responses"].items()),
    )  # fmt: skip


def _answered(answer: Mapping[str, Any]) -> str:
    named = {_short(content["schema"]) for content in answer.get("content", {}).values() if "$ref" in content["schema"]}
    return ", ".join(sorted(named))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    yield "<table><tr>" + "".join(f"<th>{text(cell)}</th>" for cell in head) + "</tr>"
    for row in rows:
        yield "<tr>" + "".join(f"<td>{text(cell)}</td>" for cell in row) + "</tr>"
    yield "</table>"


def _short(schema: Mapping[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_SHARED)
    if "allOf" in schema:
        return _short(schema["allOf"][0])
    if "anyOf" in schema:
        return " or ".join(_short(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['type']} {schema['minimum']} to {schema['maximum']}"
    return str(schema.get("format") or schema.get("contentEncoding") or schema.get("type", ""))


def _linked(schema: Mapping[str, Any]) -> str:
    shown = text(json.dumps({key: value for key, value in schema.items() if key != "description"}, indent=1))
    return shown.replace(_SHARED, "#")
