"""Objects of every kind, valid and not, and the API server's verdict on them."""

from __future__ import annotations

import copy
import http.client
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import strategies as st

from jitsi_tenant_operator.api.backup import JitsiBackup
from jitsi_tenant_operator.api.crd import inlined_schema
from jitsi_tenant_operator.api.hold import JitsiLegalHold
from jitsi_tenant_operator.api.kinds import KINDS
from jitsi_tenant_operator.api.maintenance import JitsiMaintenance
from jitsi_tenant_operator.api.model import CustomResource, InvalidObjectError, Model
from jitsi_tenant_operator.api.notice import JitsiNotice
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject
from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.problems import _model_of
from jitsi_tenant_operator.api.record import JitsiTenantRecord
from jitsi_tenant_operator.api.restore import JitsiRestore
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms
from localplane import Connection

BASES: Mapping[type[CustomResource], JsonObject] = {
    JitsiTenant: {
        "contract": {
            "reference": "DC-1",
            "client": {"legalName": "ACME", "email": "it@acme.example"},
            "term": "P12M",
        },
        "plan": "essential",
    },
    JitsiPlan: {},
    JitsiPlatform: {
        "domain": "meet.example.org",
        "entry": {
            "ingress": {"className": "nginx"},
            "tls": {"issuer": {"name": "letsencrypt"}},
        },
        "location": {"country": "FR", "site": "Paris", "nodeSelector": {"zone": "a"}},
    },
    JitsiTerms: {
        "type": "TermsOfService",
        "title": "Terms of service",
        "effectiveFrom": "2026-05-19",
        "address": "https://example.org/terms",
        "sha256": "0" * 64,
        "clauses": [{"clause": "1", "terms": {}}],
    },
    JitsiTenantRecord: {
        "tenant": {"namespace": "tenant-acme", "name": "acme"},
        "contract": "DC-1",
    },
    JitsiMaintenance: {
        "start": "2027-03-20T21:00:00Z",
        "end": "2027-03-20T23:00:00Z",
        "description": "work",
    },
    JitsiNotice: {"about": "LatePayment"},
    JitsiLegalHold: {"basis": "a claim", "requestedBy": "counsel"},
    JitsiBackup: {"tenant": "acme"},
    JitsiRestore: {"tenant": "acme", "date": "2026-06-01"},
}
"""The smallest valid spec of each kind."""


@dataclass(frozen=True)
class Verdict:
    """What the API server said of an object; `found` is the object as it would be stored."""

    accepted: bool
    message: str
    found: JsonObject


class Server:
    """Sends objects to the API server over one connection, strictly, and never raises."""

    def __init__(self, plane: Connection) -> None:
        address = urlsplit(plane.server).netloc
        self._connection = http.client.HTTPSConnection(address, context=plane.ssl_context())
        self._headers = plane.headers

    def dry_run(self, kind: type[CustomResource], obj: JsonObject) -> Verdict:
        """Whether `obj` could be created, in the namespace `default` where it needs one."""
        verdict = self.send("POST", _folder(kind, "default"), obj, "dryRun=All")
        # Validation comes before the look at what is there already.
        exists = verdict.found.get("reason") == "AlreadyExists"
        return Verdict(accepted=True, message="", found={}) if exists else verdict

    def create(self, kind: type[CustomResource], namespace: str, obj: JsonObject) -> Verdict:
        return self.send("POST", _folder(kind, namespace), obj)

    def replace(self, kind: type[CustomResource], namespace: str, obj: JsonObject) -> Verdict:
        path = f"{_folder(kind, namespace)}/{obj['metadata']['name']}"
        return self.send("PUT", path, obj)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Verdict:
        everything = {
            **self._headers,
            "Content-Type": "application/json",
            "Accept": "application/json",
            **(headers or {}),
        }
        text = None if body is None else json.dumps(body)
        self._connection.request(method, f"{path}?fieldValidation=Strict&{query}", text, everything)
        answer = self._connection.getresponse()
        found = json.loads(answer.read())
        accepted = answer.status < http.HTTPStatus.BAD_REQUEST
        return Verdict(accepted, "" if accepted else found["message"], found)

    def close(self) -> None:
        self._connection.close()


def _folder(kind: type[CustomResource], namespace: str) -> str:
    inside = f"/namespaces/{namespace}" if kind.definition.namespaced else ""
    return f"/apis/{API_VERSION}{inside}/{kind.definition.plural}"


@pytest.fixture(scope="module")
def server(plane: Connection) -> Iterator[Server]:
    """The API server, asked strictly and mostly without consequence."""
    connected = Server(plane)
    yield connected
    connected.close()


@dataclass(frozen=True)
class RuleHolder:
    """A place in a kind where a model with rules stands."""

    kind: type[CustomResource]
    path: tuple[str, ...]
    model: type[Model]
    schema: JsonObject

    def __str__(self) -> str:
        return ".".join((self.kind.definition.kind, *self.path))


class Objects:
    """Makes objects of our kinds: the smallest ones, and strategies for all of them."""

    bases = BASES

    def base(self, kind: type[CustomResource], spec: JsonObject | None = None) -> JsonObject:
        """An object with `spec`, or with the smallest valid one."""
        name = "default" if kind is JitsiPlatform else "sample"
        namespace = {"namespace": "default"} if kind.definition.namespaced else {}
        return {
            "apiVersion": API_VERSION,
            "kind": kind.definition.kind,
            "metadata": {"name": name, **namespace},
            "spec": copy.deepcopy(BASES[kind] if spec is None else spec),
        }

    def with_value(self, kind: type[CustomResource], path: str, value: Any) -> JsonObject:
        """The smallest object with `value` at `path`, or without the field when it is `...`."""
        obj = self.base(kind)
        inside: Any = obj
        *parents, last = [
            int(part) if part.isdigit() else part for part in re.findall(r"[^.\[\]]+", path)
        ]
        for parent in parents:
            inside = inside.setdefault(parent, {}) if isinstance(inside, dict) else inside[parent]
        if value is ...:
            del inside[last]
        elif isinstance(inside, list) and last == len(inside):
            inside.append(value)
        else:
            inside[last] = value
        return obj

    def with_section(
        self, holder: RuleHolder, around: Mapping[str, JsonObject], section: JsonObject
    ) -> JsonObject:
        """The smallest object with `section` where `holder` stands, and what it needs around it."""
        path = ".".join(holder.path)
        if path not in around:
            return self.with_value(holder.kind, path, section)
        parent, name = path.rsplit(".", 1)
        return self.with_value(holder.kind, parent, {**around[path], name: section})

    def specs(self, kind: type[CustomResource]) -> st.SearchStrategy[JsonObject]:
        """All sorts of valid specs of `kind`."""
        schema = inlined_schema(kind)["properties"]["spec"]
        return _objects(schema, _model_of(kind, "spec"))

    def keeping_rules_or_not(self, holder: RuleHolder) -> st.SearchStrategy[JsonObject]:
        """Sections as `holder` has them, whose parts are valid by themselves."""
        return _objects(holder.schema, holder.model, filtered=False)

    def rule_holders(self) -> Sequence[RuleHolder]:
        return _RULE_HOLDERS


@pytest.fixture(scope="session")
def objects() -> Objects:
    return Objects()


@pytest.fixture(scope="session")
def refusal() -> Callable[[type[CustomResource], JsonObject], str | None]:
    """What the models say of an object that they refuse, or None when they take it."""

    def ask(kind: type[CustomResource], obj: JsonObject) -> str | None:
        try:
            kind.parse(obj, strict=True)
        except InvalidObjectError as error:
            return str(error)
        return None

    return ask


def _holders(
    kind: type[CustomResource], model: type[Model], path: tuple[str, ...], schema: JsonObject
) -> Iterator[RuleHolder]:
    if any(rule.check for rule in model.rules) and path:
        yield RuleHolder(kind, path, model, schema)
    for name, part in schema.get("properties", {}).items():
        inner = _model_of(model, name)
        if inner is not None and issubclass(inner, Model):
            yield from _holders(kind, inner, (*path, name), part)


_RULE_HOLDERS = [
    holder for kind in KINDS for holder in _holders(kind, kind, (), inlined_schema(kind))
]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`holder` goes through all places with rules, `each_kind` through all kinds."""
    if "holder" in metafunc.fixturenames:
        metafunc.parametrize("holder", _RULE_HOLDERS, ids=str)
    if "each_kind" in metafunc.fixturenames:
        metafunc.parametrize("each_kind", KINDS, ids=lambda kind: str(kind.definition.kind))


_LINE = st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"))
_TEXTS = {
    r"^[^\p{Cc}\p{Zl}\p{Zp}]+$": st.text(_LINE, min_size=1, max_size=128),
    r"^[\P{Cc}\n]+$": st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1),
}
"""For patterns that Python's own expressions cannot say."""

_VERIFIED = {
    "self != 'Local' && timestamp('2026-01-01T00:00:00Z').getHours(self) >= 0": st.sampled_from(
        ["Europe/Paris", "UTC", "America/New_York"]
    ),
    r"!self.matches('(^|/)\\.\\.?(/|$)')": st.sampled_from(["recordings/a b.mp4", "é", "a/.b/..c"]),
    "isIP(self)": st.ip_addresses(v=4).map(str),
    "isCIDR(self)": st.sampled_from(["10.0.0.0/8", "192.0.2.1/24", "2001:db8::/32", "::/0"]),
}


def _objects(
    schema: JsonObject, model: type[Any] | None, *, filtered: bool = True
) -> st.SearchStrategy[JsonObject]:
    parts = {
        name: _values(part, None if model is None else _model_of(model, name))
        for name, part in schema["properties"].items()
    }
    required = {name: parts.pop(name) for name in schema.get("required", ())}
    made = st.fixed_dictionaries(required, optional=parts)
    if filtered and model is not None and model.rules:
        return made.filter(lambda value: _is_valid(model, value))
    return made


def _is_valid(model: type[Model], value: JsonObject) -> bool:
    try:
        model.model_validate_json(json.dumps(value), strict=True)
    except ValueError:
        return False
    return True


def _values(schema: JsonObject, model: type[Any] | None) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "properties" in schema:
        return _objects(schema, model)
    match schema["type"]:
        case "boolean":
            made: st.SearchStrategy[Any] = st.booleans()
        case "object":
            keys = st.sampled_from(["role", "example.org/role", "a/B_c.d-e"])
            values = _values(schema["additionalProperties"], None)
            least = schema.get("minProperties", 0)
            made = st.dictionaries(keys, values, min_size=least, max_size=3)
        case "array":
            made = _lists(schema, model)
        case "integer":
            least, most = schema["minimum"], schema["maximum"]
            made = st.integers(least, min(most, least + 3)) | st.integers(least, most)
        case _:
            made = _strings(schema)
    return made


def _lists(schema: JsonObject, model: type[Any] | None) -> st.SearchStrategy[list[Any]]:
    keys = schema.get("x-kubernetes-list-map-keys")
    differ: Callable[[Any], Any] | None = None
    if keys:
        differ = lambda item: item[keys[0]]  # noqa: E731 - one of two
    elif schema.get("x-kubernetes-list-type") == "set":
        differ = json.dumps
    least, most = schema.get("minItems", 0), min(3, schema["maxItems"])
    items = _values(schema["items"], model)
    return st.lists(items, min_size=least, max_size=most, unique_by=differ)


def _strings(schema: JsonObject) -> st.SearchStrategy[str]:
    if "x-kubernetes-validations" in schema:
        return _VERIFIED[schema["x-kubernetes-validations"][0]["rule"]]
    pattern = schema.get("pattern", ".*")
    if schema.get("format") == "date":
        return st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(str)
    if schema.get("format") == "date-time":
        return st.sampled_from(["2026-06-01T08:00:00Z", "2026-06-01T08:00:00.5+02:00"])
    made = _TEXTS.get(pattern)
    if made is None:
        made = st.from_regex(pattern.strip("^$"), fullmatch=True)
    pool = st.shared(st.lists(made.filter(_fits(schema)), min_size=2, max_size=2), key=pattern)
    # Now and then the same text in two places, which rules may forbid or ask for.
    return pool.flatmap(st.sampled_from) | made.filter(_fits(schema))


def _fits(schema: JsonObject) -> Callable[[str], bool]:
    least, most = schema.get("minLength", 0), schema["maxLength"]
    return lambda text: least <= len(text) <= most
