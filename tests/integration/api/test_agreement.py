"""What the models refuse the API server refuses, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jitsi_tenant_operator.api.plan import JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.restore import JitsiRestore
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import JitsiTerms

Refusal = Callable[[Any, dict[str, Any]], str | None]

modest = settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=timedelta(seconds=10),
    suppress_health_check=list(HealthCheck),
)


def _id(value: object) -> str:
    return getattr(value, "__name__", str(value))[:40]


SECRET = {"name": "secret", "key": "key"}
REPOSITORY = {
    "driver": "Restic",
    "address": "rest:https://backup.example.org/jitsi/",
    "credentials": "backup",
    "location": {"country": "FR", "site": "Paris"},
}
AROUND: dict[str, dict[str, Any]] = {
    "spec.access.jwt": {"authentication": "JWT"},
    "spec.access.ldap": {"authentication": "LDAP"},
    "spec.backup.primary": {"offsite": REPOSITORY},
    "spec.backup.offsite": {"primary": REPOSITORY},
    "spec.registeredLetter": {"about": "LatePayment", "channel": "RegisteredLetter"},
}
"""What must stand beside a section for it to be allowed at all."""

BREAKING: dict[str, dict[str, Any]] = {
    "JitsiPlan.spec": {
        "a plan with Recording": {"features": ["Recording"], "capacity": {"recorders": 0}}
    },
    "JitsiPlan.spec.capacity.bridges": {"minimum must not": {"minimum": 3, "maximum": 2}},
    "JitsiPlan.spec.sizes.jicofo": {"at least 512Mi": {"memory": "511Mi"}},
    "JitsiPlan.spec.sizes.bridge": {"at least 512Mi": {"memory": "511Mi"}},
    "JitsiPlan.spec.sizes.recorder": {"at least 4Gi": {"memory": "4095Mi"}},
    "JitsiPlatform.spec.entry": {"a Gateway entry needs gateway": {"type": "Gateway"}},
    "JitsiPlatform.spec.entry.tls": {"exactly one of issuer": {}},
    "JitsiPlatform.spec.media": {"without the node's address": {"advertiseNodeAddress": False}},
    "JitsiPlatform.spec.media.hostPorts": {"first must not": {"first": 2001, "last": 2000}},
    "JitsiPlatform.spec.location": {
        "set either nodeSelector": {"country": "FR", "site": "Paris"},
        "or allNodes: true": {
            "country": "FR",
            "site": "Paris",
            "nodeSelector": {"zone": "a"},
            "allNodes": True,
        },
    },
    "JitsiPlatform.spec.storage.saturation": {
        "resumeBelow must be less than suspendAt": {"suspendAt": 80, "resumeBelow": 80}
    },
    "JitsiPlatform.spec.backup": {
        "must stand on another site": {"primary": REPOSITORY, "offsite": REPOSITORY}
    },
    "JitsiPlatform.spec.backup.primary": {
        "a Restic repository is reached at": {**REPOSITORY, "address": "sftp:backup.example:/jitsi"}
    },
    "JitsiPlatform.spec.backup.offsite": {
        "a Restic repository is reached at": {**REPOSITORY, "address": "rest:https://a@b.example/"}
    },
    "JitsiTenant.spec": {
        "must repeat contract.reference": {
            "contract": {
                "reference": "DC-1",
                "client": {"legalName": "ACME", "email": "it@acme.example"},
                "term": "P12M",
            },
            "plan": "essential",
            "termination": {"erasure": {"contractReference": "DC-2", "confirmedBy": "dpo"}},
        }
    },
    "JitsiTenant.spec.contract.renewal": {
        "needs period and noticePeriod": {"mode": "Tacit", "period": "P12M"},
        "with mode Manual only": {"mode": "None", "renewedUntil": "2027-05-31"},
    },
    "JitsiTenant.spec.access": {
        "jwt is set with": {"authentication": "JWT"},
        "ldap is set with": {"authentication": "LDAP"},
    },
    "JitsiTenant.spec.access.jwt": {"exactly one of secret": {"appId": "portal"}},
    "JitsiTenant.spec.access.ldap": {
        "in the clear": {"url": "ldap://ldap.example", "base": "dc=example"},
        "bindDn and bindPassword": {
            "url": "ldaps://ldap.example",
            "base": "dc=example",
            "bindPassword": SECRET,
        },
    },
    "JitsiTenant.spec.recording": {"livestreaming needs": {"livestreaming": True}},
    "JitsiTenant.spec.backup.window": {
        "must differ": {"earliest": "04:00", "latest": "04:00"},
    },
    "JitsiMaintenance.spec": {
        "end must lie after start": {
            "start": "2027-03-20T21:00:00Z",
            "end": "2027-03-20T21:00:00Z",
            "description": "work",
        },
        "only an incident has none": {"start": "2027-03-20T21:00:00Z", "description": "work"},
        "set either emergency": {
            "start": "2027-03-20T21:00:00Z",
            "description": "work",
            "emergency": {"reason": "a leak"},
            "incident": {},
        },
    },
    "JitsiNotice.spec": {
        "breach is set for a FormalNotice": {"about": "FormalNotice"},
        "the client gives formal notices only": {"about": "Incident", "by": "Client"},
        "with channel RegisteredLetter only": {
            "about": "Incident",
            "registeredLetter": {"trackingNumber": "1A", "sentAt": "2027-02-01T10:30:00Z"},
        },
        "remedied": {"about": "Incident", "remediedAt": "2027-02-01T10:30:00Z"},
    },
    "JitsiNotice.spec.registeredLetter": {
        "deliveredAt lies before sentAt": {
            "trackingNumber": "1A",
            "sentAt": "2027-02-01T10:30:00Z",
            "deliveredAt": "2027-02-01T10:29:59Z",
        }
    },
    "JitsiLegalHold.spec": {
        "where scope holds Logs only": {
            "scope": ["Backups"],
            "logs": {},
            "basis": "a claim",
            "requestedBy": "counsel",
        }
    },
    "JitsiBackup.spec": {
        "day is set for a Scheduled backup": {"tenant": "acme", "group": "Scheduled"},
    },
    "JitsiRestore.spec": {
        "set either backup, or date": {"tenant": "acme"},
        "path is set with what: File": {"tenant": "acme", "date": "2026-06-01", "path": "a"},
        "a place of its own": {
            "tenant": "acme",
            "drill": True,
            "overwrite": True,
        },
    },
    "JitsiLegalHold.spec.logs": {
        "until lies before from": {"from": "2027-01-08", "until": "2027-01-04"}
    },
}
"""A section that breaks each rule, by the place of the rule and some of its words."""


def test_each_rule_is_the_same_in_cel_and_in_python(
    server: Any, objects: Any, refusal: Refusal, holder: Any
) -> None:
    accepted = 0

    def compare(section: dict[str, Any]) -> tuple[str, str]:
        obj = objects.with_section(holder, AROUND, section)
        said, verdict = refusal(holder.kind, obj) or "", server.dry_run(holder.kind, obj)
        assert verdict.accepted == (not said), (obj, said, verdict.message)
        for rule in holder.model.rules:
            assert (rule.message in said) == (rule.message in verdict.message) or not rule.check
        return said, verdict.message

    @modest
    @given(section=objects.keeping_rules_or_not(holder))
    def compare_some(section: dict[str, Any]) -> None:
        nonlocal accepted
        accepted += compare(section) == ("", "")

    compare_some()
    assert accepted
    unbroken = {rule.message for rule in holder.model.rules if rule.check}
    for words, section in BREAKING[str(holder)].items():
        said, _ = compare(section)
        unbroken -= {message for message in unbroken if words in message and message in said}
    assert not unbroken


@pytest.mark.parametrize(
    ("kind", "name", "accepted"),
    [
        (JitsiTenant, "a", True),
        (JitsiTenant, "a" * 63, True),
        (JitsiTenant, "a" * 64, False),
        (JitsiTenant, "acme.fr", False),
        (JitsiTenant, "Acme", False),
        (JitsiTenant, "acme-", False),
        (JitsiPlatform, "default", True),
        (JitsiPlatform, "other", False),
        (JitsiPlan, "a.b", True),
        (JitsiPlan, "-a", False),
        (JitsiPlan, "a" * 253, True),
        (JitsiPlan, "a" * 254, False),
    ],
)
def test_names(
    server: Any, objects: Any, refusal: Refusal, kind: Any, name: str, accepted: bool
) -> None:
    obj = objects.with_value(kind, "metadata.name", name)
    assert (refusal(kind, obj) is None) == accepted
    assert server.dry_run(kind, obj).accepted == accepted


GOOD = [
    (JitsiTenant, "spec.contract.signedOn", "2026-02-28"),
    (JitsiTenant, "spec.contract.term", "P1Y2M3W4DT5H"),
    (JitsiTenant, "spec.contract.client.legalName", "Éts Müller & Fils \U0001f600"),
    (JitsiTenant, "spec.contract.client.postalAddress", "1 rue X\n75001 Paris"),
    (JitsiTenant, "spec.host", "meet.acme.example"),
    (JitsiTenant, "spec.host", None),
    (JitsiTenant, "spec.access", None),
    (JitsiTenant, "spec.meetings.maxParticipants", 2),
    (JitsiTenant, "spec.meetings.maxParticipants", 500),
    (JitsiTenant, "spec.meetings.maxParticipants", 75.0),
    (JitsiTenant, "spec.branding.backgroundColor", "#00ffAA"),
    (JitsiTenant, "spec.branding.supportUrl", "https://x.example:8443/a?b=c#d"),
    (
        JitsiTenant,
        "spec.suspension.service",
        {"reason": "Security", "until": "2026-06-01T08:00:00+02:00"},
    ),
    (JitsiTenant, "spec.updates.release", "stable-11146-2"),
    (JitsiPlatform, "spec.location.nodeSelector", {"example.org/role": "", "zone": "a"}),
    (JitsiPlatform, "spec.location", {"country": "FR", "site": "Paris", "allNodes": True}),
    (JitsiPlatform, "spec.entry.networks", ["192.0.2.10/32", "2001:db8::/64"]),
    (JitsiPlatform, "spec.media.advertisedAddresses", ["203.0.113.1", "198.51.100.7"]),
    (JitsiPlatform, "spec.media.clientNetworks", ["10.0.0.1/8", "2001:db8::/32"]),
    (JitsiPlatform, "spec.jitsi.registry", "registry.example.org:5000/jitsi/stable"),
    (
        JitsiRestore,
        "spec",
        {"tenant": "acme", "date": "2026-06-01", "what": "File", "path": "recordings/.a b.mp4"},
    ),
    (JitsiPlan, "spec.sizes.web", {"replicas": 3}),
    (JitsiPlan, "spec.features", ["Recording", "Livestreaming"]),
]


@pytest.mark.parametrize(("kind", "path", "value"), GOOD, ids=_id)
def test_both_accept(
    server: Any, objects: Any, refusal: Refusal, kind: Any, path: str, value: Any
) -> None:
    obj = objects.with_value(kind, path, value)
    assert refusal(kind, obj) is None
    assert server.dry_run(kind, obj).message == ""


BAD = [
    (JitsiTenant, "spec.contract", ..., "required"),
    (JitsiTenant, "spec.plan", ..., "required"),
    (JitsiTenant, "spec.plan", None, "required"),
    (JitsiTenant, "spec.plan", "Essential", "the name of a Kubernetes object"),
    (JitsiTenant, "spec.contract.client.email", "nobody", "an e-mail address"),
    (JitsiTenant, "spec.contract.client.email", "a b@c.example", "an e-mail address"),
    (JitsiTenant, "spec.contract.client.legalName", "", "one line of text"),
    (JitsiTenant, "spec.contract.client.legalName", "a" * 129, "one line of text"),
    (JitsiTenant, "spec.contract.client.legalName", "two\nlines", "one line of text"),
    (JitsiTenant, "spec.contract.client.legalName", "a\u2028b", "one line of text"),
    (JitsiTenant, "spec.contract.client.language", "de", "one of fr, en"),
    (JitsiTenant, "spec.contract.signedOn", "2026-02-30", "YYYY-MM-DD"),
    (JitsiTenant, "spec.contract.signedOn", "01/06/2026", "YYYY-MM-DD"),
    (JitsiTenant, "spec.contract.signedOn", "1926-06-01", "YYYY-MM-DD"),
    (JitsiTenant, "spec.contract.signedOn", "2026-06-01T00:00:00Z", "YYYY-MM-DD"),
    (JitsiTenant, "spec.contract.signedOn", 20260601, "YYYY-MM-DD"),
    (JitsiTenant, "spec.contract.term", "12 months", "a duration of ISO 8601"),
    (JitsiTenant, "spec.contract.term", "P", "a duration of ISO 8601"),
    (JitsiTenant, "spec.contract.term", "P0D", "a duration of ISO 8601"),
    (JitsiTenant, "spec.contract.term", "PT", "a duration of ISO 8601"),
    (JitsiTenant, "spec.contract.term", "P100Y", "a duration of ISO 8601"),
    (JitsiTenant, "spec.contract.options", ["Telephony"], "one of Recording, Livestreaming"),
    (JitsiTenant, "spec.contract.options", ["Recording", "Recording"], "each item once"),
    (JitsiTenant, "spec.contract.options", "Recording", "a list"),
    (JitsiTenant, "spec.contract.documents", ["a", "a"], "each item once"),
    (JitsiTenant, "spec.contract.documents", [f"a{i}" for i in range(9)], "at most 8"),
    (JitsiTenant, "spec.contract.terms.location.countries", [], "at least 1"),
    (JitsiTenant, "spec.contract.terms.location.countries", ["fr"], "two capital letters"),
    (JitsiTenant, "spec.contract.terms.backup.offsite", "yes", "true or false"),
    (JitsiTenant, "spec.host", "acme", "a full DNS name"),
    (JitsiTenant, "spec.host", "Meet.acme.example", "a full DNS name"),
    (JitsiTenant, "spec.host", "x" * 250 + ".example", "a full DNS name"),
    (JitsiTenant, "spec.host", "https://meet.acme.example", "a full DNS name"),
    (JitsiTenant, "spec.access.authentication", "internal", "Anonymous, Internal, JWT, LDAP"),
    (JitsiTenant, "spec.meetings", ["lobby"], "an object"),
    (JitsiTenant, "spec.meetings.maxParticipants", 1, "at least 2"),
    (JitsiTenant, "spec.meetings.maxParticipants", 501, "at most 500"),
    (JitsiTenant, "spec.meetings.maxParticipants", "75", "a whole number"),
    (JitsiTenant, "spec.meetings.maxParticipants", 7.5, "a whole number"),
    (JitsiTenant, "spec.meetings.lobby", 1, "true or false"),
    (JitsiTenant, "spec.meetings.resolution", 720, "one of '360', '720', '1080'"),
    (JitsiTenant, "spec.branding.backgroundColor", "red", "#rrggbb"),
    (JitsiTenant, "spec.branding.welcomeText", "a\x00b", "without control characters"),
    (JitsiTenant, "spec.branding.supportUrl", "http://x.example", "https://"),
    (JitsiTenant, "spec.branding.supportUrl", "https://x.example/\"'", "https://"),
    (JitsiTenant, "spec.branding.supportUrl", "javascript:alert(1)", "https://"),
    (JitsiTenant, "spec.media.bridges", 0, "at least 1"),
    (JitsiTenant, "spec.media.bridges", 51, "at most 50"),
    (JitsiTenant, "spec.backup.window", {"earliest": "24:00", "latest": "05:00"}, "a time of day"),
    (JitsiTenant, "spec.recording.storage", "50GB", "50Gi"),
    (JitsiTenant, "spec.updates.release", "latest", "stable-11146-2"),
    (JitsiTenant, "spec.updates.release", "unstable", "stable-11146-2"),
    (JitsiTenant, "spec.suspension.service.reason", "Mood", "one of LatePayment"),
    (
        JitsiTenant,
        "spec.suspension.recording",
        {"reason": "Incident", "until": "2026-06-01T08:00:00"},
        "with its zone",
    ),
    (
        JitsiTenant,
        "spec.suspension.recording",
        {"reason": "Incident", "until": "2026-06-01 08:00:00Z"},
        "with its zone",
    ),
    (
        JitsiTenant,
        "spec.suspension.recording",
        {"reason": "Incident", "until": "2026-06-01T08:00:60Z"},
        "with its zone",
    ),
    (
        JitsiTenant,
        "spec.suspension.recording",
        {"reason": "Incident", "until": "2026-06-01T08:00:00+25:00"},
        "with its zone",
    ),
    (JitsiTenant, "spec.telephony", {"enabled": True}, "unknown field"),
    (JitsiTenant, "spec.meetings.maxParticipant", 5, "did you mean maxParticipants?"),
    (JitsiPlatform, "spec.domain", ..., "required"),
    (JitsiPlatform, "spec.location.country", "France", "two capital letters"),
    (JitsiPlatform, "spec.location.nodeSelector", {}, "at least 1"),
    (JitsiPlatform, "spec.location.nodeSelector", {"bad key": "x"}, "the key of a label"),
    (JitsiPlatform, "spec.location.nodeSelector", {"a/b/c": "x"}, "the key of a label"),
    (JitsiPlatform, "spec.location.nodeSelector", {"a" * 64: "x"}, "the key of a label"),
    (JitsiPlatform, "spec.location.nodeSelector.zone", "bad value", "the value of a label"),
    (JitsiPlatform, "spec.location.nodeSelector.zone", 5, "the value of a label"),
    (JitsiPlatform, "spec.location.nodeSelector", {f"k{i}": "x" for i in range(17)}, "at most 16"),
    (JitsiPlatform, "spec.entry.namespaces", {}, "at least 1"),
    (JitsiPlatform, "spec.entry.networks", ["192.0.2.10"], "address/prefix length"),
    (JitsiPlatform, "spec.entry.networks", ["192.0.2.0/24"] * 2, "each item once"),
    (JitsiPlatform, "spec.entry.networks", [f"192.0.2.{i}/32" for i in range(33)], "at most 32"),
    (JitsiPlatform, "spec.media.advertisedAddresses", ["999.1.1.1"], "an IPv4 address"),
    (JitsiPlatform, "spec.media.advertisedAddresses", ["::ffff:c000:201"], "an IPv4 address"),
    (JitsiPlatform, "spec.media.advertisedAddresses", ["meet.example.org"], "an IPv4 address"),
    (JitsiPlatform, "spec.media.clientNetworks", ["10.0.0.0/33"], "address/prefix length"),
    (JitsiPlatform, "spec.media.clientNetworks", ["10.0.0.0/08"], "address/prefix length"),
    (JitsiPlatform, "spec.media.clientNetworks", ["10.0.0.0"], "address/prefix length"),
    (JitsiPlatform, "spec.media.hostPorts", {"first": 80}, "at least 1024"),
    (JitsiPlatform, "spec.jitsi.registry", "docker://x", "a registry and path"),
    (JitsiPlatform, "spec.jitsi.channels", [], "at least 1"),
    (
        JitsiPlatform,
        "spec.jitsi.channels",
        [{"name": "a", "release": "stable-11146-2"}] * 2,
        "another name",
    ),
    (
        JitsiPlatform,
        "spec.notifications",
        {"smtpHost": "smtp.example.org", "smtpPort": 0, "sender": "a@b.example"},
        "at least 1",
    ),
    *((JitsiRestore, "spec.path", path, "the path of") for path in ("a/../b", "..", "a/.", "./a")),
    (JitsiRestore, "spec.path", "/etc/passwd", "the path of a file in the backup"),
    (JitsiRestore, "spec.path", "a\nb", "the path of a file in the backup"),
    (JitsiPlan, "spec.sizes.bridge", {"cpu": 2}, "an amount of CPU in quotes"),
    (JitsiPlan, "spec.sizes.bridge", {"cpu": "0.5"}, "an amount of CPU in quotes"),
    (JitsiPlan, "spec.sizes.bridge", {"memory": "2G"}, "512Mi or 4Gi"),
    (JitsiPlan, "spec.capacity.participants", 1000, "at most 500"),
    (JitsiTerms, "spec.sha256", "0" * 63, "64 hexadecimal digits"),
    (JitsiTerms, "spec.sha256", "A" * 64, "64 hexadecimal digits"),
    (JitsiTerms, "spec.address", "ftp://example.org", "https://"),
    (JitsiTerms, "spec.clauses", [], "at least 1"),
    (JitsiTerms, "spec.clauses", [{"clause": "1", "terms": {}}] * 2, "another clause"),
    (JitsiTerms, "spec.clauses[0].clause", 6.3, "the number of a clause in quotes"),
    (JitsiTerms, "spec.clauses[0].terms.backup.daily", "10 days", "a duration of ISO 8601"),
    (JitsiTerms, "spec.clauses[0].terms.backups", {}, "did you mean backup?"),
]


@pytest.mark.parametrize(("kind", "path", "value", "words"), BAD, ids=_id)
def test_both_refuse_and_name_the_field(
    server: Any, objects: Any, refusal: Refusal, kind: Any, path: str, value: Any, words: str
) -> None:
    obj = objects.with_value(kind, path, value)
    said, verdict = refusal(kind, obj), server.dry_run(kind, obj)
    assert said is not None
    assert not verdict.accepted
    assert path in said
    assert path in verdict.message
    assert words in said


@modest
@given(text=st.ip_addresses().map(str) | st.from_regex(r"[0-9a-fA-F.:]{2,39}", fullmatch=True))
def test_addresses(server: Any, objects: Any, refusal: Refusal, text: str) -> None:
    obj = objects.with_value(JitsiPlatform, "spec.media.advertisedAddresses", [text])
    assert (refusal(JitsiPlatform, obj) is None) == server.dry_run(JitsiPlatform, obj).accepted


@modest
@given(
    text=st.ip_addresses(network="10.0.0.0/8").map(str) | st.ip_addresses(v=6).map(str),
    length=st.integers(0, 140).map(str) | st.just("08"),
)
def test_networks(server: Any, objects: Any, refusal: Refusal, text: str, length: str) -> None:
    obj = objects.with_value(JitsiPlatform, "spec.media.clientNetworks", [f"{text}/{length}"])
    assert (refusal(JitsiPlatform, obj) is None) == server.dry_run(JitsiPlatform, obj).accepted
