"""Objects read into models."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from jitsi_tenant_operator.api.contract import RenewalMode
from jitsi_tenant_operator.api.meeting import Authentication, Guests
from jitsi_tenant_operator.api.model import InvalidObjectError
from jitsi_tenant_operator.api.plan import Feature, JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.tenant import JitsiTenant

TENANT: dict[str, Any] = {
    "apiVersion": "jitsi.rezosocial.com/v1alpha1",
    "kind": "JitsiTenant",
    "metadata": {"name": "acme", "namespace": "tenant-acme"},
    "spec": {
        "contract": {
            "reference": "DC-1",
            "client": {"legalName": "ACME", "email": "it@acme.example"},
            "signedOn": "2026-06-01",
            "term": "P12M",
            "options": ["Recording"],
        },
        "plan": "business",
    },
}


@pytest.fixture
def obj() -> dict[str, Any]:
    return copy.deepcopy(TENANT)


def problems(obj: dict[str, Any], *, strict: bool = True) -> list[str]:
    with pytest.raises(InvalidObjectError) as caught:
        JitsiTenant.parse(obj, strict=strict)
    return [str(problem) for problem in caught.value.problems]


def test_what_is_not_said_has_a_safe_default(obj: dict[str, Any]) -> None:
    spec = JitsiTenant.parse(obj).spec
    assert spec.access.authentication is Authentication.INTERNAL
    assert spec.access.guests is Guests.LOBBY
    assert not spec.meetings.peer_to_peer
    assert not spec.recording.enabled
    assert spec.contract.renewal.mode is RenewalMode.NONE
    assert spec.contract.options == (Feature.RECORDING,)


def test_an_object_from_the_server_may_hold_more_than_we_know(obj: dict[str, Any]) -> None:
    obj["spec"]["invented"] = obj["later"] = {"field": 1}
    obj["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    obj["metadata"]["creationTimestamp"] = "2026-06-01T08:00:00Z"
    assert JitsiTenant.parse(obj).metadata.name == "acme"


def test_a_file_may_not(obj: dict[str, Any]) -> None:
    obj["spec"]["meetings"] = {"maxParticipant": 5}
    obj["spek"] = {}
    obj["metadata"]["lables"] = {}
    obj["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    assert sorted(problems(obj)) == [
        "metadata.lables: unknown field; did you mean labels?",
        "spec.meetings.maxParticipant: unknown field; did you mean maxParticipants?",
        "spek: unknown field; did you mean spec?",
    ]


def test_all_problems_are_told_at_once(obj: dict[str, Any]) -> None:
    obj["spec"]["contract"]["term"] = "12 months"
    obj["spec"]["plan"] = None
    del obj["spec"]["contract"]["client"]["email"]
    assert sorted(problems(obj)) == [
        "spec.contract.client.email: required",
        "spec.contract.term: expected a duration of ISO 8601, such as P10D, P2M or PT48H",
        "spec.plan: required",
    ]


def test_all_broken_rules_of_a_section_are_told(obj: dict[str, Any]) -> None:
    obj["spec"]["access"] = {
        "authentication": "LDAP",
        "jwt": {"appId": "a", "keyServer": "https://k"},
    }
    (problem,) = problems(obj)
    assert problem == (
        "spec.access: jwt is set with authentication JWT, and only then;"
        " ldap is set with authentication LDAP, and only then"
    )


def test_a_rule_of_the_object_as_a_whole_needs_no_path(obj: dict[str, Any]) -> None:
    obj["metadata"]["name"] = "acme.fr"
    assert problems(obj) == ["the name of a tenant is a DNS label: at most 63 characters, no dots"]


@pytest.mark.parametrize("null_at", ["host", "access", "recording", "suspension"])
def test_null_counts_as_not_set(obj: dict[str, Any], null_at: str) -> None:
    expected = JitsiTenant.parse(obj)
    obj["spec"][null_at] = None
    assert JitsiTenant.parse(obj, strict=True) == expected


def test_a_null_inside_a_list_is_refused(obj: dict[str, Any]) -> None:
    obj["spec"]["contract"]["options"] = [None]
    assert problems(obj) == ["spec.contract.options[0]: expected one of Recording, Livestreaming"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "access", "jwt"), {"appId": "hunter2 hunter2", "keyServer": "https://k"}),
        (("spec", "access", "authentication"), "hunter2"),
        (("spec", "contract", "signedOn"), "hunter2"),
        (("spec", "contract", "client", "email"), "hunter2"),
        (("spec", "meetings", "maxParticipants"), "hunter2"),
        (("spec", "recording", "enabled"), "hunter2"),
        (("spec", "plan"), ["hunter2"]),
        (("spec", "access"), "hunter2"),
        (("metadata", "name"), "hunter2!"),
    ],
)
def test_no_message_repeats_a_value(
    obj: dict[str, Any], path: tuple[str, ...], value: object
) -> None:
    inside = obj
    for part in path[:-1]:
        inside = inside.setdefault(part, {})
    inside[path[-1]] = value
    assert all("hunter2" not in problem for problem in problems(obj))


@pytest.mark.parametrize("metadata", [None, "acme", {}, {"name": ""}, {"name": 5}])
def test_an_object_without_a_usable_name_is_refused(obj: dict[str, Any], metadata: object) -> None:
    obj["metadata"] = metadata
    assert all(problem.startswith("metadata") for problem in problems(obj))


@pytest.mark.parametrize("spec", [None, [], "spec", 5])
def test_a_spec_that_is_none_is_refused(obj: dict[str, Any], spec: object) -> None:
    obj["spec"] = spec
    assert problems(obj, strict=False)[0].startswith("spec")


def test_the_error_names_the_object(obj: dict[str, Any]) -> None:
    obj["spec"]["plan"] = ""
    with pytest.raises(InvalidObjectError, match=r"^JitsiTenant tenant-acme/acme: spec\.plan: "):
        JitsiTenant.parse(obj)


def test_a_model_writes_what_it_read(obj: dict[str, Any]) -> None:
    written = JitsiTenant.parse(obj).to_json()
    assert written["spec"]["contract"]["signedOn"] == "2026-06-01"
    assert written["spec"]["contract"]["options"] == ["Recording"]
    assert "host" not in written["spec"]
    assert JitsiTenant.parse(written, strict=True).to_json() == written


def test_models_do_not_change(obj: dict[str, Any]) -> None:
    tenant = JitsiTenant.parse(obj)
    with pytest.raises(ValueError, match="frozen"):
        tenant.spec.plan = "other"  # type: ignore[misc]


def test_a_plan_changes_one_size_and_keeps_the_others() -> None:
    spec = {"sizes": {"bridge": {"memory": "8Gi"}, "web": {"replicas": 5}}}
    plan = JitsiPlan.parse({"metadata": {"name": "large"}, "spec": spec}).spec.sizes
    assert (plan.bridge.cpu, plan.bridge.memory) == ("1", "8Gi")
    assert (plan.web.cpu, plan.web.replicas) == ("50m", 5)
    assert plan.jicofo == JitsiPlan.parse({"metadata": {"name": "x"}, "spec": {}}).spec.sizes.jicofo


def platform(location: dict[str, Any]) -> JitsiPlatform:
    spec = {
        "domain": "meet.example.org",
        "entry": {"ingress": {"className": "nginx"}, "tls": {"secretName": "tls"}},
        "location": {"country": "FR", "site": "Paris", **location},
    }
    return JitsiPlatform.parse({"metadata": {"name": "default"}, "spec": spec})


def test_the_key_of_a_map_is_named_by_its_path() -> None:
    with pytest.raises(InvalidObjectError) as caught:
        platform({"nodeSelector": {"bad key": "x"}})
    (problem,) = caught.value.problems
    assert problem.path == "spec.location.nodeSelector['bad key']"
    assert problem.message == "expected the key of a label, such as example.org/role"


@pytest.mark.parametrize(
    "said",
    [{}, {"allNodes": False}, {"nodeSelector": {}}, {"nodeSelector": {"a": "b"}, "allNodes": True}],
)
def test_where_pods_run_is_said_once(said: dict[str, Any]) -> None:
    with pytest.raises(InvalidObjectError) as caught:
        platform(said)
    (problem,) = caught.value.problems
    assert problem.path.startswith("spec.location")
    assert platform({"allNodes": True}).spec.location.node_selector is None
