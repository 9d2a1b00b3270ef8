"""Mistakes that others made with Jitsi on Kubernetes, each avoided here."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import TenantContext

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext


@pytest.fixture(scope="module")
def full(contexts: dict[str, TenantContext]) -> dict[tuple[str, str], JsonObject]:
    """A tenant with everything: its children by kind and name without the tenant's."""
    children = render.tenant(contexts["everything-on"])
    return {(ref.kind, ref.name.removeprefix("acme-")): body for ref, body in children.items()}


def container(body: JsonObject) -> JsonObject:
    """The container of a workload."""
    found: JsonObject = body["spec"]["template"]["spec"]["containers"][0]
    return found


def variables(body: JsonObject) -> dict[str, str]:
    """The variables of a workload's container."""
    return {each["name"]: each.get("value", "") for each in container(body)["env"]}


Children = dict[tuple[str, str], JsonObject]


def test_web_does_not_start_tls_of_its_own(full: Children) -> None:
    assert variables(full["Deployment", "web"])["DISABLE_HTTPS"] == "1"


def test_switches_are_numbers(case: tuple[str, TenantContext]) -> None:
    for body in render.tenant(case[1]).values():
        if "template" in body.get("spec", {}):
            for name, value in variables(body).items():
                assert value.lower() not in {"true", "false", "yes", "no"}, name


def test_the_public_url_is_https_without_path(case: tuple[str, TenantContext]) -> None:
    for body in render.tenant(case[1]).values():
        if "template" in body.get("spec", {}):
            url = variables(body).get("PUBLIC_URL", f"https://{case[1].host}")
            assert url == f"https://{case[1].host}"


def test_durations_have_units(full: Children) -> None:
    assert variables(full["Deployment", "jibri-0"])["JIBRI_USAGE_TIMEOUT"] == "180 minutes"
    assert "JIBRI_PENDING_TIMEOUT" not in variables(full["Deployment", "jicofo"])


def test_streams_need_the_recording_switch(full: Children) -> None:
    found = variables(full["Deployment", "web"])
    assert found["ENABLE_RECORDING"] == found["ENABLE_LIVESTREAMING"] == "1"


def test_files_are_mounted_one_by_one(full: Children) -> None:
    # Jibri copies plain files only, and a ConfigMap mounted as a folder holds links.
    for (kind, name), body in full.items():
        if kind in {"Deployment", "StatefulSet"}:
            for mount in container(body)["volumeMounts"]:
                if mount["mountPath"].startswith("/config"):
                    assert mount["subPath"], name
                    assert mount["mountPath"] != "/config", name


def test_there_is_never_a_second_prosody_jicofo_or_bridge(full: Children) -> None:
    for name in ("prosody", "jvb-0", "jvb-1"):
        assert full["StatefulSet", name]["spec"]["replicas"] == 1
    for name in ("jicofo", "jibri-0", "jibri-1"):
        assert full["Deployment", name]["spec"]["strategy"] == {"type": "Recreate"}
        assert full["Deployment", name]["spec"]["replicas"] == 1


def test_nothing_asks_prosody_for_its_health_from_outside(full: Children) -> None:
    for probe in ("readinessProbe", "livenessProbe"):
        path = container(full["StatefulSet", "prosody"])[probe].get("httpGet", {}).get("path")
        assert path != "/health"


def test_rate_limits_that_would_see_one_address_only_are_off(full: Children) -> None:
    assert "PROSODY_ENABLE_RATE_LIMITS" not in variables(full["StatefulSet", "prosody"])


def test_ports_and_passwords_that_nothing_reads_are_gone(case: tuple[str, TenantContext]) -> None:
    for body in render.tenant(case[1]).values():
        assert "JICOFO_COMPONENT_SECRET" not in json.dumps(body)
        ports = body.get("spec", {}).get("ports", [])
        assert not {5269, 5281, 5347, 9090} & {each["port"] for each in ports}


def test_a_bridge_lets_its_meetings_end(full: Children) -> None:
    spec = full["StatefulSet", "jvb-0"]["spec"]["template"]["spec"]
    command = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command[0] == "/usr/share/jitsi-videobridge/graceful_shutdown.sh"
    found = variables(full["StatefulSet", "jvb-0"])
    assert found["SHUTDOWN_REST_ENABLED"] == found["COLIBRI_REST_ENABLED"] == "1"
    settings = full["ConfigMap", "jvb"]["data"]["custom-jvb.conf"]
    assert "graceful-shutdown-max-duration = 14400 seconds" in settings
    assert "shutting-down-delay = 60 seconds" in settings
    assert spec["terminationGracePeriodSeconds"] > 14400 + 60


def test_a_recorder_ends_its_recording(full: Children) -> None:
    spec = full["Deployment", "jibri-0"]["spec"]["template"]["spec"]
    (script,) = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert script.endswith("drain-recorder.sh")
    assert "graceful_shutdown.sh" in full["ConfigMap", "jibri"]["data"]["drain-recorder.sh"]
    assert spec["terminationGracePeriodSeconds"] > 3 * 3600


def test_no_probe_restarts_in_a_hurry(case: tuple[str, TenantContext]) -> None:
    for body in render.tenant(case[1]).values():
        if "template" in body.get("spec", {}):
            found = container(body)
            assert "startupProbe" not in found
            probe = found["livenessProbe"]
            assert probe["periodSeconds"] * probe["failureThreshold"] >= 300


def test_jicofo_is_not_restarted_for_lack_of_bridges(full: Children) -> None:
    assert container(full["Deployment", "jicofo"])["livenessProbe"]["tcpSocket"]
    assert "JICOFO_ENABLE_HEALTH_CHECKS" not in variables(full["Deployment", "jicofo"])


def test_jicofo_answers_from_outside_its_pod(full: Children) -> None:
    assert variables(full["Deployment", "jicofo"])["JICOFO_ENABLE_REST"] == "1"


def test_private_apis_have_no_service(full: Children) -> None:
    for (kind, name), body in full.items():
        if kind == "Service":
            public = body["spec"]["type"] != "ClusterIP"
            ports = {each["port"] for each in body["spec"]["ports"]}
            assert ports.isdisjoint({8080, 2222, 3333})
            assert not public or ports == {10000}, name


def test_bridges_offer_their_own_address_to_recorders_and_to_each_other(full: Children) -> None:
    assert variables(full["StatefulSet", "jvb-0"])["JVB_ADVERTISE_PRIVATE_CANDIDATES"] == "1"


def test_a_recorder_is_probed_from_within(full: Children) -> None:
    for probe in ("readinessProbe", "livenessProbe"):
        assert "exec" in container(full["Deployment", "jibri-0"])[probe]


def test_a_recorder_has_shared_memory_within_its_limit(full: Children) -> None:
    spec = full["Deployment", "jibri-0"]["spec"]["template"]["spec"]
    (shared,) = (each for each in spec["volumes"] if each["name"] == "shm")
    assert shared["emptyDir"] == {"medium": "Memory", "sizeLimit": "2Gi"}
    assert int(spec["containers"][0]["resources"]["limits"]["memory"].removesuffix("Gi")) >= 4


def test_recordings_and_logs_of_a_recorder_lie_apart(full: Children) -> None:
    spec = full["Deployment", "jibri-0"]["spec"]["template"]["spec"]
    places = {each["mountPath"]: each["name"] for each in spec["containers"][0]["volumeMounts"]}
    sources = {each["name"]: each for each in spec["volumes"]}
    assert "persistentVolumeClaim" in sources[places["/storage/recordings"]]
    assert "emptyDir" in sources[places["/storage"]]


def test_a_recorder_logs_no_password(full: Children) -> None:
    (mount,) = (
        each
        for each in container(full["Deployment", "jibri-0"])["volumeMounts"]
        if each["mountPath"] == "/defaults/logging.properties"
    )
    settings = full["ConfigMap", "jibri"]["data"][mount["subPath"]]
    levels = [line.split("=")[1].strip() for line in settings.splitlines() if ".level =" in line]
    assert levels
    assert not {"FINE", "FINER", "FINEST", "ALL", "CONFIG"} & set(levels)


def test_a_recorder_streams_nowhere_unless_subscribed(make: MakeContext) -> None:
    for streaming in (True, False):
        context = make(recording=True, livestreaming=streaming)
        (body,) = (
            body
            for ref, body in render.tenant(context).items()
            if (ref.kind, ref.name) == ("ConfigMap", "acme-jibri")
        )
        blocked = "rtmp-allow-list = []" in body["data"]["custom-jibri.conf"]
        assert blocked != streaming


def test_logs_name_nobody_who_need_not_be_named(full: Children) -> None:
    assert variables(full["StatefulSet", "prosody"])["LOG_LEVEL"] == "warn"
    bridge = full["ConfigMap", "jvb"]["data"]["custom-jvb.conf"]
    assert "redact-remote-addresses = true" in bridge
    recorder = full["ConfigMap", "jibri"]["data"]["logging.properties"]
    for logger in ("JibriManager", "api.xmpp.XmppApi"):
        assert f"org.jitsi.jibri.{logger}.level = WARNING" in recorder


def test_passwords_are_never_rendered(case: tuple[str, TenantContext]) -> None:
    assert not [ref for ref in render.tenant(case[1]) if ref.kind == "Secret"]


def test_a_gateway_is_shared_and_not_made(contexts: dict[str, TenantContext]) -> None:
    children = render.tenant(contexts["gateway"])
    assert not [ref for ref in children if ref.kind in {"Gateway", "Ingress"}]
    (route,) = (body for ref, body in children.items() if ref.kind == "HTTPRoute")
    assert route["spec"]["parentRefs"][0]["name"] == "public"
    assert route["spec"]["parentRefs"][0]["namespace"] == "gateways"


def test_nginx_is_given_names_that_need_no_search_domain(make: MakeContext) -> None:
    context = make(platform={"clusterDomain": "k8s.example"})
    (web,) = (
        body
        for ref, body in render.tenant(context).items()
        if (ref.kind, ref.name) == ("Deployment", "acme-web")
    )
    url = "http://acme-prosody.tenant-acme.svc.k8s.example:5280"
    assert variables(web)["XMPP_BOSH_URL_BASE"] == url


def run(script: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a script of a recorder as Jibri does."""
    path = folder / "script.sh"
    path.write_text(script)
    path.chmod(0o755)
    return subprocess.run([path, *words], capture_output=True, text=True, check=False, timeout=30)


def test_a_recording_is_complete_once_it_has_checksums(full: Children, tmp_path: Path) -> None:
    session = tmp_path / "session with blank"
    session.mkdir()
    content: dict[str, Any] = {"room_2026.mp4": b"film", "metadata.json": b"{}"}
    for name, data in content.items():
        (session / name).write_bytes(data)
    script = full["ConfigMap", "jibri"]["data"]["finalize-recording.sh"]
    for _ in range(2):
        assert run(script, tmp_path, str(session)).returncode == 0
        found = (session / "SHA256SUMS").read_text().splitlines()
        wanted = [f"{hashlib.sha256(data).hexdigest()}  ./{name}" for name, data in content.items()]
        assert sorted(found) == sorted(wanted)
        assert not (session / "SHA256SUMS.partial").exists()


def test_a_recording_that_is_not_there_is_an_error(full: Children, tmp_path: Path) -> None:
    script = full["ConfigMap", "jibri"]["data"]["finalize-recording.sh"]
    assert run(script, tmp_path, str(tmp_path / "missing")).returncode != 0
