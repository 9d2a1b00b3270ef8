"""The Collector as agent and aggregator, with the configuration that is shipped."""

from __future__ import annotations

import ipaddress
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from install import ROOT
from jitsi_tenant_operator.logs.otlp import Reader
from localplane.processes import Process, tail

MANIFESTS = ROOT / "manifests" / "logs"
HERE = "127.0.0.1"
_FIELDS = ("time", "pod", "stream", "text")


class Collector:
    """One Collector, `agent` or `aggregator`, that may be ended and started again."""

    def __init__(self, role: str, program: Path, folder: Path, changes: Mapping[str, Any]) -> None:
        """`changes` is merged into the shipped configuration, as a second file would be."""
        self._role = role
        self.health, self.metrics_port = free_port(), free_port()
        self._log = folder / f"{role}.log"
        shipped = MANIFESTS / role / f"{role}.yaml"
        changed = folder / f"{role}.changes.yaml"
        changed.write_text(yaml.safe_dump(_merged(changes, self._own())))
        self._command = [str(program), f"--config={shipped}", f"--config={changed}"]
        self._command += container_arguments(role)
        self._process: Process | None = None

    def _own(self) -> dict[str, Any]:
        prometheus = {"prometheus": {"host": HERE, "port": self.metrics_port}}
        reader = {"pull": {"exporter": prometheus}}
        return {
            "extensions": {"health_check": {"endpoint": f"{HERE}:{self.health}"}},
            "service": {"telemetry": {"metrics": {"readers": [reader]}}},
        }

    def start(self, **environment: str) -> None:
        """Start it, and leave it to itself."""
        variables = [f"{name}={value}" for name, value in environment.items()]
        command = ["/usr/bin/env", *variables, *self._command]
        self._process = Process(self._role, command, self._log)

    def stop(self, *, kill: bool = False) -> None:
        """End it, as Kubernetes does or with `kill` as a power cut does."""
        if self._process is not None:
            self._process.stop(kill=kill)

    def ready(self) -> bool:
        """Whether it works; AssertionError with its log once it has ended."""
        assert self._process is not None
        assert self._process.running, tail(self._log)
        try:
            with urllib.request.urlopen(f"http://{HERE}:{self.health}/") as answer:
                return bool(answer.status == 200)  # noqa: PLR2004
        except (urllib.error.URLError, ConnectionError):
            return False

    def counted(self, metric: str) -> float:
        """The sum of a metric of its own over all labels; 0 when it has not been counted yet."""
        with urllib.request.urlopen(f"http://{HERE}:{self.metrics_port}/metrics") as answer:
            text = answer.read().decode()
        pattern = rf"^{metric}(?:_total)?(?:\{{[^}}]*\}})? (\S+)$"
        return sum(float(value) for value in re.findall(pattern, text, re.MULTILINE))

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text()


def container_arguments(role: str) -> list[str]:
    """The arguments of the shipped container, but for the configuration's path."""
    for path in (MANIFESTS / role).glob("*.yaml"):
        for document in yaml.safe_load_all(path.read_text()):
            if document and document.get("kind") in ("DaemonSet", "StatefulSet"):
                [container] = document["spec"]["template"]["spec"]["containers"]
                return [each for each in container["args"] if not each.startswith("--config")]
    raise LookupError(f"no workload runs the {role}")


def agent(
    program: Path, folder: Path, pods: Path, certificates: Path, aggregator: str
) -> Collector:
    """The agent of a node whose containers log below `pods`, sending to host and port."""
    state = folder / "state"
    changes = {
        "extensions": {
            "file_storage/positions": {"directory": str(state / "positions")},
            "file_storage/queue": {
                "directory": str(state / "queue"),
                "compaction": {"directory": str(state / "queue")},
            },
        },
        "receivers": {"file_log": _moved("agent", "/var/log/pods", str(pods))},
        "processors": {"k8s_attributes": {"auth_type": "kubeConfig"}},
        "exporters": {
            "otlp_grpc": {"endpoint": aggregator, "tls": _files(certificates, "client", "ca")}
        },
    }
    return Collector("agent", program, folder, changes)


def aggregator(
    program: Path, folder: Path, current: Path, certificates: Path, address: str
) -> Collector:
    """The aggregator that takes logs at host and port, and writes them below `current`."""
    grpc = {"endpoint": address, "tls": _files(certificates, "server", "client_ca")}
    changes = {
        "receivers": {"otlp": {"protocols": {"grpc": grpc}}},
        "exporters": {"file": {"path": f"{current}/*.log"}},
    }
    return Collector("aggregator", program, folder, changes)


def _moved(role: str, old: str, new: str) -> dict[str, list[str]]:
    receiver = yaml.safe_load((MANIFESTS / role / f"{role}.yaml").read_text())["receivers"]
    patterns = receiver["file_log"]
    return {
        name: [each.replace(old, new) for each in patterns[name]] for name in ("include", "exclude")
    }


def _files(folder: Path, name: str, authority: str) -> dict[str, str]:
    return {
        f"{authority}_file": str(folder / "ca.crt"),
        "cert_file": str(folder / f"{name}.crt"),
        "key_file": str(folder / f"{name}.key"),
    }


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(one)
    for key, value in other.items():
        known = found.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            found[key] = _merged(known, value)
        else:
            found[key] = value
    return found


def collected(current: Path) -> Iterator[tuple[Path, str]]:
    """The file and text of each line that was collected, as the archiver reads them."""
    reader = Reader()
    for path in sorted(current.glob("*/*.log")):
        with path.open("rb") as file:
            for request in file:
                if not request.endswith(b"\n"):
                    break  # it is being written
                for line in reader.lines(request).decode().splitlines():
                    # What a full disk cut off has no such fields.
                    fields = line.split(" ", 3)
                    if len(fields) == len(_FIELDS):
                        yield path, fields[-1]


def write_certificates(folder: Path) -> None:
    """An authority, and a certificate by it for a server and one for a client, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("logs")
    root = _certificate(issuer, issuer, key.public_key())
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    _write(folder / "ca", root, key, key)
    purposes = {
        "server": ExtendedKeyUsageOID.SERVER_AUTH,
        "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    for name, purpose in purposes.items():
        own = ec.generate_private_key(ec.SECP256R1())
        builder = _certificate(_name(name), issuer, own.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        address = x509.IPAddress(ipaddress.ip_address(HERE))
        builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        _write(folder / name, builder, own, key)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _write(
    path: Path,
    builder: x509.CertificateBuilder,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = serialization.Encoding.PEM
    certificate = builder.sign(signer, hashes.SHA256())
    path.with_suffix(".crt").write_bytes(certificate.public_bytes(pem))
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.with_suffix(".key").write_bytes(private)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port: int = probe.getsockname()[1]
        return port
