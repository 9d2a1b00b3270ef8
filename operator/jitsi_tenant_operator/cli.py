"""The command line: `jitsi-tenant-operator run | render | terms | contract | ...`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import re
import signal
import socket
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from jitsi_tenant_operator import __version__
from jitsi_tenant_operator.api.objects import TenantKey
from jitsi_tenant_operator.backup_commands import add_backup_commands
from jitsi_tenant_operator.command_line import calendar_day, instant_or_day, print_text
from jitsi_tenant_operator.logs import commands as logs

OPERATOR_NAMESPACE = "jitsi-tenant-operator"

_LAST_PORT = 65535


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status: 0 done, 1 failed, 2 the input cannot be used."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="jitsi-tenant-operator",
        description="Hosts Jitsi for other companies and keeps the contract behind it.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_run(commands.add_parser("run", help="operate the tenants of a cluster"))
    for name, command, what in (
        ("render", _render, "show as YAML what would be applied for the tenants in files"),
        ("terms", _terms, "show the terms in force for the tenants in files, each with its source"),
    ):
        sub = commands.add_parser(name, help=what, description=_sentence(what))
        _add_files(sub)
        sub.set_defaults(command=command)
    _add_contract(commands.add_parser("contract", help="show how contracts stand"))
    add_backup_commands(commands)
    logs.add_archive_logs(
        commands.add_parser("archive-logs", help="archive and expire technical logs")
    )
    logs.add_logs(
        commands.add_parser("logs", help="prove what became of technical logs, or show them"),
        day=calendar_day,
        instant=instant_or_day,
    )
    commands.add_parser("crds", help="print the CustomResourceDefinitions as YAML").set_defaults(
        command=_crds
    )
    commands.add_parser("version", help="print the version").set_defaults(command=_version)
    return parser


def _add_files(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument(
        "-f",
        "--file",
        dest="files",
        action="extend",
        nargs="+",
        type=Path,
        required=required,
        metavar="FILE",
        help="YAML with tenants and, if need be, their plan, platform and terms: a file, a folder,"
        " or - for the standard input. The samples stand in for what is not given.",
    )


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kubeconfig", help="the cluster to work on; else as kubectl finds it")
    parser.add_argument("--context", help="the context of the kubeconfig")


def _add_run(parser: argparse.ArgumentParser) -> None:
    environment = os.environ
    parser.description = "Waits for the Lease, then operates until it is told to stop."
    _add_cluster(parser)
    parser.add_argument(
        "--namespace",
        default=environment.get("POD_NAMESPACE", OPERATOR_NAMESPACE),
        help="where the operator's own objects are (default: $POD_NAMESPACE or %(default)s)",
    )
    parser.add_argument(
        "--listen",
        default="0.0.0.0:8080",
        type=_host_and_port,
        metavar="HOST:PORT",
        help="where /livez, /readyz and /metrics are served (default: %(default)s)",
    )
    parser.add_argument(
        "--acknowledgement-listen",
        type=_host_and_port,
        metavar="HOST:PORT",
        help="where the page for acknowledging notices is served (default: nowhere)",
    )
    parser.add_argument(
        "--workers",
        type=_count,
        default=8,
        metavar="N",
        help="tenants reconciled at once (default: %(default)s)",
    )
    parser.add_argument(
        "--image",
        default=environment.get("OPERATOR_IMAGE", ""),
        help="the name of this operator's own image, which the Jobs of backups run (default:"
        " $OPERATOR_IMAGE; without it no backup is made)",
    )
    parser.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="how each message is written (default: %(default)s)",
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="the least serious messages that are written (default: %(default)s)",
    )
    parser.set_defaults(command=_run)


def _add_contract(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Shows for the tenants in files, or for one in a cluster, how their contracts stand, with"
        " every deadline, its rule and its clause; or with --until what will happen when."
    )
    parser.add_argument(
        "tenant",
        nargs="?",
        type=_tenant,
        metavar="NAMESPACE/NAME",
        help="a tenant in the cluster, instead of files",
    )
    _add_files(parser, required=False)
    _add_cluster(parser)
    parser.add_argument(
        "--at",
        type=instant_or_day,
        metavar="INSTANT",
        help="the instant to look from, such as 2027-06-01T08:00:00Z, or a day, which stands for"
        " its beginning (default: now)",
    )
    parser.add_argument(
        "--until",
        type=calendar_day,
        metavar="DATE",
        help="show all changes ahead to the end of that day, such as 2028-12-31",
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.set_defaults(command=lambda options: _contract(parser, options))


def _tenant(text: str) -> TenantKey:
    if not re.fullmatch("[a-z0-9-]{1,63}/[a-z0-9-]{1,63}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAMESPACE/NAME, as tenant-acme/acme is")
    namespace, _, name = text.partition("/")
    return TenantKey(namespace, name)


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not re.fullmatch("[0-9]{1,5}", port) or int(port) > _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 0.0.0.0:8080")
    return host.strip("[]"), int(port)


def _count(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,2}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 999")
    return int(text)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _run(options: argparse.Namespace) -> int:
    gc.disable()
    from jitsi_tenant_operator.clock import SystemClock
    from jitsi_tenant_operator.kube.connection import ConfigurationError
    from jitsi_tenant_operator.kube.errors import KubeError
    from jitsi_tenant_operator.kube.lease import LeadershipLost
    from jitsi_tenant_operator.run import Options, run

    expected = (ConfigurationError, KubeError, LeadershipLost, OSError)

    _collect_seldom()
    _log_to_stderr(options.log_format, options.log_level)
    identity = f"{os.environ.get('POD_NAME') or socket.gethostname()}_{uuid.uuid4().hex[:8]}"
    settings = Options(
        namespace=options.namespace,
        identity=identity,
        listen=options.listen,
        acknowledgement_listen=options.acknowledgement_listen,
        kubeconfig=options.kubeconfig,
        context=options.context,
        workers=options.workers,
        image=options.image,
    )

    async def until_told_to_stop() -> None:
        work = asyncio.ensure_future(run(settings, SystemClock()))
        # While leading, kopf takes these signals over and ends in good order by itself.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, work.cancel)
        await work

    try:
        asyncio.run(until_told_to_stop())
    except asyncio.CancelledError:
        return 0
    except Exception as error:
        causes = list(_leaves(error))
        if not all(isinstance(cause, expected) for cause in causes):
            raise
        for cause in causes:
            logging.getLogger(__name__).critical("%s", cause)
        return 1
    return 0


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group of groups, or the one error itself."""
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _leaves(part)
    else:
        yield error


def _collect_seldom() -> None:
    """Have the garbage collector pass over what was imported, which stays, and run seldom.

    Parsed lists are many objects at once, but no cycles: with Python's usual thresholds a third of
    the time to start goes into looking for some.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    gc.enable()


def _log_to_stderr(form: str, level: str) -> None:
    handler = logging.StreamHandler()
    if form == "json":
        from pythonjsonlogger.json import JsonFormatter

        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            )
        )
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # kopf tells at this level of each event that it passes on.
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)


def _render(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.offline import render_files

    return _print(lambda: render_files(options.files))


def _terms(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.offline import terms_of_files

    return _print(lambda: terms_of_files(options.files))


def _contract(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.clock import SystemClock
    from jitsi_tenant_operator.contract_report import contract_of, contract_of_files

    if (options.tenant is None) == (options.files is None):
        parser.error("give either -f FILE, or NAMESPACE/NAME of a tenant in the cluster")
    at = options.at or SystemClock().now().replace(microsecond=0)
    as_json = options.output == "json"
    if options.tenant is None:
        return _print(lambda: contract_of_files(options.files, at, options.until, as_json=as_json))
    from jitsi_tenant_operator.live import ClusterError, read_tenant
    from jitsi_tenant_operator.offline import agreements_among

    try:
        given = read_tenant(options.tenant, options.kubeconfig, options.context)
    except ClusterError as error:
        print(error, file=sys.stderr)
        return 1
    return _print(lambda: contract_of(agreements_among(given), at, options.until, as_json=as_json))


def _crds(_: argparse.Namespace) -> int:
    from jitsi_tenant_operator.api.crd import crds

    return _print(crds)


def _version(_: argparse.Namespace) -> int:
    return _print(lambda: f"{__version__}\n")


def _print(text: Callable[[], str]) -> int:
    from jitsi_tenant_operator.offline import InputError

    return print_text(text, InputError)


if __name__ == "__main__":
    raise SystemExit(main())
