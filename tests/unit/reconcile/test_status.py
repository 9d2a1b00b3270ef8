"""Conditions and status: what is said, when it counts as new, and what sums it up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jitsi_tenant_operator.api.conditions import Condition, ConditionStatus
from jitsi_tenant_operator.api.objects import ObjectRef
from jitsi_tenant_operator.api.tenant import BridgeStatus, JitsiTenant, JitsiTenantStatus
from jitsi_tenant_operator.contract.terms import effective_terms
from jitsi_tenant_operator.kube.errors import Cause, Forbidden, Immutable, Invalid, NameTaken
from jitsi_tenant_operator.kube.facts import WorkloadFacts
from jitsi_tenant_operator.reconcile import findings
from jitsi_tenant_operator.reconcile.conditions import (
    ConditionType,
    Finding,
    Reason,
    conditions,
    found,
    lacking,
    unknown,
)
from jitsi_tenant_operator.reconcile.observe import Workload
from jitsi_tenant_operator.reconcile.resolve import Problem, Unresolved
from jitsi_tenant_operator.reconcile.status import (
    Report,
    Running,
    next_status,
    status_patch,
    with_finding,
)

NOON = datetime.fromisoformat("2026-06-01T12:00:00Z")
LATER = NOON + timedelta(hours=1)

STATUSES = st.sampled_from(ConditionStatus)
FINDINGS = st.builds(
    Finding,
    st.sampled_from(ConditionType),
    STATUSES,
    st.sampled_from(Reason),
    st.text(max_size=20),
)
SETS = st.lists(FINDINGS, unique_by=lambda finding: finding.type, max_size=8)


@given(earlier=SETS, later=SETS)
def test_a_transition_is_a_change_of_status_and_nothing_else(
    earlier: list[Finding], later: list[Finding]
) -> None:
    before = conditions(earlier, (), generation=1, now=NOON)
    after = conditions(later, before, generation=2, now=LATER)
    was = {finding.type: finding.status for finding in earlier}
    for condition, finding in zip(
        after, sorted(later, key=lambda finding: finding.type), strict=True
    ):
        moved = was.get(finding.type) is not finding.status
        expected = "2026-06-01T13:00:00Z" if moved else "2026-06-01T12:00:00Z"
        assert condition.last_transition_time == expected
        assert (condition.type, condition.status) == (finding.type, finding.status)
        assert (condition.reason, condition.message) == (finding.reason, finding.message)
        assert condition.observed_generation == 2


@given(some=SETS, order=st.randoms())
def test_the_order_of_findings_does_not_show(some: list[Finding], order: Any) -> None:
    mixed = list(some)
    order.shuffle(mixed)
    one = conditions(some, (), generation=1, now=NOON)
    assert one == conditions(mixed, (), generation=1, now=NOON)
    assert [condition.type for condition in one] == sorted(finding.type for finding in some)


def test_conditions_of_others_and_of_other_versions_are_no_obstacle() -> None:
    foreign = Condition(
        type="Unheard",
        status=ConditionStatus.TRUE,
        reason="NobodyKnows",
        last_transition_time="2026-01-01T00:00:00Z",
    )
    after = conditions([found(ConditionType.READY)], [foreign], generation=1, now=NOON)
    assert [condition.type for condition in after] == ["Ready"]


def test_a_message_is_cut_to_what_the_api_takes() -> None:
    long = lacking(ConditionType.READY, Reason.INVALID_SPEC, "x" * 10_000)
    (condition,) = conditions([long], (), generation=1, now=NOON)
    assert len(condition.message) == 4096


def report(*some: Finding, applied: bool = False, **running: Any) -> Report:
    return Report(some, applied=applied, running=Running(**running))


READY = found(ConditionType.READY)


def test_nothing_new_to_say_is_the_same_status() -> None:
    first = report(READY, applied=True, url="https://a.example", release="stable-11146-2")
    before = next_status(None, first, generation=3, now=NOON)
    assert next_status(before, first, generation=3, now=LATER) == before
    written = JitsiTenantStatus.model_validate(before.to_json())
    assert next_status(written, first, generation=3, now=LATER) == written, "also as it was stored"


def test_the_observed_generation_moves_when_the_spec_was_applied() -> None:
    before = next_status(None, report(READY, applied=True), generation=3, now=NOON)
    assert before.observed_generation == 3
    failed = next_status(before, report(READY), generation=4, now=NOON)
    assert failed.observed_generation == 3
    assert failed.conditions is not None
    assert failed.conditions[0].observed_generation == 4
    assert next_status(failed, report(READY, applied=True), generation=4, now=NOON) != failed
    assert next_status(None, report(READY), generation=1, now=NOON).observed_generation is None


def test_what_is_not_known_now_stays_as_it_was(make: Callable[..., Any]) -> None:
    terms = effective_terms(make("JitsiTenant").spec.contract, [make("JitsiTerms")])
    bridges = (BridgeStatus(name="acme-jvb-0", addresses=("192.0.2.1",), port=30_000, ready=True),)
    full = report(
        READY,
        applied=True,
        url="https://a.example",
        release="stable-11146-2",
        bridges=bridges,
        bridge_replicas=1,
        bridge_selector="a=b",
        terms=terms,
    )
    before = next_status(None, full, generation=1, now=NOON)
    assert before.terms is not None
    daily = next(term for term in before.terms if term.name == "backup.daily")
    assert (daily.value, daily.document, daily.clause) == ("P10D", "cgu", "6.3")
    after = next_status(before, report(READY), generation=1, now=NOON)
    assert after == before
    nothing = report(READY, bridges=(), bridge_replicas=0)
    none = next_status(before, nothing, generation=1, now=NOON)
    assert (none.bridges, none.bridge_replicas) == ((), 0)


def test_one_condition_can_change_alone() -> None:
    several = report(
        unknown(ConditionType.AVAILABLE, "x"), found(ConditionType.SPEC_VALID), READY, applied=True
    )
    before = next_status(None, several, generation=1, now=NOON)
    paused = Finding(ConditionType.READY, ConditionStatus.UNKNOWN, Reason.PAUSED)
    after = with_finding(before, finding=paused, generation=2, now=LATER)
    assert before.conditions is not None
    assert after.conditions is not None
    kept = [condition for condition in after.conditions if condition.type != "Ready"]
    assert kept == [condition for condition in before.conditions if condition.type != "Ready"]
    ready = next(condition for condition in after.conditions if condition.type == "Ready")
    assert (ready.reason, ready.observed_generation) == ("Paused", 2)
    assert after.observed_generation == 1, "what is paused was not applied"
    assert [condition.type for condition in after.conditions] == ["Available", "Ready", "SpecValid"]
    assert with_finding(after, finding=paused, generation=2, now=LATER) == after


def test_a_status_is_written_to_this_very_tenant(body_of: Callable[..., Any]) -> None:
    status = next_status(None, report(READY), generation=1, now=NOON)
    patch = status_patch(body_of("JitsiTenant"), status)
    assert patch["metadata"] == {"name": "acme", "namespace": "tenant-acme", "uid": "uid-acme"}
    assert patch.keys() == {"apiVersion", "kind", "metadata", "status"}
    JitsiTenant.parse({**body_of("JitsiTenant"), "status": patch["status"]}, strict=True)


# What becomes of what was found.


def ref(kind: str, name: str) -> ObjectRef:
    return ObjectRef("v1", kind, "tenant-acme", name)


@given(SETS.filter(lambda some: all(finding.type != ConditionType.READY for finding in some)))
def test_ready_is_true_when_all_parts_are_and_else_repeats_what_is_wrong(
    some: list[Finding],
) -> None:
    ready = findings.summary(some)
    beside = {
        ConditionType.NOTICES_SENT,
        ConditionType.LEDGER_INTACT,
        ConditionType.UP_TO_DATE,
        ConditionType.LOGS_RETAINED,
        ConditionType.BACKUPS_CURRENT,
    }
    bad = [
        finding
        for finding in some
        if finding.status is not ConditionStatus.TRUE and finding.type not in beside
    ]
    assert ready.type is ConditionType.READY
    assert ready.good == (not bad)
    if bad:
        wrong = [finding for finding in bad if finding.status is ConditionStatus.FALSE]
        candidates = wrong or bad
        assert (ready.reason, ready.message) in {(f.reason, f.message) for f in candidates}


def test_ready_names_the_cause_before_what_follows_from_it() -> None:
    ready = findings.summary(
        [
            lacking(ConditionType.AVAILABLE, Reason.PROGRESSING, "pods"),
            unknown(ConditionType.RESOURCES_APPLIED, "left"),
            lacking(ConditionType.SPEC_VALID, Reason.HOST_TAKEN, "the host"),
        ]
    )
    assert (ready.reason, ready.message) == (Reason.HOST_TAKEN, "the host")


def test_several_problems_of_the_spec_are_told_in_one_message() -> None:
    problems = [Problem(Reason.HOST_TAKEN, "one"), Problem(Reason.BEYOND_PLAN, "two")]
    finding = findings.of_spec(problems)
    assert (finding.reason, finding.message) == (Reason.HOST_TAKEN, "one; two")
    assert findings.of_spec([]).good


def test_what_cannot_be_resolved_leaves_the_rest_unknown() -> None:
    terms = Problem(Reason.TERMS_NOT_FOUND, "no cgu")
    told = {f.type: f for f in findings.of_unresolved(Unresolved((), terms))}
    assert told[ConditionType.SPEC_VALID].good
    assert told[ConditionType.TERMS_RESOLVED].reason is Reason.TERMS_NOT_FOUND
    assert told[ConditionType.RESOURCES_APPLIED].status is ConditionStatus.UNKNOWN
    spec = (Problem(Reason.INVALID_SPEC, "x"),)
    told = {f.type: f for f in findings.of_unresolved(Unresolved(spec, None))}
    assert told[ConditionType.TERMS_RESOLVED].status is ConditionStatus.UNKNOWN


def test_a_taken_name_outweighs_other_failures_and_says_whose_it_is() -> None:
    taken = NameTaken(ref("Service", "acme-web"), "it was made by kubectl-create")
    refused = Forbidden("quota", status=403)
    finding = findings.of_resources(
        {ref("ConfigMap", "acme-web"): refused, taken.ref: taken}, waiting=[]
    )
    assert finding.reason is Reason.NAME_CONFLICT
    assert "Service tenant-acme/acme-web: it was made by kubectl-create" in finding.message
    assert "rename or delete" in finding.message


def test_a_refusal_names_the_fields() -> None:
    causes = (Cause("spec.ports[0].port", "must be below 65536"),)
    failed = {ref("Service", "acme-web"): Invalid("refused", causes=causes, status=422)}
    finding = findings.of_resources(failed, waiting=[])
    assert finding.reason is Reason.APPLY_FAILED
    assert "spec.ports[0].port: must be below 65536" in finding.message


def test_what_must_be_made_anew_by_hand_is_named_with_what_to_do() -> None:
    spec = Cause("spec", "Forbidden: spec is immutable after creation\n@@ -1 +1 @@\n- a\n+ b")
    claim, web = ref("PersistentVolumeClaim", "acme-accounts"), ref("Service", "acme-web")
    stuck = Immutable("refused", causes=(spec,), status=422)
    finding = findings.of_resources({claim: stuck}, waiting=[])
    assert finding.reason is Reason.IMMUTABLE_FIELD
    assert finding.message == (
        f"{claim}: spec: Forbidden: spec is immutable after creation"
        ": save what is in it and delete it, the operator then makes it anew"
    )
    both = findings.of_resources({claim: stuck, web: Forbidden("no", status=403)}, waiting=[])
    assert both.reason is Reason.APPLY_FAILED, "what may pass by itself is looked at first"
    assert "immutable" in both.message


def test_many_failures_are_counted_not_listed() -> None:
    failed = {ref("Service", f"s{n}"): Forbidden("no", status=403) for n in range(8)}
    assert findings.of_resources(failed, waiting=[]).message.endswith(" and 3 more")


def test_what_is_being_deleted_is_waited_for() -> None:
    finding = findings.of_resources({}, waiting=[ref("Service", "acme-web")])
    assert finding.reason is Reason.PROGRESSING
    assert "Service tenant-acme/acme-web" in finding.message
    assert findings.of_resources({}, waiting=[]).good


def test_media_waits_for_addresses_unless_something_forbids_them() -> None:
    assert findings.of_media([], None).good
    pending = findings.of_media(["bridge 1"], None)
    assert (pending.reason, "bridge 1" in pending.message) == (Reason.MEDIA_ADDRESS_PENDING, True)
    obstacle = Problem(Reason.POD_SECURITY, "label it")
    assert findings.of_media(["bridge 1"], obstacle).reason is Reason.POD_SECURITY


def workload(name: str, *, ready: int = 1, why: str = "") -> Workload:
    return Workload(name, WorkloadFacts(1, 1, 1, 1, 1, ready, ready, why))


@pytest.mark.parametrize("recording", [True, False])
def test_recorders_are_a_part_of_their_own(recording: bool) -> None:
    running = [workload("web"), workload("jvb-0"), workload("jibri-0", ready=0, why="no node")]
    available, recorders = findings.of_workloads(running, recording=recording)
    assert available.good
    assert recorders.type is ConditionType.RECORDING_AVAILABLE
    assert "jibri-0 (no node)" in recorders.message


def test_where_nothing_records_nothing_is_said_of_it() -> None:
    (available,) = findings.of_workloads([workload("web", ready=0)], recording=False)
    assert (available.reason, "web" in available.message) == (Reason.PROGRESSING, True)
    _, recorders = findings.of_workloads([workload("web")], recording=True)
    assert recorders.status is ConditionStatus.UNKNOWN, "wanted, but not there yet"


@pytest.mark.parametrize("ready", [0, 1])
@pytest.mark.parametrize("reason", [Reason.ROUTE_NOT_ACCEPTED, Reason.INGRESS_CLASS_NOT_FOUND])
def test_what_only_a_person_can_mend_is_told_before_the_pods_are_there(
    reason: Reason, ready: int
) -> None:
    obstacle = Problem(reason, "change this")
    (available,) = findings.of_workloads(
        [workload("web", ready=ready)], recording=False, obstacle=obstacle
    )
    assert available == lacking(ConditionType.AVAILABLE, reason, "change this")


def test_a_gateway_is_waited_for_once_the_pods_are_there() -> None:
    waiting = Problem(Reason.PROGRESSING, "waiting for the Gateway")
    (starting,) = findings.of_workloads(
        [workload("web", ready=0)], recording=False, obstacle=waiting
    )
    assert "web" in starting.message
    (running,) = findings.of_workloads([workload("web")], recording=False, obstacle=waiting)
    assert running == lacking(
        ConditionType.AVAILABLE, Reason.PROGRESSING, "waiting for the Gateway"
    )
