"""The models as Markdown pages: every field with its type, bounds, default and meaning."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from jitsi_tenant_operator.api.constraints import EXPECTED
from jitsi_tenant_operator.api.crd import inlined_schema
from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.model import CustomResource, Definition
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject

_ANNOTATIONS = frozenset({EXPECTED})
_CLOSERS = re.compile(r"[.!?]$")


def reference_pages() -> dict[str, str]:
    """The text of each page by file name: one for each kind, and the list of them."""
    pages = {f"{_file(resource)}.md": reference_page(resource) for resource in KINDS}
    return {"README.md": _index(), **pages}


def reference_page(resource: type[CustomResource]) -> str:
    """The page of one kind."""
    schema = inlined_schema(resource, _ANNOTATIONS)
    parts = [
        f"# {resource.definition.kind}",
        _sentence(schema["description"]),
        _facts(resource.definition),
        *_rules(schema),
    ]
    for name, part in schema["properties"].items():
        parts += _section(name, part, depth=2)
    return "\n\n".join(parts) + "\n"


def _index() -> str:
    lines = [
        f"- [{resource.definition.kind}]({_file(resource)}.md): "
        + _sentence(inlined_schema(resource)["description"])
        for resource in KINDS
    ]
    return (
        f"# Reference of the kinds\n\nAll are of `{API_VERSION}`, and `kubectl get jitsi -A` lists"
        " them all.\n\n" + "\n".join(lines) + "\n"
    )


def _file(resource: type[CustomResource]) -> str:
    return resource.definition.kind.lower()


def _facts(definition: Definition) -> str:
    columns = ", ".join(
        column.name + (" (`-o wide`)" if column.wide else "") for column in definition.columns
    )
    rows = [
        ("API version", f"`{API_VERSION}`"),
        ("Scope", "in the tenant's namespace" if definition.namespaced else "cluster"),
        (
            "kubectl",
            ", ".join(f"`{name}`" for name in (definition.plural, *definition.short_names)),
        ),
        ("Columns", columns),
    ]
    if definition.scale:
        rows.append(("`kubectl scale`", f"changes `{definition.scale.spec_replicas[1:]}`"))
    return "\n".join(["| | |", "| --- | --- |", *(f"| {name} | {text} |" for name, text in rows)])


def _section(path: str, schema: JsonObject, depth: int) -> Iterator[str]:
    """The heading, table and rules of one object, then the sections of the objects in it."""
    yield f'<a id="{_anchor(path)}"></a>\n\n{"#" * min(depth, 4)} {path}'
    yield _sentence(schema["description"])
    inside = _object_in(schema)
    required = frozenset(inside.get("required", ()))
    rows = [
        _row(f"{path}.{name}", name, part, required=name in required)
        for name, part in inside["properties"].items()
    ]
    yield "\n".join(["| Field | Type | Default | Meaning |", "| --- | --- | --- | --- |", *rows])
    yield from _rules(inside)
    for name, part in inside["properties"].items():
        if "properties" in _object_in(part):
            yield from _section(f"{path}.{name}", part, depth + 1)


def _object_in(schema: JsonObject) -> JsonObject:
    """The object itself, or that of which there is a list."""
    items: JsonObject = schema.get("items", schema)
    return items


def _rules(schema: JsonObject) -> Iterator[str]:
    if rules := schema.get("x-kubernetes-validations"):
        yield "\n".join(["Rules:\n", *(f"- {rule['message']}" for rule in rules)])


def _row(path: str, name: str, schema: JsonObject, *, required: bool) -> str:
    default = "**required**" if required else _default(schema)
    meaning = _sentence(schema.get("description", ""))
    cells = (f'<a id="{_anchor(path)}"></a>`{name}`', _type(path, schema), default, meaning)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(schema: JsonObject) -> str:
    default = schema.get("default")
    if default is None:
        return ""
    if _says_nothing(default, schema):
        return "its fields' defaults"
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _says_nothing(default: Any, schema: JsonObject) -> bool:
    """Whether the fields inside have these defaults by themselves."""
    return "properties" in schema and all(
        value == schema["properties"][name].get("default") for name, value in default.items()
    )


def _type(path: str, schema: JsonObject) -> str:
    kind = str(schema["type"])
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if "properties" in schema:
        return f"[object](#{_anchor(path)})"
    if "additionalProperties" in schema:
        return f"map of strings, at most {schema['maxProperties']}"
    if kind == "array":
        return f"list of {_list_bounds(schema)}: {_type(path, schema['items'])}"
    return {"string": _text, "integer": _integer}.get(kind, lambda _: kind)(schema)


def _text(schema: JsonObject) -> str:
    if EXPECTED in schema:
        return str(schema[EXPECTED])
    if schema.get("format") == "date-time":
        return "an instant of RFC 3339"
    return f"text of at most {schema['maxLength']} characters"


def _integer(schema: JsonObject) -> str:
    if schema["format"] == "int64":
        return "integer"
    return f"integer, {schema['minimum']} to {schema['maximum']}"


def _list_bounds(schema: JsonObject) -> str:
    bounds = f"{schema.get('minItems', 0)} to {schema['maxItems']}"
    if keys := schema.get("x-kubernetes-list-map-keys"):
        return f"{bounds}, each with another `{keys[0]}`"
    return bounds + (", each once" if schema.get("x-kubernetes-list-type") == "set" else "")


def _anchor(path: str) -> str:
    return path.lower().replace(".", "-")


def _sentence(text: str) -> str:
    """`text` on one line, with a capital and a full stop."""
    line = " ".join(text.split()).replace("<", "&lt;")
    line = line[:1].upper() + line[1:]
    return line if _CLOSERS.search(line) else f"{line}."
