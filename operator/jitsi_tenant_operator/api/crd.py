"""The models as CustomResourceDefinitions, with the structural schemas that Kubernetes asks for.

What the API server holds an object against is what the models hold a file against: types, bounds,
defaults and rules are all taken from the models, and nothing is added by hand. A keyword that
structural schemas do not know is an error here rather than at installation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import yaml

from jitsi_tenant_operator.api.constraints import EXPECTED
from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.model import CustomResource, Definition, PrinterColumn
from jitsi_tenant_operator.api.objects import GROUP, VERSION, JsonObject

_KEPT = frozenset(
    {
        "default",
        "description",
        "enum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "required",
        "type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-validations",
    }
)
_DROPPED = frozenset({"title", "examples", EXPECTED})

_API_VERSION = {
    "type": "string",
    "description": "The group and version of this representation of the object.",
}
_KIND = {"type": "string", "description": "The kind of the object."}


def custom_resource_definition(resource: type[CustomResource]) -> JsonObject:
    """The CustomResourceDefinition (apiextensions.k8s.io/v1) of one kind."""
    definition = resource.definition
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{definition.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": _names(definition),
            "scope": "Namespaced" if definition.namespaced else "Cluster",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": structural_schema(resource)},
                    "additionalPrinterColumns": _columns(definition),
                    **_subresources(resource),
                }
            ],
        },
    }


def crd_files() -> dict[str, str]:
    """The text of each kind's CustomResourceDefinition, by file name."""
    return {f"{GROUP}_{resource.definition.plural}.yaml": crd_yaml(resource) for resource in KINDS}


def crds() -> str:
    """All CustomResourceDefinitions as one multi-document YAML text."""
    return "".join(crd_yaml(resource) for resource in KINDS)


def crd_yaml(resource: type[CustomResource]) -> str:
    """The CustomResourceDefinition of one kind as a YAML document."""
    text = yaml.safe_dump(
        custom_resource_definition(resource), sort_keys=True, width=100, allow_unicode=True
    )
    return f"---\n{text}"


def structural_schema(resource: type[CustomResource]) -> JsonObject:
    """The schema of one kind, with metadata left to the API server."""
    schema = inlined_schema(resource)
    properties = schema["properties"]
    schema["properties"] = {
        "apiVersion": _API_VERSION,
        "kind": _KIND,
        **properties,
        "metadata": {"type": "object"},
    }
    schema["required"] = [name for name in schema["required"] if name != "metadata"]
    return schema


def inlined_schema(
    resource: type[CustomResource], annotations: AbstractSet[str] = frozenset()
) -> JsonObject:
    """The schema of `spec` and `status` without references.

    Of the keywords that structural schemas do not know, those in `annotations` are kept.
    """
    raw = resource.model_json_schema(by_alias=True)
    del raw["properties"]["metadata"]
    return _Inliner(raw.pop("$defs", {}), _KEPT | annotations).inline(raw)


class _Inliner:
    """Turns the JSON schema of pydantic into a structural one without references."""

    def __init__(self, definitions: Mapping[str, JsonObject], kept: AbstractSet[str]) -> None:
        self._definitions = definitions
        self._kept = kept

    def inline(self, raw: JsonObject) -> JsonObject:
        raw = self._resolved(raw)
        schema: JsonObject = {}
        for keyword, value in raw.items():
            if keyword == "properties":
                schema[keyword] = {name: self.inline(part) for name, part in value.items()}
            elif keyword == "items":
                schema[keyword] = self.inline(value)
            elif keyword in self._kept:
                schema[keyword] = value
            elif keyword not in _DROPPED | {"patternProperties", "propertyNames"}:
                raise ValueError(f"structural schemas have no keyword {keyword}: {raw}")
        if "patternProperties" in raw:
            self._inline_map(raw, schema)
        if schema.get("type") == "integer":
            schema.setdefault("format", "int32")
        if "default" in schema:
            schema["default"] = _shortened(schema["default"], schema)
        return schema

    def _resolved(self, raw: JsonObject) -> JsonObject:
        """`raw` with its reference or its one alternative merged into it; its own words win."""
        siblings = dict(raw)
        if "anyOf" in raw:
            (alternative,) = [part for part in siblings.pop("anyOf") if part != {"type": "null"}]
            if siblings.get("default", ...) is None:
                del siblings["default"]
        elif "$ref" in raw:
            alternative = self._definitions[siblings.pop("$ref").removeprefix("#/$defs/")]
        else:
            return raw
        return {**self._resolved(alternative), **siblings}

    def _inline_map(self, raw: JsonObject, schema: JsonObject) -> None:
        """A map: structural schemas bound its values but not its keys, which takes a rule."""
        ((pattern, value),) = raw["patternProperties"].items()
        names = raw["propertyNames"]
        schema["additionalProperties"] = self.inline(value)
        schema["x-kubernetes-validations"] = [
            *schema.get("x-kubernetes-validations", []),
            {
                "rule": f"self.all(key, key.size() <= {names['maxLength']}"
                f" && key.matches({cel_string(pattern)}))",
                "message": f"each key must be {names[EXPECTED]}",
            },
        ]


def cel_string(text: str) -> str:
    """`text` as a string literal of CEL."""
    return json.dumps(text)


def _shortened(default: Any, schema: JsonObject, *, whole: bool = False) -> Any:
    """`default` without what the defaults of the fields inside say by themselves.

    One that rules look at stays `whole`: the API server evaluates them before it fills anything in.
    """
    if not isinstance(default, dict) or "properties" not in schema:
        return default
    whole = whole or "x-kubernetes-validations" in schema
    shortened = {}
    for name, value in default.items():
        inner = schema["properties"][name]
        part = _shortened(value, inner, whole=whole)
        if part is not None and (whole or part != inner.get("default", ...)):
            shortened[name] = part
    return shortened


def _names(definition: Definition) -> JsonObject:
    return {
        "kind": definition.kind,
        "listKind": f"{definition.kind}List",
        "plural": definition.plural,
        "singular": definition.kind.lower(),
        "shortNames": list(definition.short_names),
        "categories": ["jitsi"],
    }


def _columns(definition: Definition) -> list[JsonObject]:
    age = PrinterColumn("Age", ".metadata.creationTimestamp", "date")
    return [_column(column) for column in (*definition.columns, age)]


def _column(column: PrinterColumn) -> JsonObject:
    written: JsonObject = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.description:
        written["description"] = column.description
    if column.wide:
        written["priority"] = 1
    return written


def _subresources(resource: type[CustomResource]) -> dict[str, Any]:
    subresources: JsonObject = {}
    if "status" in resource.model_fields:
        subresources["status"] = {}
    if scale := resource.definition.scale:
        subresources["scale"] = {
            "specReplicasPath": scale.spec_replicas,
            "statusReplicasPath": scale.status_replicas,
            "labelSelectorPath": scale.selector,
        }
    return {"subresources": subresources} if subresources else {}
