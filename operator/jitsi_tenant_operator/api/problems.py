"""What pydantic found wrong, as a field's path and a sentence that says what is expected there.

No sentence repeats a value: it may be a secret that was put into the wrong field.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any, TypeAlias, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Location: TypeAlias = tuple[int | str, ...]
"""Where a value stands: the keys and indices that lead to it."""

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9]*")

_EXPECTATIONS = {
    "bool_type": "expected true or false",
    "dict_type": "expected keys and values",
    "greater_than_equal": "expected at least {ge}",
    "int_type": "expected a whole number",
    "less_than_equal": "expected at most {le}",
    "missing": "required",
    "model_type": "expected an object with fields of its own",
    "string_too_long": "expected at most {max_length} characters",
    "string_too_short": "expected at least {min_length} characters",
    "string_type": "expected text; a number or a date needs quotes",
    "too_long": "expected at most {max_length} items",
    "too_short": "expected at least {min_length} items",
    "tuple_type": "expected a list",
}


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Path and expectation of each field of `model` that `error` speaks of."""
    for detail in error.errors(include_url=False, include_input=False):
        yield path_of(detail["loc"]), _expectation(detail, model)


def path_of(loc: Location) -> str:
    """A field's path as people write it, for instance spec.clauses[0].terms."""
    path = ""
    for part in loc:
        if part == "[key]":
            break
        if isinstance(part, int):
            path += f"[{part}]"
        elif _PLAIN.fullmatch(part):
            path += f".{part}" if path else part
        else:
            path += f"[{part!r}]"
    return path


def _expectation(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        return "unknown field" + _similar(detail["loc"], model)
    if kind == "enum":
        values = re.findall(r"'([^']*)'", context["expected"])
        quotes = "'" if all(value.isdigit() for value in values) else ""
        return "expected one of " + ", ".join(f"{quotes}{value}{quotes}" for value in values)
    if kind in _EXPECTATIONS:
        return _EXPECTATIONS[kind].format_map(context)
    return detail["msg"].removeprefix("Value error, ")


def _similar(loc: Location, model: type[BaseModel]) -> str:
    """A hint at the field that may have been meant."""
    inside: type[BaseModel] | None = model
    for part in loc[:-1]:
        if isinstance(part, str) and inside is not None:
            inside = _model_of(inside, part)
    if inside is None:
        return ""
    names = [field.alias or name for name, field in inside.model_fields.items()]
    lowered = {name.lower(): name for name in names}
    close = difflib.get_close_matches(str(loc[-1]).lower(), lowered, n=1)
    return f"; did you mean {lowered[close[0]]}?" if close else ""


def _model_of(model: type[BaseModel], alias: str) -> type[BaseModel] | None:
    for name, field in model.model_fields.items():
        if (field.alias or name) == alias:
            return _model_in(field.annotation)
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        if found := _model_in(part):
            return found
    return None
