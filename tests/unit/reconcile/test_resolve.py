"""What only the whole picture shows to be wrong: all of it at once, and what to change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jitsi_tenant_operator.api.model import InvalidObjectError, Problem
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.plan import Feature
from jitsi_tenant_operator.contract.terms import REQUIRED
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.resolve import (
    Recorded,
    Resolved,
    Unresolved,
    resolve,
    tenant_context,
)

Make = Callable[..., Any]
OTHER = TenantKey("tenant-globex", "globex")
ME = TenantKey("tenant-acme", "acme")
DOCUMENT = {
    "title": "A document",
    "effectiveFrom": "2026-05-19",
    "address": "https://hosting.example/document",
    "sha256": "1" * 64,
}


def invalid(kind: str, name: str) -> InvalidObjectError:
    return InvalidObjectError(
        ObjectRef(API_VERSION, kind, "", name), [Problem("spec.x", "expected something else")]
    )


@dataclass(frozen=True)
class Ledger:
    """What the ledger of a name is about."""

    contract: str
    documents: tuple[str, ...] = ()


@dataclass
class Around:
    """What surrounds a tenant, as plain tables."""

    the_platform: Any
    plans: dict[str, Any]
    documents: dict[str, Any]
    namespaces: dict[str, TenantKey] = field(default_factory=lambda: {"tenant-acme": ME})
    hosts: dict[str, TenantKey] = field(default_factory=dict)
    records: dict[TenantKey, Recorded] = field(default_factory=dict)

    def platform(self) -> Any:
        return self.the_platform

    def plan(self, name: str) -> Any:
        return self.plans.get(name)

    def document(self, name: str) -> Any:
        return self.documents.get(name)

    def namespace_holder(self, namespace: str) -> TenantKey | None:
        return self.namespaces.get(namespace)

    def host_holder(self, host: str) -> TenantKey | None:
        return self.hosts.get(host, ME)

    def recorded(self, key: TenantKey) -> Recorded | None:
        return self.records.get(key)


@pytest.fixture
def around(make: Make) -> Around:
    documents = {
        "cgu": make("JitsiTerms"),
        "cgu-2": make("JitsiTerms", metadata={"name": "cgu-2"}),
        "dpa": make(
            "JitsiTerms",
            metadata={"name": "dpa"},
            spec={
                **DOCUMENT,
                "type": "DataProcessingAgreement",
                "clauses": [{"clause": "5", "terms": {"location": {"countries": ["FR", "DE"]}}}],
            },
        ),
        "twice": make(
            "JitsiTerms",
            metadata={"name": "twice"},
            spec={
                **DOCUMENT,
                "type": "PrivacyPolicy",
                "clauses": [
                    {"clause": "1", "terms": {"logs": {"retention": "P6M"}}},
                    {"clause": "2", "terms": {"logs": {"retention": "P7M"}}},
                ],
            },
        ),
        "broken": invalid("JitsiTerms", "broken"),
    }
    return Around(make("JitsiPlatform"), {"business": make("JitsiPlan")}, documents)


def test_a_contract_that_names_no_documents_keeps_those_it_began_with(
    around: Around, make: Make
) -> None:
    around.the_platform = make("JitsiPlatform", spec={"documents": ["cgu-2"]})
    around.records = {ME: Ledger("DC-2026-0142", ("cgu",))}
    found = resolve(make("JitsiTenant", spec=documents()), around)
    assert isinstance(found, Resolved)
    assert found.documents == ("cgu",)
    assert {source.document for source in found.terms.sources.values()} == {"cgu"}


def recorders(number: int) -> JsonObject:
    return {"recording": {"enabled": True, "recorders": number}, **options("Recording")}


def options(*names: str) -> JsonObject:
    return {"contract": {"options": list(names)}}


def documents(*names: str) -> JsonObject:
    return {"contract": {"documents": list(names)}}


WIDE = {"storage": {"recordings": {"accessMode": "ReadWriteMany"}}}
REPOSITORY = {"driver": "Restic", "address": "rest:https://backup.example", "credentials": "backup"}


@dataclass(frozen=True)
class Case:
    """One mistake, what it must be called, and words that the message must have."""

    name: str
    reason: Reason
    words: tuple[str, ...]
    tenant: JsonObject = field(default_factory=dict)
    platform: JsonObject | None = None
    plan: JsonObject | None = None
    change: Callable[[Around], None] = lambda _: None


STORES_ABROAD: tuple[tuple[str, JsonObject], ...] = (
    ("spec.location", {"location": {"country": "DE"}}),
    (
        "spec.storage.recordings.location",
        {"storage": {"recordings": {"location": {"country": "DE", "site": "Kehl"}}}},
    ),
    (
        "spec.storage.accounts.location",
        {"storage": {"accounts": {"location": {"country": "DE", "site": "Kehl"}}}},
    ),
    (
        "spec.logs.store.location",
        {"logs": {"store": {"location": {"country": "DE", "site": "Kehl"}}}},
    ),
    *(
        (
            f"spec.backup.{store}.location",
            {
                "backup": {
                    each: {
                        **REPOSITORY,
                        "location": {
                            "country": "DE" if each == store else "FR",
                            "site": each,
                        },
                    }
                    for each in ("primary", "offsite")
                }
            },
        )
        for store in ("primary", "offsite")
    ),
)


def has(name: str, value: Any) -> Callable[[Around], None]:
    return lambda around: setattr(around, name, value)


CASES = (
    Case(
        "second tenant in a namespace",
        Reason.NAMESPACE_TAKEN,
        ("tenant-acme", "older", "namespace of its own"),
        change=has("namespaces", {"tenant-acme": TenantKey("tenant-acme", "older")}),
    ),
    Case(
        "name of another contract",
        Reason.NAME_TAKEN,
        ("DC-2024-0001", "another name", "spec.contract.reference"),
        change=has("records", {ME: Ledger("DC-2024-0001")}),
    ),
    Case(
        "host of another tenant",
        Reason.HOST_TAKEN,
        ("meet.acme.example", "tenant-globex/globex", "spec.host"),
        {"host": "meet.acme.example"},
        change=has("hosts", {"meet.acme.example": OTHER}),
    ),
    Case(
        "default host of another tenant",
        Reason.HOST_TAKEN,
        ("acme.meet.example.net", "tenant-globex/globex"),
        change=has("hosts", {"acme.meet.example.net": OTHER}),
    ),
    Case(
        "no platform",
        Reason.PLATFORM_NOT_FOUND,
        ("JitsiPlatform named default", "create it"),
        change=has("the_platform", None),
    ),
    Case(
        "platform that cannot be used",
        Reason.PLATFORM_INVALID,
        ("JitsiPlatform default", "spec.x: expected something else"),
        change=has("the_platform", invalid("JitsiPlatform", "default")),
    ),
    Case("unknown plan", Reason.PLAN_NOT_FOUND, ("gold", "spec.plan"), {"plan": "gold"}),
    Case(
        "plan that cannot be used",
        Reason.PLAN_INVALID,
        ("JitsiPlan business", "spec.x: expected something else"),
        change=has("plans", {"business": invalid("JitsiPlan", "business")}),
    ),
    Case(
        "more participants than the plan holds",
        Reason.BEYOND_PLAN,
        ("spec.meetings.maxParticipants is 76", "business", "75", "larger plan"),
        {"meetings": {"maxParticipants": 76}},
    ),
    Case(
        "more bridges than the plan holds",
        Reason.BEYOND_PLAN,
        ("spec.media.bridges is 3", "2"),
        {"media": {"bridges": 3}},
    ),
    Case(
        "more recorders than the plan holds",
        Reason.BEYOND_PLAN,
        ("spec.recording.recorders is 2", "1"),
        recorders(2),
        platform=WIDE,
    ),
    Case(
        "unknown channel",
        Reason.CHANNEL_NOT_FOUND,
        ("spec.updates.channel", "beta", "only stable"),
        {"updates": {"channel": "beta"}},
    ),
    Case(
        "release that is too old",
        Reason.RELEASE_NOT_SUPPORTED,
        ("stable-9999", "stable-11146-2", "spec.updates.release"),
        {"updates": {"release": "stable-9999"}},
    ),
    Case(
        "channel with a release that is too old",
        Reason.RELEASE_NOT_SUPPORTED,
        ("stable-10000", "channel"),
        platform={"jitsi": {"channels": [{"name": "stable", "release": "stable-10000"}]}},
    ),
    Case(
        "recording that is not in the contract",
        Reason.FEATURE_NOT_SUBSCRIBED,
        ("spec.recording.enabled", "DC-2026-0142", "spec.contract.options"),
        {"recording": {"enabled": True}},
    ),
    Case(
        "recording that the plan does not offer",
        Reason.FEATURE_NOT_SUBSCRIBED,
        ("spec.recording.enabled", "plan"),
        recorders(1),
        plan={"features": []},
    ),
    Case(
        "livestreaming that is not in the contract",
        Reason.FEATURE_NOT_SUBSCRIBED,
        ("spec.recording.livestreaming",),
        {"recording": {"enabled": True, "livestreaming": True}, **options("Recording")},
    ),
    Case(
        "several recorders on a volume for one",
        Reason.STORAGE_ACCESS_MODE,
        ("spec.recording.recorders", "spec.storage.recordings.accessMode", "ReadWriteMany"),
        recorders(2),
        plan={"capacity": {"recorders": 2}},
    ),
    *(
        Case(
            f"{path} abroad",
            Reason.LOCATION_NOT_ALLOWED,
            (f"{path}.country of the JitsiPlatform is DE", "cgu, clause 11.2", "allows FR only"),
            platform=platform,
        )
        for path, platform in STORES_ABROAD
    ),
    Case(
        "countries that the commercial document narrows",
        Reason.LOCATION_NOT_ALLOWED,
        ("DC-2026-0142 allows BE only",),
        {"contract": {"terms": {"location": {"countries": ["BE"]}}}},
    ),
    Case(
        "unknown terms",
        Reason.TERMS_NOT_FOUND,
        ("cgu-1999, cgu-2000", "spec.contract.documents"),
        documents("cgu-1999", "cgu", "cgu-2000"),
    ),
    Case(
        "unknown terms of the platform",
        Reason.TERMS_NOT_FOUND,
        ("cgu-1999", "spec.documents of the JitsiPlatform"),
        documents(),
        platform={"documents": ["cgu-1999"]},
    ),
    Case(
        "terms that cannot be used",
        Reason.TERMS_INVALID,
        ("JitsiTerms broken", "spec.x"),
        documents("cgu", "broken"),
    ),
    Case(
        "two documents of a type",
        Reason.TERMS_INVALID,
        ("cgu and cgu-2", "TermsOfService"),
        documents("cgu", "cgu-2"),
    ),
    Case(
        "a document that contradicts itself",
        Reason.TERMS_INVALID,
        ("twice", "logs.retention", "clause 1", "clause 2"),
        documents("cgu", "twice"),
    ),
    Case(
        "documents that leave terms open",
        Reason.TERMS_INVALID,
        (", ".join(name for name in REQUIRED if name != "location.countries"), "spec.contract"),
        documents("dpa"),
    ),
)


def laid(case: Case, around: Around, make: Make) -> Any:
    """The tenant of a case; what surrounds it is put in `around`."""
    if case.platform is not None:
        around.the_platform = make("JitsiPlatform", spec=case.platform)
    if case.plan is not None:
        around.plans["business"] = make("JitsiPlan", spec=case.plan)
    case.change(around)
    return make("JitsiTenant", spec=case.tenant)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_mistake_has_its_reason_and_says_what_to_change(
    case: Case, around: Around, make: Make
) -> None:
    found = resolve(laid(case, around, make), around)
    assert isinstance(found, Unresolved)
    assert [problem.reason for problem in found.problems] == [case.reason]
    for words in case.words:
        assert words in found.problems[0].message


OF_THE_CONTRACT = {
    Reason.SUSPENDED,
    Reason.NOT_IN_FORCE,
    Reason.CONTRACT_ENDED,
    Reason.CONTRADICTORY_FACTS,
    Reason.NOTICE_NOT_SENT,
    Reason.NOTICE_TOO_LATE,
    Reason.NO_MAIL_SERVER,
    Reason.TENANT_NOT_RESOLVED,
    Reason.NOT_DELIVERED,
    Reason.REFUSED,
    Reason.BY_OTHER_MEANS,
    Reason.WITHDRAWN,
    Reason.NOTICE_TEMPLATES_INVALID,
    Reason.LEDGER_MISSING,
    Reason.AWAITED,
    Reason.LEDGER_CHANGED,
    Reason.LEDGER_FULL,
}


def test_every_mistake_can_be_told_from_the_others() -> None:
    elsewhere = {
        Reason.AS_WANTED,
        Reason.INVALID_SPEC,
        Reason.SECRET_NOT_FOUND,
        Reason.CONFIG_MAP_NOT_FOUND,
        Reason.SECRET_INVALID,
        Reason.POD_SECURITY,
        Reason.NO_FREE_PORT,
        Reason.NAME_CONFLICT,
        Reason.IMMUTABLE_FIELD,
        Reason.APPLY_FAILED,
        Reason.NOT_EVALUATED,
        Reason.MEDIA_ADDRESS_PENDING,
        Reason.INGRESS_CLASS_NOT_FOUND,
        Reason.ROUTE_NOT_ACCEPTED,
        Reason.PROGRESSING,
        Reason.LOGS_NOT_ARCHIVED,
        Reason.LOGS_OVERDUE,
        Reason.ARCHIVES_ALTERED,
        Reason.HOLDS_UNREADABLE,
        Reason.PAUSED,
        Reason.DELETING,
        Reason.WAITING_FOR_IDLE,
        Reason.WAITING_FOR_WINDOW,
        Reason.WAITING_FOR_TURN,
        Reason.MEETINGS_UNKNOWN,
        Reason.NO_BACKUP_REPOSITORY,
        Reason.BACKUP_DRIVER,
        Reason.NO_BACKUP_PROGRAM,
        Reason.BACKUP_FAILED,
        Reason.BACKUP_OVERDUE,
        Reason.BACKUP_LOST,
        Reason.OFFSITE_COPY_OVERDUE,
        Reason.VERIFICATION_OVERDUE,
        Reason.EXPIRED_BACKUPS_PRESENT,
        Reason.BACKUP_NOT_FOUND,
        Reason.RESTORE_FAILED,
        *OF_THE_CONTRACT,
    }
    assert {case.reason for case in CASES} == set(Reason) - elsewhere


def test_all_that_is_wrong_is_said_at_once(around: Around, make: Make) -> None:
    around.namespaces = {"tenant-acme": OTHER}
    around.hosts = {"meet.acme.example": OTHER}
    around.the_platform = make("JitsiPlatform", spec={"location": {"country": "DE"}})
    tenant = make(
        "JitsiTenant",
        spec={
            "host": "meet.acme.example",
            "media": {"bridges": 9},
            "meetings": {"maxParticipants": 400},
            "recording": {"enabled": True, "recorders": 2},
            "updates": {"channel": "beta"},
        },
    )
    found = resolve(tenant, around)
    assert isinstance(found, Unresolved)
    assert [problem.reason for problem in found.problems] == [
        Reason.NAMESPACE_TAKEN,
        Reason.HOST_TAKEN,
        Reason.CHANNEL_NOT_FOUND,
        Reason.STORAGE_ACCESS_MODE,
        Reason.LOCATION_NOT_ALLOWED,
        Reason.BEYOND_PLAN,
        Reason.BEYOND_PLAN,
        Reason.BEYOND_PLAN,
        Reason.FEATURE_NOT_SUBSCRIBED,
    ]
    assert found.effective is not None, "the terms are shown although the spec is wrong"


def test_terms_that_depend_on_a_missing_platform_are_not_called_wrong(
    around: Around, make: Make
) -> None:
    around.the_platform = None
    found = resolve(make("JitsiTenant", spec=documents()), around)
    assert isinstance(found, Unresolved)
    assert [problem.reason for problem in found.problems] == [Reason.PLATFORM_NOT_FOUND]
    assert found.effective is None


def test_a_contract_that_names_no_documents_has_those_of_the_platform(
    around: Around, make: Make
) -> None:
    around.the_platform = make("JitsiPlatform", spec={"documents": ["cgu"]})
    found = resolve(make("JitsiTenant", spec=documents()), around)
    assert isinstance(found, Resolved)
    assert found.terms.sources["backup.daily"].document == "cgu"


def test_a_tenant_in_order_has_all_that_it_refers_to(around: Around, make: Make) -> None:
    spec = {"recording": {"enabled": True, "livestreaming": True}}
    tenant = make("JitsiTenant", spec={**spec, **options("Recording", "Livestreaming")})
    found = resolve(tenant, around)
    assert isinstance(found, Resolved)
    assert found.host == "acme.meet.example.net"
    assert found.release == "stable-11146-2"
    assert found.features == {Feature.RECORDING, Feature.LIVESTREAMING}
    context = tenant_context(found, "operator")
    assert (context.recording, context.livestreaming) == (True, True)
    assert (context.host, context.release) == (found.host, found.release)


def test_what_is_subscribed_but_not_wanted_does_not_run(around: Around, make: Make) -> None:
    found = resolve(make("JitsiTenant", spec=options("Recording", "Livestreaming")), around)
    assert isinstance(found, Resolved)
    context = tenant_context(found, "operator")
    assert (context.recording, context.livestreaming) == (False, False)


def test_a_release_of_its_own_stands_whatever_the_channel_says(around: Around, make: Make) -> None:
    updates = {"channel": "beta", "release": "stable-12000"}
    found = resolve(make("JitsiTenant", spec={"updates": updates}), around)
    assert isinstance(found, Resolved)
    assert found.release == "stable-12000"


MISTAKES: dict[str, tuple[JsonObject, Reason]] = {
    "plan": ({"plan": "gold"}, Reason.PLAN_NOT_FOUND),
    "host": ({"host": "taken.example"}, Reason.HOST_TAKEN),
    "participants": ({"meetings": {"maxParticipants": 500}}, Reason.BEYOND_PLAN),
    "bridges": ({"media": {"bridges": 50}}, Reason.BEYOND_PLAN),
    "recording": ({"recording": {"enabled": True}}, Reason.FEATURE_NOT_SUBSCRIBED),
    "channel": ({"updates": {"channel": "beta"}}, Reason.CHANNEL_NOT_FOUND),
    "documents": (documents("missing"), Reason.TERMS_NOT_FOUND),
}


@given(
    mistakes=st.sets(st.sampled_from(sorted(MISTAKES))),
    platform=st.sampled_from(["good", "abroad", "missing", "broken"]),
    second=st.booleans(),
)
@example(mistakes=set(), platform="good", second=False)
def test_any_combination_of_mistakes_is_found_whole(
    mistakes: set[str], platform: str, second: bool, make: Make
) -> None:
    platforms = {
        "good": make("JitsiPlatform"),
        "abroad": make("JitsiPlatform", spec={"location": {"country": "DE"}}),
        "missing": None,
        "broken": invalid("JitsiPlatform", "default"),
    }
    around = Around(
        platforms[platform],
        {"business": make("JitsiPlan")},
        {"cgu": make("JitsiTerms")},
        {"tenant-acme": OTHER if second else ME},
        {"taken.example": OTHER},
    )
    spec: JsonObject = {}
    for mistake in mistakes:
        spec |= MISTAKES[mistake][0]
    found = resolve(make("JitsiTenant", spec=spec), around)

    unseen = set()
    if "plan" in mistakes:  # what the plan holds is not known
        unseen |= {"participants", "bridges", "recording"}
    if platform in ("missing", "broken"):  # nor what the platform has
        unseen |= {"host", "channel"}
    expected = sorted(MISTAKES[mistake][1] for mistake in mistakes - unseen)
    expected += [Reason.NAMESPACE_TAKEN] if second else []
    if platform == "abroad" and "documents" not in mistakes:
        expected.append(Reason.LOCATION_NOT_ALLOWED)
    if platform == "missing":
        expected.append(Reason.PLATFORM_NOT_FOUND)
    if platform == "broken":
        expected.append(Reason.PLATFORM_INVALID)
    if isinstance(found, Resolved):
        assert expected == []
    else:
        assert sorted(problem.reason for problem in found.problems) == sorted(expected)
        assert all(problem.message for problem in found.problems)
