"""A stand-in for the program `proxmox-backup-client`: its documented options, outputs and exits.

It talks to the server of this package, over TLS, with the fingerprint pinned. Run it as
`python -m localpbs.client`, or by what `install` writes.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import json
import os
import re
import ssl
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from localpbs import archive
from localpbs.archive import Chunk, Key, WrongKeyError

NAME = "proxmox-backup-client"
FAILED = 255

_SUFFIXES = {".pxar": ".pxar.didx", ".conf": ".conf.blob", ".log": ".log.blob", ".img": ".img.fidx"}
_REPOSITORY = re.compile(
    r"(?P<auth>[^@]+@[^@!]+(?:![^@]+)?)@(?P<host>\[[^\]]+\]|[^:]+):(?P<port>[0-9]+):(?P<store>.+)"
)


class ClientError(Exception):
    """What the program ends with; the message is shown after `Error: `."""


class Connection:
    """Requests to the server that the environment names."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        match = _REPOSITORY.fullmatch(environment.get("PBS_REPOSITORY", ""))
        if match is None:
            raise ClientError("unable to get (default) repository")
        self.store, self._host, self._port = match["store"], match["host"], int(match["port"])
        self._pinned = environment.get("PBS_FINGERPRINT", "").replace(":", "").lower()
        secret = _secret(environment)
        self._headers = {
            "Authorization": f"PBSAPIToken {match['auth']}:{quote(secret, safe='')}",
            "Content-Type": "application/json",
        }

    def call(self, method: str, path: str, values: Mapping[str, Any]) -> Any:
        """The data that the server answers with. ClientError if it refuses."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(
            self._host.strip("[]"), self._port, context=context, timeout=60
        )
        target, body = f"/api2/json/{path}", None
        if method in {"GET", "DELETE"}:
            target = f"{target}?{urlencode(values)}"
        else:
            body = json.dumps(values)
        try:
            connection.connect()
            assert isinstance(connection.sock, ssl.SSLSocket)
            shown = hashlib.sha256(connection.sock.getpeercert(binary_form=True) or b"")
            if shown.hexdigest() != self._pinned:
                raise ClientError("error trying to connect: certificate validation failed")
            connection.request(method, target, body, self._headers)
            answer = connection.getresponse()
            text = answer.read()
        except OSError as error:
            raise ClientError(f"error trying to connect: {error.strerror}") from None
        finally:
            connection.close()
        if answer.status >= 400:  # noqa: PLR2004 - refused
            raise ClientError(text.decode())
        return json.loads(text)["data"]


def _secret(environment: Mapping[str, str]) -> str:
    if "PBS_PASSWORD" in environment:
        return environment["PBS_PASSWORD"]
    if "PBS_PASSWORD_FILE" in environment:
        lines = Path(environment["PBS_PASSWORD_FILE"]).read_text().splitlines()
        return lines[0] if lines else ""
    raise ClientError("no password input mechanism available")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run one command; 0, or 255 for whatever went wrong, usage included."""
    try:
        options = _parser().parse_args(arguments)
        options.run(options, Connection(environment))
    except (ClientError, WrongKeyError, OSError, ValueError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return FAILED
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        raise ClientError(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=NAME, add_help=False, allow_abbrev=False)
    commands = parser.add_subparsers(required=True)
    backup = _command(commands, "backup", _backup)
    backup.add_argument("archives", nargs="+")
    backup.add_argument("--backup-type", default="host", choices=("host", "vm", "ct"))
    backup.add_argument("--backup-id", default=os.uname().nodename)
    backup.add_argument("--backup-time", type=int, default=int(time.time()))
    backup.add_argument("--exclude", action="append", default=[])
    backup.add_argument("--rate")
    backup.add_argument("--skip-lost-and-found", action="store_true")
    backup.add_argument("--change-detection-mode", default="legacy")
    restore = _command(commands, "restore", _restore)
    restore.add_argument("snapshot")
    restore.add_argument("archive")
    restore.add_argument("target")
    restore.add_argument("--pattern", action="append", default=[])
    restore.add_argument("--allow-existing-dirs", nargs="?", const="true")
    restore.add_argument("--ignore-ownership", nargs="?", const="true")
    restore.add_argument("--overwrite", nargs="?", const="true")
    restore.add_argument("--rate")
    snapshot = commands.add_parser("snapshot", add_help=False).add_subparsers(required=True)
    listing = _command(snapshot, "list", _list)
    listing.add_argument("group", nargs="?")
    for name, run in (("files", _files), ("forget", _forget)):
        _command(snapshot, name, run).add_argument("snapshot")
    catalog = commands.add_parser("catalog", add_help=False).add_subparsers(required=True)
    _command(catalog, "dump", _catalog).add_argument("snapshot")
    return parser


def _command(commands: Any, name: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, add_help=False, allow_abbrev=False)
    parser.add_argument("--ns", default="")
    parser.add_argument("--keyfile", type=Path)
    parser.add_argument("--crypt-mode")
    parser.add_argument("--output-format", default="text", choices=("text", "json", "json-pretty"))
    parser.set_defaults(run=run)
    return parser


def _key(options: argparse.Namespace) -> Key | None:
    return Key.read(options.keyfile) if options.keyfile else None


def _backup(options: argparse.Namespace, connection: Connection) -> None:
    key = _key(options)
    group = {"ns": options.ns, "backup-type": options.backup_type, "backup-id": options.backup_id}
    started = datetime.fromtimestamp(options.backup_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _say(f"Starting backup: {options.backup_type}/{options.backup_id}/{started}")
    files: dict[str, object] = {}
    chunks: dict[str, str] = {}

    def put(name: str, content: bytes) -> None:
        made = list(archive.cut(content, key))
        files[name] = {
            "size": len(content),
            "crypt-mode": "encrypt" if key else "none",
            "chunks": [chunk.digest for chunk in made],
        }
        chunks.update({chunk.digest: base64.b64encode(chunk.data).decode() for chunk in made})

    catalog = b""
    for spec in options.archives:
        name, colon, path = spec.partition(":")
        suffix = Path(name).suffix
        if not colon or suffix not in _SUFFIXES:
            raise ClientError(f"unable to parse backup source specification '{spec}'")
        stored = f"{name.removesuffix(suffix)}{_SUFFIXES[suffix]}"
        if suffix == ".pxar":
            content, skipped = archive.packed(Path(path), options.exclude)
            for mount in skipped:
                _say(f'skip mount point: "{mount}"')
            catalog += _catalog_of(stored, content)
        else:
            content = Path(path).read_bytes()
        put(stored, content)
        size = f"{len(content) / 1024:.3f} KiB"
        _say(f"{name}: had to backup {size} of {size} (compressed {size}) in 0.01 s")
    put("catalog.pcat1.didx", catalog)
    put("index.json.blob", json.dumps(sorted(files)).encode())
    body = group | {"backup-time": options.backup_time, "files": files, "chunks": chunks}
    if key:
        body["fingerprint"] = key.fingerprint
    connection.call("POST", f"localpbs/{connection.store}/backup", body)
    _say("Duration: 0.12s")


def _catalog_of(stored: str, content: bytes) -> bytes:
    lines = [f'd "./{stored}"']
    for member in archive.members(content):
        if member.name == ".":
            continue
        quoted = _quoted(f"./{stored}/{member.name}")
        changed = datetime.fromtimestamp(int(member.mtime), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if member.isreg():
            lines.append(f"f {quoted} {member.size} {changed}")
        else:
            lines.append(f"{'d' if member.isdir() else 'l'} {quoted}")
    return "".join(f"{line}\n" for line in lines).encode()


def _quoted(name: str) -> str:
    """A path as Rust shows one for debugging: bytes that are no text in hexadecimal."""
    shown = ""
    for letter in name:
        code = ord(letter)
        if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - how Python holds a byte that is no text
            shown += f"\\x{code - 0xDC00:02X}"
        elif letter in '\\"':
            shown += f"\\{letter}"
        elif letter == "\n":
            shown += "\\n"
        else:
            shown += letter
    return f'"{shown}"'


def _restore(options: argparse.Namespace, connection: Connection) -> None:
    content = _stored(options, connection, options.archive)
    if options.target == "-":
        sys.stdout.buffer.write(content)
        return
    target = Path(options.target)
    if target.exists() and not options.allow_existing_dirs:
        raise ClientError(f'directory "{target}" already exists')
    target.mkdir(parents=True, exist_ok=True)
    overwrite = options.overwrite == "true"
    archive.unpack(content, target, options.pattern, overwrite=overwrite)


def _stored(options: argparse.Namespace, connection: Connection, name: str) -> bytes:
    suffix = Path(name).suffix
    stored = f"{name.removesuffix(suffix)}{_SUFFIXES.get(suffix, '')}"
    stored = name if suffix not in _SUFFIXES else stored
    found = connection.call("GET", f"localpbs/{connection.store}/snapshot", _snapshot(options))
    if stored not in found["files"]:
        raise ClientError(f"no such file in the manifest: '{stored}'")
    entry = found["files"][stored]
    missing = [digest for digest in entry["chunks"] if digest not in found["chunks"]]
    if missing:
        raise ClientError(f"unable to read chunk {missing[0]}: No such file or directory")
    chunks = [Chunk(each, base64.b64decode(found["chunks"][each])) for each in entry["chunks"]]
    return archive.joined(chunks, _key(options), encrypted=entry["crypt-mode"] == "encrypt")


def _snapshot(options: argparse.Namespace) -> dict[str, object]:
    parts = options.snapshot.split("/")
    if len(parts) != 3:  # noqa: PLR2004 - type, id, time
        raise ClientError(f"unable to parse snapshot path '{options.snapshot}'")
    moment = datetime.strptime(parts[2], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return {
        "ns": options.ns,
        "backup-type": parts[0],
        "backup-id": parts[1],
        "backup-time": int(moment.timestamp()),
    }


def _list(options: argparse.Namespace, connection: Connection) -> None:
    path = f"admin/datastore/{connection.store}/snapshots"
    query = {"ns": options.ns}
    if options.group:
        query["backup-type"], query["backup-id"] = options.group.split("/")
    _show(options, connection.call("GET", path, query))


def _files(options: argparse.Namespace, connection: Connection) -> None:
    path = f"admin/datastore/{connection.store}/files"
    _show(options, connection.call("GET", path, _snapshot(options)))


def _forget(options: argparse.Namespace, connection: Connection) -> None:
    path = f"admin/datastore/{connection.store}/snapshots"
    connection.call("DELETE", path, _snapshot(options))


def _catalog(options: argparse.Namespace, connection: Connection) -> None:
    content = _stored(options, connection, "catalog.pcat1.didx")
    sys.stdout.buffer.write(content)


def _show(options: argparse.Namespace, found: Any) -> None:
    print(json.dumps(found, indent=2 if options.output_format == "json-pretty" else None))


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def install(folder: Path) -> Path:
    """Write the program into a folder that exists; its path."""
    path = folder / NAME
    source = Path(__file__).resolve().parent.parent
    path.write_text(
        f"#!{sys.executable} -P\n"
        f"import sys; sys.path.insert(0, {str(source)!r})\n"
        "from localpbs.client import main\n"
        "import os; sys.exit(main(sys.argv[1:], os.environ))\n"
    )
    path.chmod(0o755)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
