"""What backup pods hold, see and reach, on the tenant's side and on the operator's."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.backup.configuration import (
    Configuration,
    ResticRepository,
    read_configuration,
)
from jitsi_tenant_operator.cli import _parser
from jitsi_tenant_operator.render import backup, limits
from jitsi_tenant_operator.render.backup import Restoring
from jitsi_tenant_operator.render.context import Operation, VolumeClaim
from jitsi_tenant_operator.render.quantities import storage_mebibytes

LABEL = "jitsi.rezosocial.com/tenant"


@pytest.fixture
def context(contexts: dict[str, Any]) -> Any:
    return contexts["backed-up"]


def of(context: Any, kind: str) -> Iterator[JsonObject]:
    """The children that belong to backups."""
    for child in render.tenant(context).values():
        component = child["metadata"]["labels"].get("app.kubernetes.io/component")
        if child["kind"] == kind and component == "backup":
            yield child


def pods(context: Any) -> dict[str, JsonObject]:
    """The pod specs of the CronJobs, by the namespace and name of these."""
    return {
        f"{each['metadata']['namespace']}/{each['metadata']['name']}": each["spec"]["jobTemplate"][
            "spec"
        ]["template"]["spec"]
        for each in of(context, "CronJob")
    }


def tenant_pod(context: Any) -> JsonObject:
    (found,) = [each for name, each in pods(context).items() if name.startswith("tenant-")]
    return found


def configuration(child: JsonObject, folder: Path) -> Configuration:
    """The configuration in a ConfigMap, as the programs read it."""
    path = folder / "configuration.json"
    path.write_text(child["data"]["configuration.json"])
    return read_configuration(path)


def secrets(pod: JsonObject) -> set[tuple[str, str]]:
    """All Secret keys that a pod can read, with the names of their Secrets."""
    found = set()
    for volume in pod["volumes"]:
        parts = [*volume.get("projected", {}).get("sources", ()), volume]
        for part in parts:
            secret = part.get("secret", {})
            name = secret.get("name") or secret.get("secretName")
            found |= {(name, item["key"]) for item in secret.get("items", ()) if name}
            assert not secret or secret.get("items"), "no Secret is mounted as a whole"
    return found


def test_without_repositories_nothing_is_rendered(context: Any, contexts: dict[str, Any]) -> None:
    assert not [*of(contexts["minimal"], "CronJob"), *of(contexts["minimal"], "ConfigMap")]
    assert not list(of(replace(context, operator_image=""), "CronJob"))


def test_the_programs_read_what_they_are_told(context: Any, tmp_path: Path) -> None:
    ours: dict[str, Configuration] = {}
    theirs: dict[str, Configuration] = {}
    for child in of(context, "ConfigMap"):
        side = theirs if child["metadata"]["namespace"] == context.namespace else ours
        side[child["metadata"]["name"]] = configuration(child, tmp_path)
    (told,), (keeper,) = theirs.values(), ours.values()
    assert told.offsite is None, "the tenant's side does not know the other site"
    assert told.primary.address == "rest:https://backup.example.net:8000/acme.tenant-acme/"
    assert keeper.primary.address == "rest:https://backup.example.net:8001/acme.tenant-acme/"
    assert keeper.offsite is not None
    assert keeper.offsite.key_file != keeper.primary.key_file
    assert (told.backup.daily, told.backup.weekly) == ("P10D", "P2M")
    assert told.bandwidth == 51200


def test_the_files_that_a_configuration_names_are_mounted(context: Any, tmp_path: Path) -> None:
    maps = {each["metadata"]["name"]: each for each in of(context, "ConfigMap")}
    for pod in pods(context).values():
        (told,) = [
            configuration(maps[each["configMap"]["name"]], tmp_path)
            for each in pod["volumes"]
            if "configMap" in each
        ]
        mounts = {each["name"]: each["mountPath"] for each in pod["containers"][0]["volumeMounts"]}
        files = set()
        for volume in pod["volumes"]:
            for item in volume.get("secret", {}).get("items", ()):
                files.add(f"{mounts[volume['name']]}/{item['path']}")
            if "configMap" in volume:
                name = volume["configMap"]["name"]
                files |= {f"{mounts[volume['name']]}/{key}" for key in maps[name]["data"]}
        for repository in (told.primary, told.offsite):
            if repository is not None:
                assert isinstance(repository, ResticRepository)
                assert repository.key_file in files
                assert repository.login is not None
                assert {repository.login.username_file, repository.login.password_file} <= files
        for folder in told.sources.folders().values() if told.sources is not None else ():
            assert str(folder) in mounts.values()


def test_a_tenants_pod_holds_only_what_adds_to_its_own_repository(context: Any) -> None:
    held = secrets(tenant_pod(context))
    assert {name for name, _ in held} == {"jitsi-credentials"}
    assert {key for _, key in held if key.startswith("backup-")} == {
        "backup-key",
        "backup-username",
        "backup-password",
    }


def test_the_key_of_the_backups_is_not_in_the_backups(context: Any) -> None:
    (objects,) = [each for each in tenant_pod(context)["volumes"] if "projected" in each]
    text = json.dumps(objects)
    assert "jitsi-credentials/jicofo" in text
    assert "acme-branding/logo.svg" in text
    assert "backup-key" not in text


def test_what_deletes_and_reaches_the_other_site_is_in_the_operators_namespace_alone(
    context: Any,
) -> None:
    for name, pod in pods(context).items():
        named = {secret for secret, _ in secrets(pod)}
        if name.startswith("tenant-"):
            assert not named & {"backup-primary", "backup-offsite"}
        else:
            assert name.startswith("jitsi-operator/")
            assert {"backup-primary", "backup-offsite"} <= named


def test_no_backup_pod_talks_to_the_api_server_or_writes_to_data(context: Any) -> None:
    for pod in pods(context).values():
        assert pod["automountServiceAccountToken"] is False
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            data = [
                each for each in container["volumeMounts"] if each["mountPath"].startswith("/data")
            ]
            assert all(each["readOnly"] for each in data)
            assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_volume_of_one_node_leads_the_backup_to_it_while_it_is_in_use(context: Any) -> None:
    affinity = tenant_pod(context)["affinity"]["podAffinity"]
    near = affinity["requiredDuringSchedulingIgnoredDuringExecution"]
    assert {
        each["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] for each in near
    } == {
        "jibri",
        "prosody",
    }
    held = {"acme-recordings": VolumeClaim(None, ("ReadWriteOnce",), "10Gi")}
    suspended = replace(
        context,
        operation=Operation.CLOSED,
        recording=False,
        observed=replace(context.observed, volumes=held),
    )
    assert "affinity" not in tenant_pod(suspended)
    shared = {
        f"acme-{data}": VolumeClaim(None, ("ReadWriteMany",), "10Gi")
        for data in ("recordings", "accounts")
    }
    assert "affinity" not in tenant_pod(
        replace(context, observed=replace(context.observed, volumes=shared))
    )


def test_data_is_backed_up_as_long_as_its_volume_is_there(context: Any, tmp_path: Path) -> None:
    held = {
        "acme-recordings": VolumeClaim(None, ("ReadWriteOnce",), "10Gi"),
        "acme-accounts": VolumeClaim(None, ("ReadWriteOnce",), "1Gi"),
    }
    gone = replace(context, recording=False, observed=replace(context.observed, volumes=held))
    mounted = {each["mountPath"] for each in tenant_pod(gone)["containers"][0]["volumeMounts"]}
    assert {"/data/recordings", "/data/accounts"} <= mounted


def test_a_backup_reaches_the_primary_repository_and_nothing_else(context: Any) -> None:
    (policy,) = of(context, "NetworkPolicy")
    assert policy["spec"]["podSelector"]["matchLabels"][LABEL] == "acme"
    (rule,) = policy["spec"]["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": "192.0.2.16/28"}}]
    assert rule["ports"] == [{"port": 8000, "protocol": "TCP"}]
    assert "ingress" not in policy["spec"]
    assert "Ingress" in policy["spec"]["policyTypes"]


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("rest:https://a.example/", 443),
        ("rest:http://a.example/x/", 80),
        ("rest:https://a.example:8000/x:1/", 8000),
        ("rest:https://192.0.2.1:8000", 8000),
        ("rest:https://[2001:db8::1]/", 443),
        ("rest:https://[2001:db8::1]:8000/", 8000),
    ],
)
def test_the_port_of_an_address(address: str, port: int) -> None:
    assert backup.port(address) == port


def test_the_quota_has_room_for_the_runs(context: Any, make: Callable[..., Any]) -> None:
    def hard(found: Any) -> dict[str, str]:
        (quota,) = [each for each in limits.children(found) if each["kind"] == "ResourceQuota"]
        bounds: dict[str, str] = quota["spec"]["hard"]
        return bounds

    with_room, without = hard(context), hard(replace(context, operator_image=""))
    pod = tenant_pod(context)["containers"][0]["resources"]
    assert int(with_room["pods"]) == int(without["pods"]) + 2
    more = storage_mebibytes(with_room["limits.memory"]) - storage_mebibytes(
        without["limits.memory"]
    )
    assert more == 2 * storage_mebibytes(pod["limits"]["memory"])


def test_a_hold_is_told_to_what_deletes(context: Any, tmp_path: Path) -> None:
    for held in (True, False):
        children = of(replace(context, backups_held=held), "ConfigMap")
        keeper = [each for each in children if each["metadata"]["namespace"] != context.namespace]
        assert [configuration(each, tmp_path).held for each in keeper] == [held]


def test_what_keeps_the_repositories_outlives_the_tenant(context: Any) -> None:
    for kind in ("ConfigMap", "CronJob"):
        for child in of(context, kind):
            retained = "jitsi.rezosocial.com/retain" in child["metadata"]["annotations"]
            assert retained == (child["metadata"]["namespace"] != context.namespace)


def test_a_job_on_demand_is_the_nightly_one_with_another_group(context: Any) -> None:
    owner = {"kind": "JitsiBackup", "name": "before-upgrade", "uid": "1", "controller": True}
    job = backup.job(context, "acme-backup-1", "ondemand", owner)
    nightly = tenant_pod(context)
    pod = job["spec"]["template"]["spec"]
    (once,), (daily,) = pod["containers"], nightly["containers"]
    assert once["args"][:3] == ["backup", "--group", "ondemand"]
    assert {**once, "args": []} == {**daily, "args": []}
    assert pod["volumes"] == nightly["volumes"]
    assert job["metadata"]["ownerReferences"] == [owner]


def test_certificates_travel_to_both_sides(context: Any, tmp_path: Path) -> None:
    body = base64.b64encode(b"certificate").decode()
    text = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    platform = context.platform.backup
    primary = platform.primary.model_copy(update={"certificate_authority": text})
    changed = context.platform.model_copy(
        update={"backup": platform.model_copy(update={"primary": primary})}
    )
    for child in of(replace(context, platform=changed), "ConfigMap"):
        repository = configuration(child, tmp_path).primary
        assert isinstance(repository, ResticRepository)
        file = repository.certificate_authority_file
        assert file is not None
        assert child["data"][Path(file).name] == text


def test_the_programs_understand_their_arguments(context: Any) -> None:
    restoring = Restoring(("--at", "2026-06-12T21:59:59Z", "--part", "accounts", "--replace"))
    elsewhere = Restoring(("--snapshot", "0f1e", "--part", "recordings", "--path=-a.mp4"), "other")
    jobs = [
        backup.job(context, "a", "final", {}),
        *(
            backup.restore_job(context, "a", each, {})
            for each in (restoring, elsewhere, Restoring((), drill=True))
        ),
    ]
    found = [each["spec"]["template"]["spec"] for each in jobs] + list(pods(context).values())
    programs = set()
    for pod in found:
        for container in [*pod.get("initContainers", ()), *pod["containers"]]:
            options = _parser().parse_args(container["args"])
            assert str(options.report) == "/dev/termination-log"
            programs.add(container["args"][0])
    assert programs == {"backup", "restore", "sweep", "copy", "verify", "drill"}


def test_a_restore_writes_only_where_it_was_told_to(context: Any) -> None:
    def written(restoring: Restoring) -> dict[str, str]:
        pod = backup.restore_job(context, "a", restoring, {})["spec"]["template"]["spec"]
        claims = {
            each["name"]: each["persistentVolumeClaim"]["claimName"]
            for each in pod["volumes"]
            if "persistentVolumeClaim" in each
        }
        return {
            each["mountPath"]: claims[each["name"]]
            for each in pod["containers"][0]["volumeMounts"]
            if each["name"] in claims and not each.get("readOnly")
        }

    own = {"/data/accounts": "acme-accounts", "/data/recordings": "acme-recordings"}
    assert written(Restoring(())) == own
    assert written(Restoring((), "other")) == {"/restored": "other"}
    assert written(Restoring((), drill=True)) == {}
