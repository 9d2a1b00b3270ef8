"""The archiver of logs is told of tenants and holds, and what it reports reaches the tenants."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

import pytest

from jitsi_tenant_operator.api.conditions import ConditionStatus
from jitsi_tenant_operator.api.hold import JitsiLegalHold
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef, TenantKey
from jitsi_tenant_operator.api.terms import JitsiTerms, LogDisposal
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.kube.client import KubeClient
from jitsi_tenant_operator.kube.errors import KubeError, NotFound
from jitsi_tenant_operator.kube.informer import Change, ChangeType
from jitsi_tenant_operator.logs.configuration import (
    LogPolicy,
    TenantLogs,
    read_configuration,
    read_holds,
)
from jitsi_tenant_operator.logs.report import (
    Finding,
    Head,
    RunReport,
    TenantReport,
    Trouble,
    termination_message,
)
from jitsi_tenant_operator.reconcile import log_reports, log_terms
from jitsi_tenant_operator.reconcile.conditions import Reason
from jitsi_tenant_operator.reconcile.contract_objects import ContractObjects
from jitsi_tenant_operator.reconcile.log_reports import EndedRun, LogReports
from jitsi_tenant_operator.reconcile.logs import Calls, LogKeeping
from jitsi_tenant_operator.reconcile.world import World

PARIS = Calendar.of("Europe/Paris")
NOW = datetime(2026, 11, 24, 23, 20, tzinfo=UTC)
DIGEST = "ab" * 32
HOLD: JsonObject = {
    "apiVersion": API_VERSION,
    "kind": JitsiLegalHold.definition.kind,
    "metadata": {
        "name": "claim",
        "namespace": "tenant-acme",
        "uid": "u1",
        "resourceVersion": "1",
        "creationTimestamp": "2026-11-01T10:00:00Z",
    },
    "spec": {"basis": "a claim", "requestedBy": "counsel"},
}


def held(*bodies: JsonObject, now: datetime = NOW) -> list[dict[str, Any]]:
    """What the archiver is told of holds, by way of the file that it reads."""
    around = ContractObjects()
    for body in bodies:
        around.observe(JitsiLegalHold.definition.kind, "ADDED", body)
    return [
        each.model_dump(exclude_defaults=True) for each in log_terms.holds(around, PARIS, now).holds
    ]


def hold(**spec: Any) -> JsonObject:
    return {**HOLD, "spec": {**HOLD["spec"], **spec}}


def test_a_hold_on_everything_or_on_logs_holds_logs_and_no_other_does() -> None:
    everything = [{"name": "claim", "tenant": "tenant-acme"}]
    assert held(HOLD) == held(hold(scope=["Logs", "Backups"])) == everything
    assert held(hold(scope=["Backups"])) == []


def test_a_hold_on_some_logs_holds_these() -> None:
    some = {"components": ["jvb"], "from": "2026-10-01", "until": "2026-10-31"}
    (found,) = held(hold(logs=some))
    assert found["components"] == ("jvb",)
    assert (found["from_"], found["until"]) == (date(2026, 10, 1), date(2026, 10, 31))


def test_a_hold_holds_until_the_day_of_its_release() -> None:
    released = hold(release={"releasedBy": "c", "releasedOn": "2026-11-25", "reason": "done"})
    midnight = datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert held(released, now=midnight - timedelta(seconds=1))
    assert held(released, now=midnight) == []
    around = ContractObjects()
    around.observe(JitsiLegalHold.definition.kind, "ADDED", released)
    assert log_terms.next_release(around, PARIS, midnight - timedelta(days=1)) == midnight
    assert log_terms.next_release(around, PARIS, midnight) is None


def test_a_hold_that_cannot_be_read_holds_everything_of_its_tenant() -> None:
    (found,) = held(hold(scope="Backups"))
    assert found == {"name": "unreadable: claim", "tenant": "tenant-acme"}


def test_the_archiver_reads_what_the_operator_writes(
    body_of: Callable[..., JsonObject], tmp_path: Any
) -> None:
    terms = JitsiTerms.parse(body_of("JitsiTerms"))
    policy = log_terms.standing_policy([terms], (), PARIS)
    assert policy is not None
    assert (policy.retention, policy.disposal) == ("P6M", LogDisposal.DELETE)
    told = log_terms.configuration("Europe/Paris", policy, {})
    around = ContractObjects()
    around.observe(JitsiLegalHold.definition.kind, "ADDED", HOLD)
    body = log_terms.config_map("operator", told, log_terms.holds(around, PARIS, NOW))
    for name, text in body["data"].items():
        (tmp_path / name).write_text(text)
    assert read_configuration(tmp_path / log_terms.CONFIGURATION) == told
    assert [each.name for each in read_holds(tmp_path / log_terms.HOLDS).holds] == ["claim"]


def test_where_documents_say_nothing_of_logs_the_longest_terms_of_a_tenant_count() -> None:
    policies = [
        LogPolicy(
            retention=retention,
            compress_after="P1D",
            disposal=LogDisposal.DELETE,
            source="a contract",
        )
        for retention in ("P180D", "P1Y", "P6M")
    ]
    tenants = [TenantLogs(name=f"t-{n}", policy=each) for n, each in enumerate(policies)]
    assert log_terms.standing_policy([], tenants, PARIS) == policies[1]
    assert log_terms.standing_policy([], (), PARIS) is None


def report(at: datetime = NOW, *troubles: Trouble, **tenant: Any) -> RunReport:
    """A run that saw one tenant."""
    findings = tuple(Finding(trouble=each) for each in troubles)
    of = TenantReport(
        tenant="tenant-acme", head=Head(number=7, digest=DIGEST), findings=findings, **tenant
    )
    return RunReport(at=at, version="1", tenants=(of,))


def heard(*reports: RunReport) -> tuple[LogReports, list[str]]:
    told: list[str] = []
    found = LogReports(told.append)
    for each in reports:
        found.take(each)
    return found, told


def test_a_report_counts_once_and_an_older_or_dry_one_not_at_all() -> None:
    older = report(NOW - timedelta(days=1))
    dry = report(NOW + timedelta(days=1)).model_copy(update={"dry_run": True})
    found, told = heard(report(), report(), older, dry)
    assert told == ["tenant-acme"]
    known = found.of("tenant-acme")
    assert known is not None
    assert known.status.head == DIGEST
    assert known.status.checked_at == NOW


def test_what_the_archiver_ends_with_is_read_whole_or_known_to_be_cut() -> None:
    read, whole = log_reports.read(termination_message(report()))
    assert (read, whole) == (report(), True)
    many = report().model_copy(
        update={"tenants": tuple(TenantReport(tenant=f"t-{n}", archived=5) for n in range(500))}
    )
    read, whole = log_reports.read(termination_message(many))
    assert read is not None
    assert not whole
    for text in ("", "Killed", "[]", '{"tenants": 3}', '"x"'):
        assert log_reports.read(text) == (None, False)


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        (report(), ConditionStatus.TRUE, Reason.AS_WANTED),
        (report(NOW, Trouble.UNKNOWN_FILE), ConditionStatus.TRUE, Reason.AS_WANTED),
        (report(NOW, held=3), ConditionStatus.TRUE, Reason.AS_WANTED),
        (report(NOW, overdue=1), ConditionStatus.FALSE, Reason.LOGS_OVERDUE),
        (report(NOW, Trouble.NOT_ARCHIVED), ConditionStatus.FALSE, Reason.LOGS_NOT_ARCHIVED),
        (report(NOW, Trouble.MANIFEST_BROKEN), ConditionStatus.FALSE, Reason.ARCHIVES_ALTERED),
        (
            report().model_copy(update={"findings": (Finding(trouble=Trouble.HOLDS_UNREADABLE),)}),
            ConditionStatus.FALSE,
            Reason.HOLDS_UNREADABLE,
        ),
        (report(NOW - timedelta(days=3)), ConditionStatus.FALSE, Reason.LOGS_NOT_ARCHIVED),
    ],
)
def test_logs_are_retained_when_the_archiver_says_so_day_by_day(
    said: RunReport, status: ConditionStatus, reason: Reason
) -> None:
    (found,) = log_reports.findings(heard(said)[0].of("tenant-acme"), None, NOW)
    assert (found.status, found.reason) == (status, reason)


def test_nothing_is_said_of_logs_where_no_archiver_ever_ran() -> None:
    assert log_reports.findings(None, None, NOW) == []
    (found,) = log_reports.findings(None, NOW - timedelta(hours=1), NOW)
    assert found.status is ConditionStatus.UNKNOWN
    (found,) = log_reports.findings(None, NOW - timedelta(days=3), NOW)
    assert found.reason is Reason.LOGS_NOT_ARCHIVED


def test_only_a_container_that_ended_has_said_something() -> None:
    pod: JsonObject = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "n", "uid": "u", "resourceVersion": "3"},
    }
    assert log_reports.ended_run(dict(pod)).message is None
    state: JsonObject = {"running": {}}
    pod["status"] = {"containerStatuses": [{"name": log_reports.ARCHIVER, "state": state}]}
    assert log_reports.ended_run(dict(pod)).message is None
    message = termination_message(report()).decode()
    pod["status"]["containerStatuses"][0]["state"] = {"terminated": {"message": message}}
    assert log_reports.ended_run(dict(pod)).message == message
    assert json.loads(message)["tenants"][0]["tenant"] == "tenant-acme"


class Server:
    """An API server as far as the ConfigMap and the logs of pods go."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.applied: list[JsonObject] = []
        self.log: bytes | KubeError = b""

    async def apply(self, body: JsonObject) -> JsonObject:
        self.applied.append(body)
        metadata = {**body["metadata"], "uid": "u", "resourceVersion": str(len(self.applied))}
        return {**body, "metadata": metadata}

    async def get_raw(self, _path: str) -> bytes:
        if isinstance(self.log, KubeError):
            raise self.log
        return self.log


class Desk:
    """Who keeps the archiver informed, with everything around."""

    def __init__(self, clock: Any, body_of: Callable[..., JsonObject]) -> None:
        self.server = Server(clock)
        self.world = World()
        self.complete = True
        self.calls: list[object] = []
        for kind in ("JitsiPlatform", "JitsiTerms"):
            self.world_of(kind).observe(None, body_of(kind, metadata={"resourceVersion": "1"}))
        self.keeping = LogKeeping(
            self.world,
            cast("KubeClient", self.server),
            "operator",
            complete=lambda: self.complete,
            calls=Calls(lambda: self.calls.append("changed"), self.calls.append, self.calls.append),
        )

    def world_of(self, kind: str) -> Any:
        return self.world.platforms if kind == "JitsiPlatform" else self.world.terms


@pytest.fixture
def desk(clock: Any, body_of: Callable[..., JsonObject]) -> Desk:
    return Desk(clock, body_of)


def some_logs(policy: Any, name: str = "tenant-acme") -> TenantLogs:
    return TenantLogs(name=name, policy=policy)


async def test_the_config_map_is_written_when_it_says_anything_new(
    desk: Desk, body_of: Callable[..., JsonObject]
) -> None:
    policy = log_terms.standing_policy([JitsiTerms.parse(body_of("JitsiTerms"))], (), PARIS)
    desk.complete = False
    again = await desk.keeping.reconcile()
    assert again is not None
    assert desk.server.applied == []
    desk.complete = True
    key = TenantKey("tenant-acme", "acme")
    desk.keeping.learn(key, some_logs(policy))
    desk.keeping.learn(key, some_logs(policy))
    assert desk.calls == ["changed"]
    for _ in range(2):
        await desk.keeping.reconcile()
    assert len(desk.server.applied) == 1
    told = json.loads(desk.server.applied[0]["data"][log_terms.CONFIGURATION])
    assert [tenant["name"] for tenant in told["tenants"]] == ["tenant-acme"]
    other = TenantKey("tenant-globex", "globex")
    desk.keeping.learn(other, some_logs(policy, "tenant-globex"))
    desk.keeping.learn(key, None)
    await desk.keeping.reconcile()
    told = json.loads(desk.server.applied[1]["data"][log_terms.CONFIGURATION])
    assert [tenant["name"] for tenant in told["tenants"]] == ["tenant-globex"]


async def test_what_somebody_changes_in_the_config_map_is_put_right(
    desk: Desk, body_of: Callable[..., JsonObject]
) -> None:
    policy = log_terms.standing_policy([JitsiTerms.parse(body_of("JitsiTerms"))], (), PARIS)
    desk.keeping.learn(TenantKey("tenant-acme", "acme"), some_logs(policy))
    await desk.keeping.reconcile()
    desk.keeping.see(log_terms.Told("u", 9, {"holds.json": '{"holds":[]}'}))
    await desk.keeping.reconcile()
    desk.keeping.see(None)
    await desk.keeping.reconcile()
    assert len(desk.server.applied) == 3


async def test_a_report_too_long_for_a_message_is_read_from_the_log(desk: Desk) -> None:
    tenants = tuple(TenantReport(tenant=f"t-{n}", archived=5) for n in range(500))
    many = report().model_copy(update={"tenants": tenants})
    pod = ObjectRef("v1", "Pod", "operator", "p")
    message = termination_message(many).decode()
    desk.keeping.hear(Change(ChangeType.ADDED, None, EndedRun(pod, "u", 1, message)))
    assert desk.calls[-1] == pod
    desk.server.log = many.model_dump_json(by_alias=True).encode()
    await desk.keeping.read_whole(pod)
    assert all(desk.keeping.reports.of(tenant.tenant) for tenant in tenants)
    desk.server.log = NotFound("gone", status=404)
    await desk.keeping.read_whole(pod)
