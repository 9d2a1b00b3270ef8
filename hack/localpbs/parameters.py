"""Names and parameters as the documented schema has them: patterns, lengths, kinds."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localpbs.errors import RefusedError

Value = str | int | bool | tuple[str, ...]

_COMPONENT = r"[A-Za-z0-9_][A-Za-z0-9._\-]*"
_LONGEST_COMPONENT = 32
_DEEPEST = 7
_LONGEST_NAMESPACE = 256
_WORDS = {"1": True, "true": True, "on": True, "yes": True}
_OPPOSITES = {"0": False, "false": False, "off": False, "no": False}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a route: how it is read, and whether it must be there."""

    read: Callable[[Any], Value]
    required: bool = False


def required(parameter: Parameter) -> Parameter:
    """The same parameter, without which the request is refused."""
    return Parameter(parameter.read, required=True)


def read(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> dict[str, Value]:
    """The parameters of a request; RefusedError names each that does not fit the schema."""
    values: dict[str, Value] = {}
    problems = [
        f"parameter '{name}': schema does not allow additional properties"
        for name in given
        if name not in known
    ]
    for name, parameter in known.items():
        if name not in given:
            if parameter.required:
                problems.append(f"parameter '{name}': parameter is missing and it is not optional.")
            continue
        try:
            values[name] = parameter.read(given[name])
        except ValueError as error:
            problems.append(f"parameter '{name}': {error}")
    if problems:
        raise RefusedError("parameter verification errors\n\n" + "\n".join(problems) + "\n")
    return values


def text(pattern: str, shortest: int = 1, longest: int = 64) -> Parameter:
    """A text of that form; `shortest` and `longest` in characters."""
    form = re.compile(pattern)

    def check(value: Any) -> str:
        if not isinstance(value, str) or not shortest <= len(value) <= longest:
            raise ValueError(f"value must be {shortest} to {longest} characters long")
        if form.fullmatch(value) is None:
            raise ValueError("value does not match the regex pattern")
        return value

    return Parameter(check)


def integer(least: int = 0, most: int = 2**53) -> Parameter:
    """A whole number."""

    def check(value: Any) -> int:
        number = int(value)
        if not least <= number <= most:
            raise ValueError(f"value must be from {least} to {most} (got {number})")
        return number

    return Parameter(check)


def _boolean(value: Any) -> bool:
    word = str(value).lower()
    known = _WORDS | _OPPOSITES
    if word not in known:
        raise ValueError("Unable to parse boolean option.")
    return known[word]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (str(value),)


def check_namespace(value: Any) -> str:
    """A namespace, which is empty for the root; ValueError for one that cannot be."""
    if not isinstance(value, str):
        raise ValueError("value must be a text")  # noqa: TRY004 - what `read` expects
    parts = value.split("/") if value else []
    if len(parts) > _DEEPEST:
        raise ValueError(f"namespace to deep, {len(parts)} > max {_DEEPEST}")
    if len(value) > _LONGEST_NAMESPACE:
        raise ValueError(f"value may only be {_LONGEST_NAMESPACE} characters long")
    for part in parts:
        if len(part) > _LONGEST_COMPONENT or re.fullmatch(_COMPONENT, part) is None:
            raise ValueError(f"invalid namespace component '{part}'")
    return value


BOOLEAN = Parameter(_boolean)
TEXTS = Parameter(_texts)
ANY_TEXT = text(r"[\s\S]*", shortest=0, longest=8192)
ID = text(_COMPONENT, shortest=3, longest=32)
COMPONENT = text(_COMPONENT, longest=_LONGEST_COMPONENT)
NAMESPACE = Parameter(check_namespace)
BACKUP_TYPE = text("vm|ct|host")
BACKUP_ID = text(_COMPONENT)
BACKUP_TIME = integer()
AUTH_ID = text(r"[^\s:/@!]+@[A-Za-z0-9_.\-]+(![A-Za-z0-9_][A-Za-z0-9._\-]*)?", shortest=3)
USER_ID = text(r"[^\s:/@!]+@[A-Za-z0-9_.\-]+", shortest=3)
ACL_PATH = text(r"/|(/[^/]+)+", longest=128)
FINGERPRINT = text(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){31}", longest=95)
DEPTH = integer(0, _DEEPEST)
KEEP: Mapping[str, Parameter] = {
    f"keep-{period}": integer(1)
    for period in ("last", "hourly", "daily", "weekly", "monthly", "yearly")
}
