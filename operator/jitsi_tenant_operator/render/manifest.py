"""Objects as a YAML text that a person reads: in order, files as blocks."""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from jitsi_tenant_operator.api.objects import JsonObject


class _Dumper(yaml.SafeDumper):
    """Writes each value where it stands, without anchors."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class calls it so
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def as_yaml(objects: Iterable[JsonObject]) -> str:
    """A multi-document YAML text of `objects`, fields in the order in which they were given."""
    return yaml.dump_all(
        objects,
        Dumper=_Dumper,
        explicit_start=True,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )
