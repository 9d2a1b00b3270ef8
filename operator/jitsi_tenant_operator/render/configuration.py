"""Configuration files of the Jitsi images: Jinja2 templates with strict escaping.

A value reaches a file only through the filter of that file's language, so that no text of a
tenant can end a string, a statement or a comment. Filters write ASCII only. Text of tenants goes
into JavaScript and HTML alone; what the images themselves paste into Lua, HOCON, nginx and
saslauthd files are variables whose patterns in the API leave nothing to escape.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from jitsi_tenant_operator.render.context import Source, TenantContext

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 ._-/:@")


def javascript(value: Any) -> str:
    """`value` as a JavaScript literal, safe inside a script element.

    nginx looks for server-side includes (<!--#) in config.js, hence no < either.
    """
    text = json.dumps(value, ensure_ascii=True)
    for character in "<>&'":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def html(value: str) -> str:
    """`value` as text or attribute of HTML: everything unusual as a character reference."""
    return "".join(
        character if character in _PLAIN else f"&#{ord(character)};" for character in value
    )


def _environment() -> Environment:
    found = Environment(
        loader=PackageLoader("jitsi_tenant_operator.render"),
        autoescape=False,  # noqa: S701 - each language has its own filter
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters.update(javascript=javascript, html=html)
    return found


_ENVIRONMENT = _environment()


@lru_cache(maxsize=64)
def _template(name: str) -> Template:
    return _ENVIRONMENT.get_template(name)


@lru_cache(maxsize=64)
def _constant(name: str) -> str:
    return _template(name).render()


@dataclass(frozen=True, slots=True)
class File:
    """A file that is put into a container at `path`."""

    path: str
    content: str
    executable: bool = False

    @property
    def key(self) -> str:
        """Its key in the ConfigMap of the component."""
        return self.path.rpartition("/")[2]


def file(path: str, template: str, *, executable: bool = False, **values: Any) -> File:
    """The file that a template of this package gives with `values`."""
    content = _template(template).render(values) if values else _constant(template)
    return File(path, content, executable)


def configuration_hash(
    context: TenantContext, files: Iterable[File], sources: Iterable[Source]
) -> str:
    """A hash of all that a pod reads only at its start: its files and what others wrote."""
    content = {each.path: each.content for each in files}
    digests = {f"{each.kind}/{each.name}/{each.key}": context.digest(each) for each in sources}
    text = json.dumps([content, digests], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
