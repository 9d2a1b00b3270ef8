"""Facts of children, from objects as the API server and the controllers write them."""

from __future__ import annotations

import pytest

from jitsi_tenant_operator.api.objects import TEMPLATE_ANNOTATION, JsonObject
from jitsi_tenant_operator.kube.facts import (
    ClaimFacts,
    IngressFacts,
    JobFacts,
    PodFacts,
    RouteFacts,
    ServiceFacts,
    WorkloadFacts,
    facts_of,
)

DONE = {
    "observedGeneration": 2,
    "replicas": 3,
    "updatedReplicas": 3,
    "readyReplicas": 3,
    "availableReplicas": 3,
}


def _deployment(status: JsonObject, **spec: int) -> WorkloadFacts:
    facts = facts_of(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"generation": 2},
            "spec": spec,
            "status": status,
        }
    )
    assert isinstance(facts, WorkloadFacts)
    return facts


def test_a_rolled_out_workload_is_complete() -> None:
    assert _deployment(DONE, replicas=3).complete
    assert _deployment(DONE, replicas=3).why_not == ""


@pytest.mark.parametrize(
    "change",
    [
        {"observedGeneration": 1},  # the controller has not seen the spec yet
        {"replicas": 4},  # a pod of before is still there
        {"updatedReplicas": 2},
        {"readyReplicas": 2},
        {"availableReplicas": 2},
    ],
)
def test_a_workload_is_not_complete_while_anything_is_missing(change: dict[str, int]) -> None:
    assert not _deployment({**DONE, **change}, replicas=3).complete


def test_a_workload_scaled_to_nothing_is_complete() -> None:
    assert _deployment({"observedGeneration": 2}, replicas=0).complete
    assert not _deployment({}, replicas=0).complete
    assert _deployment({}).desired == 1


def test_the_reason_why_pods_are_missing_is_one_line() -> None:
    conditions = [
        {"type": "Available", "status": "False", "reason": "Minimum", "message": "too few"},
        {"type": "Progressing", "status": "True", "reason": "x", "message": "y"},
        {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": "pods is forbidden:\n exceeded quota",
        },
    ]
    facts = _deployment({"conditions": conditions}, replicas=1)
    assert facts.why_not == "FailedCreate: pods is forbidden: exceeded quota"
    assert _deployment({"conditions": conditions[:2]}, replicas=1).why_not == "Minimum: too few"


def test_node_ports_and_addresses_of_a_service() -> None:
    facts = facts_of(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {},
            "spec": {
                "clusterIP": "10.96.0.7",
                "ports": [{"name": "media", "nodePort": 30001}, {"name": "http"}],
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}, {"hostname": "lb.x"}]}},
        }
    )
    assert isinstance(facts, ServiceFacts)
    assert facts.node_port("media") == 30001
    assert facts.node_port("http") is None
    assert facts.addresses == ("203.0.113.9", "lb.x")
    assert facts.cluster_ip == "10.96.0.7"


def test_where_a_pod_runs() -> None:
    pod: JsonObject = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {}}
    assert facts_of(pod) == PodFacts("", ready=False, node="", host_ip="", pod_ip="")
    pod["spec"] = {"nodeName": "node-1"}
    pod["status"] = {
        "phase": "Running",
        "hostIP": "192.0.2.11",
        "podIP": "10.0.0.5",
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    assert facts_of(pod) == PodFacts("Running", True, "node-1", "192.0.2.11", "10.0.0.5")


def test_what_a_pod_was_made_from() -> None:
    container = {
        "ports": [{"containerPort": 8080}, {"containerPort": 10000, "hostPort": 10007}],
        "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}},
    }
    facts = facts_of(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "annotations": {TEMPLATE_ANNOTATION: "abc"},
                "labels": {"controller-revision-hash": "acme-jvb-0-6f7d"},
            },
            "spec": {"containers": [container, {"name": "sidecar"}]},
        }
    )
    assert isinstance(facts, PodFacts)
    assert (facts.template, facts.revision) == ("abc", "acme-jvb-0-6f7d")
    assert facts.host_ports == (10007,)
    assert facts.requests == ("500m", "2Gi")


def test_claims_and_ingresses() -> None:
    def named(api_version: str, kind: str, status: JsonObject) -> JsonObject:
        return {"apiVersion": api_version, "kind": kind, "metadata": {}, "status": status}

    claim = named("v1", "PersistentVolumeClaim", {"phase": "Bound", "capacity": {"storage": "1Gi"}})
    claim["spec"] = {
        "storageClassName": "standard",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "512Mi"}},
    }
    assert facts_of(claim) == ClaimFacts("Bound", "1Gi", "standard", ("ReadWriteOnce",), "512Mi")
    addresses = {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}}
    assert facts_of(named("networking.k8s.io/v1", "Ingress", addresses)) == IngressFacts(
        ("203.0.113.9",)
    )


YES = {"type": "Accepted", "status": "True"}
NO = {"type": "Accepted", "status": "False", "reason": "NoMatchingParent", "message": "no"}
GATEWAYS = [{"name": "public", "namespace": "web", "sectionName": each} for each in ("a", "b")]


def _route(*parents: tuple[JsonObject, JsonObject]) -> object:
    """The facts of a route to both Gateways; what was said by which parents."""
    said = [{"parentRef": ref, "conditions": [condition]} for ref, condition in parents]
    return facts_of(
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "HTTPRoute",
            "metadata": {"generation": 3},
            "spec": {"parentRefs": GATEWAYS},
            "status": {"parents": said},
        }
    )


UNANSWERED = RouteFacts(accepted=None, why_not="")


def test_a_route_is_accepted_when_no_gateway_refuses_it() -> None:
    one, other = GATEWAYS
    assert _route() == UNANSWERED
    assert _route((one, YES)) == RouteFacts(accepted=True, why_not="")
    assert _route((one, YES), (other, NO)) == RouteFacts(
        accepted=False, why_not="NoMatchingParent: no"
    )


@pytest.mark.parametrize("answer", [YES, NO])
def test_what_a_gateway_said_of_an_earlier_route_does_not_count(answer: JsonObject) -> None:
    before = {"name": "before", "namespace": "web", "sectionName": "a"}
    assert _route((before, answer)) == UNANSWERED
    assert _route((GATEWAYS[0], answer | {"observedGeneration": 2})) == UNANSWERED
    assert _route((GATEWAYS[0], answer | {"observedGeneration": 3})) != UNANSWERED


def test_other_kinds_have_no_facts() -> None:
    assert facts_of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}) is None


def _job(*conditions: JsonObject) -> JobFacts:
    status = {"startTime": "2026-06-20T01:15:00Z", "conditions": list(conditions)}
    facts = facts_of({"apiVersion": "batch/v1", "kind": "Job", "metadata": {}, "status": status})
    assert isinstance(facts, JobFacts)
    return facts


def test_a_job_says_whether_it_ended_and_how() -> None:
    assert _job() == JobFacts(False, False, "", "2026-06-20T01:15:00Z")
    assert _job({"type": "Complete", "status": "True"}).succeeded
    reason = {"reason": "DeadlineExceeded", "message": "Job was active\nlonger"}
    failed = _job({"type": "Failed", "status": "True", **reason})
    assert (failed.failed, failed.why_not) == (True, "DeadlineExceeded: Job was active longer")
    assert not _job({"type": "Failed", "status": "False", **reason}).failed


def test_a_pod_that_has_ended_keeps_the_words_of_its_containers_in_order() -> None:
    def pod(phase: str) -> PodFacts:
        def ended(text: str) -> JsonObject:
            return {"state": {"terminated": {"exitCode": 0, "message": text}}}

        status = {
            "phase": phase,
            "initContainerStatuses": [ended("first"), ended("")],
            "containerStatuses": [ended("last")],
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": {}, "status": status}
        facts = facts_of(body)
        assert isinstance(facts, PodFacts)
        return facts

    assert pod("Succeeded").last_words == ("first", "last")
    assert pod("Failed").last_words == ("first", "last")
    assert pod("Running").last_words == ()
