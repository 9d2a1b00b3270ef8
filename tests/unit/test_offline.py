"""`render` and `terms` on files, as a platform engineer uses them before anything is applied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from jitsi_tenant_operator.cli import main

SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
ACME = SAMPLES / "tenant-acme.yaml"
GLOBEX = SAMPLES / "tenant-globex.yaml"
FEATURES = sorted((SAMPLES / "features").glob("*.yaml"))

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; its exit status, and what it wrote to standard output and error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main([str(argument) for argument in arguments])
        written = capfd.readouterr()
        return status, written.out, written.err

    return run


def changed(folder: Path, *changes: tuple[str, str], file: Path = ACME) -> Path:
    """A copy of a sample with some text replaced."""
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    copy = folder / file.name
    copy.write_text(text)
    return copy


def test_renders_a_tenant_alone_with_the_samples_behind_it(run: Run) -> None:
    status, out, err = run("render", "-f", ACME)
    assert (status, err) == (0, "")
    objects = list(yaml.safe_load_all(out))
    names = {(obj["kind"], obj["metadata"]["name"]) for obj in objects}
    assert {
        ("Secret", "jitsi-credentials"),
        ("StatefulSet", "acme-prosody"),
        ("StatefulSet", "acme-jvb-0"),
        ("Ingress", "acme-web"),
    } <= names
    places = {obj["metadata"]["namespace"] for obj in objects}
    assert places == {"tenant-acme", "jitsi-tenant-operator"}
    assert len(names) == len(objects)


@pytest.mark.parametrize("file", [ACME, GLOBEX, *FEATURES], ids=lambda file: file.stem)
def test_what_is_printed_is_yaml_that_means_the_same_again(
    file: Path, tmp_path: Path, run: Run
) -> None:
    others = [ACME] if "kind: JitsiTenant\n" not in file.read_text() else []
    if file.stem == "recording":  # as it says, it takes a platform with such volumes
        shared = ("accessMode: ReadWriteOnce", "accessMode: ReadWriteMany")
        others = [changed(tmp_path, shared, file=SAMPLES / "platform.yaml")]
    _, out, err = run("render", "-f", file, *others)
    assert err == ""
    objects = list(yaml.safe_load_all(out))
    assert objects == list(yaml.safe_load_all(yaml.safe_dump_all(objects)))
    assert all(obj["apiVersion"] and obj["kind"] for obj in objects)
    assert "&id" not in out, "no anchors, which people cannot read"


def test_renders_every_tenant_of_every_file(run: Run) -> None:
    _, together, _ = run("render", "-f", ACME, GLOBEX)
    _, one, _ = run("render", "-f", ACME)
    _, other, _ = run("render", "-f", GLOBEX)
    assert together == one + other
    _, apart, _ = run("render", "-f", ACME, "-f", GLOBEX)
    assert apart == together


def test_a_folder_stands_for_its_files(run: Run) -> None:
    _, out, _ = run("render", "-f", SAMPLES)
    assert {"tenant-acme", "tenant-globex", "jitsi-tenant-operator"} == {
        obj["metadata"]["namespace"] for obj in yaml.safe_load_all(out)
    }


def test_what_is_given_takes_the_place_of_the_sample(tmp_path: Path, run: Run) -> None:
    platform = changed(
        tmp_path,
        ("className: nginx", "className: haproxy"),
        file=SAMPLES / "platform.yaml",
    )
    _, out, _ = run("render", "-f", ACME, "-f", platform)
    ingress = next(obj for obj in yaml.safe_load_all(out) if obj["kind"] == "Ingress")
    assert ingress["spec"]["ingressClassName"] == "haproxy"


def environment(out: str, variable: str) -> list[str]:
    pods = (
        obj.get("spec", {}).get("template", {}).get("spec", {}) for obj in yaml.safe_load_all(out)
    )
    return [
        entry["value"]
        for pod in pods
        for container in pod.get("containers", ())
        for entry in container.get("env", ())
        if entry["name"] == variable
    ]


def test_what_the_cluster_decides_is_a_placeholder(run: Run) -> None:
    _, out, _ = run("render", "-f", ACME)
    assert environment(out, "JVB_ADVERTISE_IPS") == ["$(HOST_IP)#<node port 0>"]
    secret = next(yaml.safe_load_all(out))
    assert secret["stringData"]["jvb"] == "<generated jvb>"


def test_the_address_of_a_load_balancer_is_a_placeholder(run: Run) -> None:
    platform = SAMPLES / "features" / "platform-load-balancer.yaml"
    _, out, _ = run("render", "-f", platform, ACME)
    assert environment(out, "JVB_ADVERTISE_IPS") == ["<load balancer address 0>#10000"]


def test_host_ports_are_handed_out_as_on_an_empty_cluster(run: Run) -> None:
    platform = SAMPLES / "features" / "platform-host-port.yaml"
    _, out, _ = run("render", "-f", platform, ACME, GLOBEX)
    ports = [
        port["hostPort"]
        for obj in yaml.safe_load_all(out)
        if obj["kind"] == "StatefulSet"
        for container in obj["spec"]["template"]["spec"]["containers"]
        for port in container.get("ports", ())
        if "hostPort" in port
    ]
    assert ports == list(range(ports[0], ports[0] + len(ports)))
    assert len(ports) >= 2
    assert len(environment(out, "JVB_ADVERTISE_IPS")) == len(ports)


def test_the_terms_are_a_table_with_the_source_of_each(run: Run) -> None:
    status, out, _ = run("terms", "-f", ACME)
    assert status == 0
    title, header, *rows = out.splitlines()
    assert title == "JitsiTenant tenant-acme/acme"
    assert header.split() == ["TERM", "VALUE", "DOCUMENT", "CLAUSE"]
    table = {row.split()[0]: row.split()[1:] for row in rows}
    assert table["backup.daily"] == ["P10D", "cgu-2026-05-19", "6.3"]
    assert table["support.email"] == ["support@hosting.example", "DC-2026-0142", "-"]
    assert list(table) == sorted(table)
    assert not [row for row in out.splitlines() if row != row.rstrip()]
    documents = [row.index(row.split()[-2]) for row in rows]
    assert len(set(documents)) == 1, "columns stand under each other"


def test_terms_of_several_tenants_follow_each_other(run: Run) -> None:
    _, out, _ = run("terms", "-f", ACME, GLOBEX)
    assert [line for line in out.splitlines() if line.startswith("JitsiTenant")] == [
        "JitsiTenant tenant-acme/acme",
        "JitsiTenant tenant-globex/globex",
    ]


def test_terms_are_told_whatever_else_is_wrong(tmp_path: Path, run: Run) -> None:
    file = changed(tmp_path, ("plan: business", "plan: gold"))
    status, out, _ = run("terms", "-f", file)
    assert status == 0
    assert "backup.daily" in out


def test_a_document_that_is_missing_is_named(tmp_path: Path, run: Run) -> None:
    file = changed(tmp_path, ("[cgu-2026-05-19,", "[cgu-1999,"))
    for command in ("terms", "render"):
        status, out, err = run(command, "-f", file)
        assert (status, out) == (2, "")
        assert err.startswith(f"{file}:3: JitsiTenant tenant-acme/acme: ")
        assert "cgu-1999" in err
        assert "spec.contract.documents" in err


def test_a_field_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, run: Run) -> None:
    file = changed(tmp_path, ("plan: business", "plan: Business!"))
    line = file.read_text().splitlines().index("  plan: Business!") + 1
    status, out, err = run("render", "-f", file)
    assert (status, out) == (2, "")
    assert err.startswith(f"{file}:{line}: JitsiTenant tenant-acme/acme: spec.plan: ")


def test_all_problems_of_all_files_come_at_once(tmp_path: Path, run: Run) -> None:
    acme = changed(tmp_path, ("plan: business", "plan: gold"))
    globex = changed(tmp_path, ("plan: ", "plan: silver-"), file=GLOBEX)
    status, out, err = run("render", "-f", acme, globex)
    assert (status, out) == (2, "")
    first, second = err.splitlines()
    assert first.startswith(f"{acme}:")
    assert "JitsiPlan gold" in first
    assert second.startswith(f"{globex}:")
    assert "JitsiPlan silver-" in second


def test_two_tenants_cannot_have_one_host_or_namespace(tmp_path: Path, run: Run) -> None:
    twin = changed(tmp_path, ("name: acme\n", "name: twin\n"))
    status, _, err = run("render", "-f", ACME, twin)
    assert status == 2
    assert f"{twin}:3: JitsiTenant tenant-acme/twin: the namespace tenant-acme is that of" in err
    assert "the host meet.acme.example is that of tenant tenant-acme/acme" in err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no JitsiTenant in it"),
        (b"a: [", "1: "),
        (b"\xff\xfe", "not text in UTF-8"),
        (b"kind: JitsiTenant\n", "apiVersion: required"),
        (b"- 1\n", "expected a Kubernetes object"),
        (b"apiVersion: jitsi.rezosocial.com/v1alpha1\nkind: JitsiTenat\n", "JitsiTenant"),
        (b"x" * 1_100_000, "larger than"),
        (b"a: &a [*a]\n", ""),
        (b"[" * 10_000, "nested"),
        (b"apiVersion: jitsi.rezosocial.com/v1alpha1\nkind: JitsiTenant\n", "spec: required"),
    ],
)
def test_bad_files_are_refused_in_words(
    content: bytes, words: str, tmp_path: Path, run: Run
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    status, out, err = run("render", "-f", file)
    assert (status, out) == (2, "")
    assert err.startswith(str(file))
    assert words in err
    assert "Traceback" not in err


def test_a_file_that_is_not_there(tmp_path: Path, run: Run) -> None:
    missing = tmp_path / "missing.yaml"
    assert run("terms", "-f", missing) == (2, "", f"{missing}: no such file or directory\n")


LEDGER = """
apiVersion: jitsi.rezosocial.com/v1alpha1
kind: JitsiTenantRecord
metadata:
  name: globex.tenant-globex
spec:
  tenant: {namespace: tenant-globex, name: globex}
  contract: DC-2026-0187
  documents: [cgu-2026-05-19, dpa-2025-01-01]
"""


def test_a_ledger_says_which_documents_a_contract_is_bound_to(run: Run, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.yaml"
    ledger.write_text(LEDGER)
    earlier = changed(
        tmp_path,
        ("name: dpa-2026-05-19", "name: dpa-2025-01-01"),
        file=SAMPLES / "terms-dpa-2026-05-19.yaml",
    )
    status, out, err = run("terms", "-f", GLOBEX, earlier, ledger)
    assert (status, err) == (0, "")
    assert "dpa-2025-01-01" in out
    assert "dpa-2026-05-19" not in out
