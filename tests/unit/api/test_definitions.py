"""The schemas that are made from the models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import pytest
import yaml
from pydantic import Field

from jitsi_tenant_operator.api.crd import (
    crd_files,
    crds,
    custom_resource_definition,
    inlined_schema,
    structural_schema,
)
from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.model import CustomResource, Definition, Model

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.definition.kind))


def walk(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema in `schema` with its path."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from walk(part, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from walk(schema["additionalProperties"], f"{path}{{}}")


@each_kind
def test_everything_is_bounded(kind: type[CustomResource]) -> None:
    bounds = {
        "string": {"maxLength", "enum", "format"},
        "array": {"maxItems"},
        "integer": {"maximum"},
    }
    for path, schema in walk(inlined_schema(kind), ""):
        assert schema["type"] in {"string", "array", "object", "boolean", "integer"}, path
        if schema["type"] in bounds:
            assert bounds[schema["type"]] & schema.keys(), path
        elif "additionalProperties" in schema:
            assert "maxProperties" in schema, path
        elif schema["type"] == "object":
            assert "properties" in schema, path


@each_kind
def test_everything_is_described(kind: type[CustomResource]) -> None:
    for path, schema in walk(inlined_schema(kind), ""):
        if path.endswith(("[]", "{}")) and "properties" not in schema:
            continue
        assert schema.get("description"), path


@each_kind
def test_every_list_says_how_it_is_merged_or_keeps_an_order(kind: type[CustomResource]) -> None:
    ordered = {"reminders", "issuers", "audiences", "countries", "addresses"}
    for path, schema in walk(inlined_schema(kind), ""):
        if schema["type"] == "array" and path.rpartition(".")[2] not in ordered:
            assert "x-kubernetes-list-type" in schema, path


@each_kind
def test_every_rule_of_a_model_is_in_the_schema(kind: type[CustomResource]) -> None:
    written = {
        rule["rule"]
        for _, schema in walk(structural_schema(kind), "")
        for rule in schema.get("x-kubernetes-validations", ())
    }

    def rules(model: Any) -> Iterator[str]:
        yield from (rule.cel for rule in model.rules)
        for field in model.model_fields.values():
            for inner in _models(field.annotation):
                yield from rules(inner)

    assert set(rules(kind)) <= written


def _models(annotation: Any) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _models(part)


def sections(model: Any, schema: dict[str, Any]) -> Iterator[tuple[Model, dict[str, Any]]]:
    """Each section that has a default, with its schema."""
    for name, field in model.model_fields.items():
        part = schema["properties"].get(field.alias or name, {})
        if isinstance(field.default, Model):
            yield field.default, part
        for inner in _models(field.annotation) if "properties" in part else ():
            yield from sections(inner, part)


def filled(schema: dict[str, Any], value: Any) -> Any:
    """`value` with defaults filled in from the outside in, as the API server does it."""
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    parts = schema["properties"].items()
    defaults = {name: part["default"] for name, part in parts if "default" in part}
    return {
        name: filled(schema["properties"][name], part)
        for name, part in {**defaults, **value}.items()
    }


@each_kind
def test_the_default_of_every_section_is_what_the_model_has(kind: type[CustomResource]) -> None:
    for default, schema in sections(kind, inlined_schema(kind)):
        assert filled(schema, schema["default"]) == default.to_json()


@each_kind
def test_names_and_scope(kind: type[CustomResource]) -> None:
    definition = custom_resource_definition(kind)
    spec = definition["spec"]
    assert definition["metadata"]["name"] == f"{spec['names']['plural']}.{spec['group']}"
    assert spec["names"]["plural"] == spec["names"]["plural"].lower()
    assert spec["names"]["categories"] == ["jitsi"]
    assert [version["name"] for version in spec["versions"]] == ["v1alpha1"]
    columns = spec["versions"][0]["additionalPrinterColumns"]
    assert columns[-1]["name"] == "Age"


def test_short_names_differ() -> None:
    names = [name for kind in KINDS for name in kind.definition.short_names]
    assert len(set(names)) == len(names)


def test_each_file_is_one_document_of_the_whole_text() -> None:
    whole = list(yaml.safe_load_all(crds()))
    apart = [yaml.safe_load(text) for text in crd_files().values()]
    assert whole == apart == [custom_resource_definition(kind) for kind in KINDS]


class Nested(Model):
    """A part."""

    choice: int | str = 1
    """Something that a structural schema cannot say."""


class UnfitSpec(Model):
    """A spec."""

    nested: Nested = Nested()
    """A part."""


class Unfit(CustomResource):
    """A kind whose schema is not structural."""

    definition: ClassVar = Definition("Unfit", "unfits", (), namespaced=False)
    spec: UnfitSpec
    """The spec."""


class TooFineSpec(Model):
    """A spec."""

    ratio: Annotated[int, Field(multiple_of=2)] = 2
    """A number with a bound that no other field has."""


class TooFine(CustomResource):
    """A kind with a keyword that nobody decided on."""

    definition: ClassVar = Definition("TooFine", "toofines", (), namespaced=False)
    spec: TooFineSpec
    """The spec."""


@pytest.mark.parametrize("kind", [Unfit, TooFine])
def test_what_structural_schemas_cannot_say_is_an_error(kind: type[CustomResource]) -> None:
    with pytest.raises(ValueError, match=r"structural|unpack"):
        custom_resource_definition(kind)
