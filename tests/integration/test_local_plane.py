"""The control plane behaves like a cluster's where the project relies on it."""

from __future__ import annotations

import ipaddress
import json
import os
import select
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import aiohttp
import pytest

from localplane import Connection, PlaneError, PlaneOptions, meetings, start
from localplane.background import State, attach, start_in_background, stop
from trial.waiting import until

WORKLOADS = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store}
spec:
  serviceName: store
  replicas: 2
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec:
      initContainers:
        - {name: prepare, image: example.org/prepare}
        - {name: sidecar, image: example.org/sidecar, restartPolicy: Always}
      containers: [{name: store, image: example.org/store}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: once, image: example.org/once}]
"""
PARTS = PlaneOptions(controller_manager=False, scheduler=False, nodes=())


def test_workloads_become_ready_on_simulated_nodes(plane: Connection, namespace: str) -> None:
    plane.kubectl("apply", "-n", namespace, "-f", "-", stdin=WORKLOADS)
    plane.kubectl("rollout", "status", "-n", namespace, "statefulset/store", "--timeout=60s")
    plane.kubectl("wait", "-n", namespace, "job/once", "--for=condition=Complete", "--timeout=60s")
    pod = json.loads(plane.kubectl("get", "pod", "store-0", "-n", namespace, "-o", "json"))
    assert pod["status"]["podIP"]
    assert pod["status"]["hostIP"].startswith("192.0.2.")
    claim = json.loads(plane.kubectl("get", "pvc", "data-store-0", "-n", namespace, "-o", "json"))
    assert claim["status"]["phase"] == "Bound"


def statistics(address: str) -> dict[str, int] | None:
    """What the Jicofo pod at `address` says; None where nobody listens."""
    try:
        with urllib.request.urlopen(f"http://{address}:8888/stats", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)
            return found
    except urllib.error.URLError as error:
        if not isinstance(error.reason, ConnectionRefusedError):
            raise
        return None


async def test_a_simulated_jicofo_says_what_it_is_told(plane: Connection, namespace: str) -> None:
    def run(name: str, component: str) -> str:
        label = f"--labels=app.kubernetes.io/component={component}"
        plane.kubectl("run", "-n", namespace, name, "--image=example.org/any", label)
        plane.kubectl("wait", "-n", namespace, f"pod/{name}", "--for=condition=Ready")
        path = "jsonpath={.status.podIP}"
        return plane.kubectl("get", "pod", name, "-n", namespace, "-o", path)

    async def says(address: str, expected: dict[str, int] | None) -> None:
        async def look() -> bool:
            return statistics(address) == expected

        await until(look)

    idle = {"conferences": 0, "participants": 0}
    one, two, web = run("one", "jicofo"), run("two", "jicofo"), run("web", "web")
    assert all(ipaddress.ip_address(address).is_loopback for address in (one, two, web))
    await says(one, idle)
    await says(two, idle)
    assert statistics(web) is None, "nobody but Jicofo has statistics"
    with pytest.raises(PlaneError, match="no Jicofo has the address"):
        meetings.people_meet(web)
    meetings.people_meet(one, conferences=2, participants=9)
    assert statistics(one) == {"conferences": 2, "participants": 9}
    assert statistics(two) == idle
    meetings.unreachable(one)
    assert statistics(one) is None
    meetings.nobody_meets(one)
    assert statistics(one) == idle
    plane.kubectl("delete", "pod", "-n", namespace, "one", "--wait")
    await says(one, None)
    assert statistics(two) == idle


def test_a_deleted_claim_takes_its_volume_along(plane: Connection, namespace: str) -> None:
    claim = {"name": "data", "namespace": namespace}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    claims = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    plane.request("POST", claims, {"metadata": claim, "spec": spec})
    bound = "--for=jsonpath={.status.phase}=Bound"
    plane.kubectl("wait", "-n", namespace, "pvc/data", bound, "--timeout=60s")
    volume = plane.request("GET", f"{claims}/data")["spec"]["volumeName"]
    plane.request("DELETE", f"{claims}/data")
    plane.kubectl("wait", f"pv/{volume}", "--for=delete", "--timeout=60s")


def test_pod_security_refuses_a_privileged_pod(plane: Connection, namespace: str) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    plane.kubectl("label", "namespace", namespace, level)
    with pytest.raises(PlaneError, match=r'violates PodSecurity "restricted'):
        plane.kubectl("run", "-n", namespace, "root", "--image=example.org/root", "--privileged")


async def test_a_service_account_has_its_own_rights_only(
    plane: Connection, namespace: str, admin: aiohttp.ClientSession, tmp_path: Path
) -> None:
    metadata = {"name": "reader"}
    await admin.post(f"/api/v1/namespaces/{namespace}/serviceaccounts", json={"metadata": metadata})
    plane.kubectl("create", "role", "-n", namespace, "r", "--verb=list", "--resource=services")
    account = f"--serviceaccount={namespace}:reader"
    plane.kubectl("create", "rolebinding", "-n", namespace, "r", "--role=r", account)
    own = plane.service_account_kubeconfig(namespace, "reader", tmp_path / "kubeconfig")
    as_reader = ("--kubeconfig", str(own), "-n", namespace)
    assert plane.kubectl("get", "services", *as_reader) == ""
    with pytest.raises(PlaneError, match='cannot list resource "secrets"'):
        plane.kubectl("get", "secrets", *as_reader)
    assert own.stat().st_mode & 0o077 == 0


def test_the_audit_log_tells_who_asked_for_what(plane: Connection, namespace: str) -> None:
    assert plane.audit_log
    path = f"/api/v1/namespaces/{namespace}/configmaps/absent"
    assert not plane.exists(path)
    events = [json.loads(line) for line in plane.audit_log.read_text().splitlines()]
    found = [event for event in events if event["requestURI"] == path]
    assert [(event["verb"], event["responseStatus"]["code"]) for event in found] == [("get", 404)]
    assert found[0]["user"]["username"] == "localplane:admin"
    users = {event["user"].get("username", "") for event in events}
    assert not users & {"system:kube-scheduler", "system:kube-controller-manager"}


def test_the_api_server_comes_back_with_its_data(tmp_path: Path) -> None:
    with start(tmp_path, PARTS) as own:
        metadata = {"name": "kept"}
        own.connection.request("POST", "/api/v1/namespaces", {"metadata": metadata})
        own.stop_component("kube-apiserver")
        with pytest.raises(PlaneError, match="refused"):
            own.connection.request("GET", "/version")
        own.start_component("kube-apiserver")
        assert own.connection.exists("/api/v1/namespaces/kept")
        assert set(own.pids) == {"etcd", "kube-apiserver"}
    assert own.pids == {}


def test_a_component_that_dies_at_the_start_shows_its_log(tmp_path: Path) -> None:
    options = PlaneOptions(nodes=(), api_server_flags=("--no-such-flag",))
    with pytest.raises(PlaneError, match=r"kube-apiserver ended(.|\n)*unknown flag: --no-such-fla"):
        start(tmp_path, options)


def test_what_runs_in_the_background_is_found_by_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "plane"
    assert attach(folder) is None
    started = start_in_background(folder, PARTS)
    try:
        assert start_in_background(folder, PARTS) == attach(folder) == started
        assert started.exists("/api/v1/namespaces/default")
        state = State.read(folder)
        assert state
    finally:
        assert stop(folder)
    assert not any(one.alive for one in (state.supervisor, *state.components))
    assert attach(folder) is None
    assert not stop(folder)


def test_the_background_ends_with_its_owner(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as owner:
        start_in_background(tmp_path, PARTS, owner=owner.pid)
        state = State.read(tmp_path)
        assert state
        owner.kill()
    wait_until_gone(state)
    assert attach(tmp_path) is None
    assert not stop(tmp_path)


def test_components_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    start_in_background(tmp_path, PARTS)
    state = State.read(tmp_path)
    assert state
    state.supervisor.send(signal.SIGKILL)
    wait_until_gone(state)
    assert not stop(tmp_path)


def test_a_state_file_from_before_harms_no_other_process(tmp_path: Path) -> None:
    start_in_background(tmp_path, PARTS)
    stale = (tmp_path / "state.json").read_text()
    assert stop(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        content = json.loads(stale)
        content["supervisor"]["pid"] = bystander.pid
        content["components"][0]["pid"] = os.getpid()
        (tmp_path / "state.json").write_text(json.dumps(content))
        assert attach(tmp_path) is None
        assert not stop(tmp_path)
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def wait_until_gone(state: State) -> None:
    for identity in (state.supervisor, *state.components):
        try:
            handle = os.pidfd_open(identity.pid)
        except ProcessLookupError:
            continue
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        assert not identity.alive or ended.poll(10_000), f"{identity} still runs"
        os.close(handle)
