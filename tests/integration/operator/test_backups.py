"""The Kubernetes side of backups: Jobs are made, and what they report becomes evidence.

Pods are simulated, so the test says what a program said: it ends the pod with a report.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import installation
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject, ObjectRef
from jitsi_tenant_operator.backup.report import (
    Listed,
    Outcome,
    Program,
    Report,
    Verification,
    encode,
    problem,
)
from jitsi_tenant_operator.backup.report import ProblemReason as Why
from jitsi_tenant_operator.backup.store import Copy, Depth, Group
from jitsi_tenant_operator.render import names
from trial.cluster import Cluster, Tenant
from trial.operating import Operating
from trial.waiting import until

Operate = Callable[..., AbstractAsyncContextManager[Operating]]
SNAPSHOT = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
COPIED = "aabbccddeeff"
KIND = "JitsiBackup"


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def done(day: datetime, **more: Any) -> Report:
    """The report of a backup that was begun at `day`."""
    return Report(
        started=day,
        seconds=61.5,
        **{
            "program": Program.BACKUP,
            "outcome": Outcome.SUCCEEDED,
            "group": Group.SCHEDULED,
            "day": f"{day:%Y-%m-%d}",
            "primary": SNAPSHOT,
            "files": 12,
            "bytes": 34_567,
            "added_bytes": 890,
            "manifest": "ab" * 32,
            **more,
        },
    )


def listing(copy: Copy, *snapshots: tuple[str, datetime]) -> Listed:
    return Listed(
        copy_=copy,
        count=len(snapshots),
        snapshots=tuple((id_, int(at.timestamp()), Group.SCHEDULED) for id_, at in snapshots),
    )


def swept(at: datetime, *copies: Listed) -> Report:
    return Report(
        program=Program.SWEEP, outcome=Outcome.SUCCEEDED, started=at, seconds=3, copies=copies
    )


def verified(at: datetime) -> Report:
    return Report(
        program=Program.VERIFY,
        outcome=Outcome.SUCCEEDED,
        started=at,
        seconds=3,
        verified=(Verification(at=at, depth=Depth.SAMPLE, copy_=Copy.PRIMARY, percent=5),),
    )


def cron_job(tenant: Tenant, suffix: str) -> ObjectRef:
    if suffix == "backup":
        return ObjectRef("batch/v1", "CronJob", tenant.namespace, f"{tenant.name}-backup")
    name = names.beside(tenant.namespace, tenant.name, suffix)
    return ObjectRef("batch/v1", "CronJob", installation.NAMESPACE, name)


async def run(cluster: Cluster, schedule: ObjectRef, name: str) -> ObjectRef:
    """Run a CronJob now, as `kubectl create job --from` does."""

    async def look() -> JsonObject:
        return await cluster.get(schedule)

    found = await until(look)
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": schedule.name,
        "uid": found["metadata"]["uid"],
        "controller": True,
    }
    template = found["spec"]["jobTemplate"]
    body = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{schedule.name}-{name}",
            "namespace": schedule.namespace,
            "labels": template["metadata"]["labels"],
            "ownerReferences": [owner],
        },
        "spec": template["spec"],
    }
    await cluster.create(body)
    return ObjectRef.of(body)


async def pod_of(cluster: Cluster, job: ObjectRef) -> ObjectRef:
    """A pod of a Job, once there is one that runs."""

    async def look() -> ObjectRef:
        label = f"batch.kubernetes.io/job-name={job.name}"
        found = [
            each
            for each in await cluster.list("v1", "Pod", job.namespace, label)
            if each["status"].get("phase") in ("Pending", "Running")
        ]
        assert found, await cluster.get(job)
        return ObjectRef.of(found[0])

    return await until(look)


async def end(cluster: Cluster, job: ObjectRef, *reports: Report, failed: bool = False) -> None:
    """Let the pod of a Job end as its programs would, with these reports."""
    pod = await pod_of(cluster, job)
    spec = (await cluster.get(pod))["spec"]
    containers = {
        "initContainerStatuses": spec.get("initContainers", []),
        "containerStatuses": spec["containers"],
    }
    texts = iter([encode(each) for each in reports])

    def status(container: JsonObject) -> JsonObject:
        ended = {"exitCode": 1 if failed else 0, "message": next(texts, "")}
        image = {"image": container["image"], "imageID": ""}
        return {
            "name": container["name"],
            "ready": False,
            "restartCount": 0,
            "state": {"terminated": ended},
            **image,
        }

    phase = "Failed" if failed else "Succeeded"
    statuses = {name: [status(each) for each in given] for name, given in containers.items()}
    await cluster.patch(pod, {"status": {"phase": phase, **statuses}}, "status")


async def backup(tenant: Tenant, name: str) -> JsonObject:
    return await tenant.cluster.get(ObjectRef(API_VERSION, KIND, tenant.namespace, name))


async def complete(tenant: Tenant, name: str) -> JsonObject:
    """The status of a backup once it is complete."""

    async def look() -> JsonObject:
        body = await backup(tenant, name)
        told = {each["type"]: each for each in body.get("status", {}).get("conditions", ())}
        assert told.get("Complete", {}).get("status") == "True", told
        status: JsonObject = body["status"]
        return status

    return await until(look)


async def current(tenant: Tenant, status: str, reason: str) -> JsonObject:
    """The condition BackupsCurrent once it is so."""

    async def look() -> JsonObject:
        condition = await tenant.condition("BackupsCurrent")
        assert (condition.get("status"), condition.get("reason")) == (status, reason), condition
        return condition

    return await until(look)


async def test_a_night_becomes_evidence(tenant: Tenant, operator: Operating) -> None:
    cluster, begun = tenant.cluster, now()
    await current(tenant, "Unknown", "Awaited")
    job = await run(cluster, cron_job(tenant, "backup"), "1")
    await end(cluster, job, done(begun))
    status = await complete(tenant, f"scheduled-{begun:%Y-%m-%d}")
    assert status["evidence"] == {
        "snapshot": SNAPSHOT,
        "startedAt": f"{begun:%Y-%m-%dT%H:%M:%SZ}",
        "completedAt": f"{begun + timedelta(seconds=61):%Y-%m-%dT%H:%M:%SZ}",
        "files": 12,
        "size": 34567,
        "added": 890,
        "manifestDigest": "ab" * 32,
    }
    assert status["expiry"]["document"] == "cgu-2026-05-19"
    assert status["expiry"]["clause"] == "6.3"
    await current(tenant, "True", "AsWanted")
    assert (await tenant.status())["backup"]["newest"] == f"scheduled-{begun:%Y-%m-%d}"
    assert (await tenant.condition())["status"] == "True"


async def test_what_copies_and_verifies_adds_to_the_evidence(
    tenant: Tenant, operator: Operating
) -> None:
    cluster, begun = tenant.cluster, now() - timedelta(hours=5)
    name = f"scheduled-{begun:%Y-%m-%d}"
    await end(cluster, await run(cluster, cron_job(tenant, "backup"), "1"), done(begun))
    await complete(tenant, name)
    reports = [
        swept(
            now(),
            listing(Copy.PRIMARY, (SNAPSHOT[:12], begun)),
            listing(Copy.OFFSITE, (COPIED, begun)),
        ),
        verified(now()),
    ]
    await end(cluster, await run(cluster, cron_job(tenant, "keep"), "1"), *reports)

    async def look() -> JsonObject:
        found: JsonObject = (await backup(tenant, name))["status"]
        assert found.get("offsite", {}).get("snapshot") == COPIED
        assert found.get("verified", {}).get("depth") == "Sample"
        assert {each["type"]: each["status"] for each in found["conditions"]} == {
            "Complete": "True",
            "Verified": "True",
        }
        return found

    await until(look)
    operator.leader.refresh_metrics()
    labels = {"namespace": tenant.namespace, "tenant": tenant.name}
    assert operator.metric("seconds_since_last_verified_backup", **labels) >= 5 * 3600


async def test_a_second_run_of_a_day_changes_nothing_and_nothing_is_written_twice(
    tenant: Tenant, operator: Operating, operate: Operate
) -> None:
    cluster, begun = tenant.cluster, now()
    name = f"scheduled-{begun:%Y-%m-%d}"
    await end(cluster, await run(cluster, cron_job(tenant, "backup"), "1"), done(begun))
    await complete(tenant, name)
    await current(tenant, "True", "AsWanted")
    before = await backup(tenant, name)
    again = done(begun + timedelta(minutes=5), outcome=Outcome.UNCHANGED)
    await end(cluster, await run(cluster, cron_job(tenant, "backup"), "2"), again)
    await operator.quiet()
    assert await backup(tenant, name) == before


async def test_a_failure_is_told_with_the_words_of_the_program(
    tenant: Tenant, operator: Operating
) -> None:
    cluster = tenant.cluster
    failure = Report(
        program=Program.BACKUP,
        outcome=Outcome.FAILED,
        started=now(),
        seconds=1,
        problems=(problem(Why.SOURCE_MISSING, "there is no folder /data/accounts"),),
    )
    job = await run(cluster, cron_job(tenant, "backup"), "1")
    for _ in range((await cluster.get(job))["spec"]["backoffLimit"] + 1):
        await end(cluster, job, failure, failed=True)
    condition = await current(tenant, "False", "BackupFailed")
    assert "SourceMissing: there is no folder /data/accounts" in condition["message"]
    assert (await tenant.condition())["status"] == "True", "people can meet all the same"


async def test_a_backup_on_demand_runs_at_once(tenant: Tenant, operator: Operating) -> None:
    cluster = tenant.cluster
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "before-upgrade", "namespace": tenant.namespace},
        "spec": {"tenant": tenant.name, "reason": "upgrade"},
    }
    uid = (await cluster.create(body))["metadata"]["uid"]
    job = ObjectRef("batch/v1", "Job", tenant.namespace, names.run(tenant.name, "backup", uid))
    report = done(now(), group=Group.ON_DEMAND)
    await end(cluster, job, report)
    status = await complete(tenant, "before-upgrade")
    assert status["evidence"]["snapshot"] == SNAPSHOT
    await current(tenant, "Unknown", "Awaited")
    await cluster.delete(ObjectRef.of(body))
    await cluster.gone(job)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"tenant": "globex"}, "the tenant of this namespace is acme"),
        ({"tenant": "acme", "group": "Scheduled", "day": "2026-06-01"}, "the operator alone"),
    ],
)
async def test_what_is_no_backup_of_this_tenant_is_ignored_and_told_so(
    tenant: Tenant, operator: Operating, spec: JsonObject, words: str
) -> None:
    metadata = {"name": "mine", "namespace": tenant.namespace}
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
    await tenant.cluster.create(body)

    async def look() -> str:
        found = (await backup(tenant, "mine")).get("status", {}).get("conditions", ())
        said: JsonObject = {each["type"]: each for each in found}.get("Complete", {})
        assert (said.get("status"), said.get("reason")) == ("False", "InvalidSpec")
        return str(said["message"])

    assert words in await until(look)


async def test_the_key_is_kept_when_the_namespace_is_made_anew(
    cluster: Cluster, operator: Operating
) -> None:
    tenant = await cluster.tenant()
    await tenant.ready()
    vault = ObjectRef(
        "v1",
        "Secret",
        installation.NAMESPACE,
        names.beside(tenant.namespace, tenant.name, "backup"),
    )
    kept = (await cluster.get(vault))["data"]
    own = (await cluster.get(tenant.credentials))["data"]
    assert own["backup-key"] == kept["key"]
    assert "offsite-key" not in own
    await cluster.delete(tenant.credentials)
    await cluster.gone(tenant.credentials)
    await tenant.change({"media": {"bridges": 2}})

    async def look() -> bool:
        found = await cluster.find(tenant.credentials)
        assert found is not None
        assert found["data"]["backup-key"] == kept["key"]
        return bool(found["data"]["jicofo"] != own["jicofo"])

    await until(look)


async def test_a_backup_that_is_gone_from_both_repositories_in_time_leaves_no_record(
    tenant: Tenant, operator: Operating, clock: Any
) -> None:
    cluster, begun = tenant.cluster, now()
    name = f"scheduled-{begun:%Y-%m-%d}"
    await end(cluster, await run(cluster, cron_job(tenant, "backup"), "1"), done(begun))
    await complete(tenant, name)
    later = now() + timedelta(days=90)
    clock.turn(90 * 86400.0)
    empty = swept(later, listing(Copy.PRIMARY), listing(Copy.OFFSITE))
    await end(cluster, await run(cluster, cron_job(tenant, "keep"), "1"), empty, verified(later))
    await cluster.gone(ObjectRef(API_VERSION, KIND, tenant.namespace, name))
    await operator.quiet()
    with pytest.raises(AssertionError):
        await backup(tenant, name)


async def test_a_backup_that_is_gone_before_its_time_is_told(
    tenant: Tenant, operator: Operating
) -> None:
    cluster, begun = tenant.cluster, now() - timedelta(hours=5)
    name = f"scheduled-{begun:%Y-%m-%d}"
    await end(cluster, await run(cluster, cron_job(tenant, "backup"), "1"), done(begun))
    await complete(tenant, name)
    empty = swept(now(), listing(Copy.PRIMARY), listing(Copy.OFFSITE))
    await end(cluster, await run(cluster, cron_job(tenant, "keep"), "1"), empty, verified(now()))
    condition = await current(tenant, "False", "BackupLost")
    assert name in condition["message"]


async def test_backups_go_on_while_the_service_is_suspended(
    tenant: Tenant, operator: Operating
) -> None:
    await tenant.change({"suspension": {"service": {"reason": "ClientRequest"}}})
    await tenant.refused("Suspended")
    assert await tenant.cluster.get(cron_job(tenant, "backup"))
    assert await tenant.cluster.get(cron_job(tenant, "keep"))


async def test_what_keeps_backups_stays_when_the_tenant_is_deleted(
    tenant: Tenant, operator: Operating
) -> None:
    cluster = tenant.cluster
    keep = await cluster.get(cron_job(tenant, "keep"))
    await tenant.delete()
    await cluster.gone(cron_job(tenant, "backup"))
    assert (await cluster.get(cron_job(tenant, "keep")))["spec"] == keep["spec"]


async def test_a_platform_without_repositories_is_told(cluster: Cluster, operate: Operate) -> None:
    platform = ObjectRef(API_VERSION, "JitsiPlatform", "", "default")
    await cluster.patch(platform, {"spec": {"backup": None}})
    async with operate():
        tenant = await cluster.tenant()
        await tenant.ready()
        await current(tenant, "False", "NoBackupRepository")
        assert await cluster.find(cron_job(tenant, "backup")) is None
        assert await cluster.find(cron_job(tenant, "keep")) is None


async def restore(of: Tenant, name: str, **spec: Any) -> tuple[ObjectRef, ObjectRef]:
    """A new restore, and the Job that the operator makes of it."""
    body = {
        "apiVersion": API_VERSION,
        "kind": "JitsiRestore",
        "metadata": {"name": name, "namespace": of.namespace},
        "spec": {"tenant": of.name, **spec},
    }
    uid = (await of.cluster.create(body))["metadata"]["uid"]
    job = names.run(of.name, "restore", uid)
    return ObjectRef.of(body), ObjectRef("batch/v1", "Job", of.namespace, job)


async def restored(tenant: Tenant, ref: ObjectRef, status: str) -> JsonObject:
    """A restore once it is complete, or is known to have failed."""

    async def look() -> JsonObject:
        body = await tenant.cluster.get(ref)
        told = {each["type"]: each for each in body.get("status", {}).get("conditions", ())}
        assert told.get("Complete", {}).get("status") == status, told
        found: JsonObject = {**body["status"], "told": told["Complete"]}
        return found

    return await until(look)


async def test_a_restore_brings_back_what_it_asks_for_and_is_tried_once(
    tenant: Tenant, operator: Operating
) -> None:
    cluster, begun = tenant.cluster, now()
    await end(cluster, await run(cluster, cron_job(tenant, "backup"), "1"), done(begun))
    await complete(tenant, f"scheduled-{begun:%Y-%m-%d}")
    ref, job = await restore(
        tenant,
        "one-file",
        backup=f"scheduled-{begun:%Y-%m-%d}",
        what="File",
        path="recordings/-a b.mp4",
        claim="elsewhere",
    )
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "elsewhere", "namespace": tenant.namespace},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    await cluster.create(claim)
    report = done(begun, program=Program.RESTORE, files=1, bytes=4096)
    await end(cluster, job, report)
    status = await restored(tenant, ref, "True")
    assert (status["outcome"]["files"], status["outcome"]["size"]) == (1, 4096)
    assert status["outcome"]["identical"] is True
    spec = (await cluster.get(job))["spec"]
    assert spec["backoffLimit"] == 0
    arguments = spec["template"]["spec"]["containers"][0]["args"]
    text = " ".join(arguments)
    assert f"--snapshot {SNAPSHOT} --part recordings --path=-a b.mp4 --into /restored" in text
    assert "--replace" not in text


async def test_a_restore_that_meets_data_says_so(tenant: Tenant, operator: Operating) -> None:
    ref, job = await restore(tenant, "in-place", date="2026-06-12", what="Accounts")
    refused = Report(
        program=Program.RESTORE,
        outcome=Outcome.FAILED,
        started=now(),
        seconds=1,
        problems=(problem(Why.TARGET_NOT_EMPTY, "there is data where accounts would be"),),
    )
    await end(tenant.cluster, job, refused, failed=True)
    status = await restored(tenant, ref, "False")
    assert status["told"]["reason"] == "RestoreFailed"
    assert "TargetNotEmpty" in status["told"]["message"]
    arguments = (await tenant.cluster.get(job))["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[1:4:2] == ["--at", "--part"]
    assert arguments[2] == "2026-06-12T21:59:59Z", "the end of that day in Paris"


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"backup": "nothing"}, "BackupNotFound", "nothing"),
        ({"date": "2026-06-12", "what": "Recordings"}, "InvalidSpec", "recordings"),
        ({"date": "2026-06-12", "what": "File", "path": "etc/a"}, "InvalidSpec", "begin with"),
        ({"date": "2026-06-12", "tenant": "globex"}, "InvalidSpec", "is acme"),
    ],
)
async def test_a_restore_that_cannot_be_is_told_why(
    tenant: Tenant, operator: Operating, spec: JsonObject, reason: str, words: str
) -> None:
    ref, job = await restore(tenant, "mistaken", **spec)
    told = (await restored(tenant, ref, "False"))["told"]
    assert told["reason"] == reason
    assert words in told["message"]
    assert await tenant.cluster.find(job) is None


async def test_a_drill_touches_no_data_of_the_tenant(tenant: Tenant, operator: Operating) -> None:
    ref, job = await restore(tenant, "drill", drill=True)
    report = done(now(), program=Program.DRILL, outcome=Outcome.SUCCEEDED)
    await end(tenant.cluster, job, report)
    await restored(tenant, ref, "True")
    pod = (await tenant.cluster.get(job))["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"][0] == "drill"
    assert not [each for each in pod["volumes"] if "persistentVolumeClaim" in each]


async def test_repositories_that_are_taken_away_end_backups_and_nothing_else(
    tenant: Tenant, operator: Operating
) -> None:
    cluster = tenant.cluster
    assert await cluster.get(cron_job(tenant, "backup"))
    platform = ObjectRef(API_VERSION, "JitsiPlatform", "", "default")
    await cluster.patch(platform, {"spec": {"backup": None}})
    await cluster.gone(cron_job(tenant, "backup"))
    await current(tenant, "False", "NoBackupRepository")
    assert await cluster.get(cron_job(tenant, "keep")), "what is there is still deleted by date"
    assert "backup-key" in (await cluster.get(tenant.credentials))["data"]


async def test_a_schedule_of_somebody_elses_is_left_alone(
    cluster: Cluster, operator: Operating
) -> None:
    namespace = await cluster.namespace()
    container = {"name": "own", "image": "example.org/own"}
    body = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "acme-backup", "namespace": namespace},
        "spec": {
            "schedule": "0 1 * * *",
            "jobTemplate": {
                "spec": {
                    "template": {"spec": {"restartPolicy": "Never", "containers": [container]}}
                }
            },
        },
    }
    before = await cluster.create(body)
    tenant = await cluster.tenant(namespace=namespace)
    await tenant.refused("NameConflict", "CronJob", "acme-backup")
    assert (await cluster.get(ObjectRef.of(body)))["spec"] == before["spec"]
