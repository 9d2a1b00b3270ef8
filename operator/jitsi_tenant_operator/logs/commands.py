"""The commands `archive-logs` and `logs prove | show`: their arguments, and what they print."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

_NOT_DONE = 1
_MISTAKE = 2

Day = Callable[[str], date]
Instant = Callable[[str], datetime | date]


def add_archive_logs(parser: argparse.ArgumentParser) -> None:
    """The arguments of `archive-logs`."""
    parser.description = (
        "Closes the days that are over, compresses them into the archives, and deletes or"
        " anonymises what is older than the terms say. Talks to nobody: reads two files, writes"
        " to two volumes, and says in its exit status and report how it went."
    )
    _add_volumes(parser)
    _add_holds(parser, needed=True)
    parser.add_argument(
        "--tenant",
        dest="tenants",
        action="append",
        default=[],
        metavar="NAME",
        help="see to this tenant only; may be given several times",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="change nothing; list what would expire"
    )
    parser.add_argument(
        "--termination-message",
        type=Path,
        metavar="FILE",
        help="where the report goes too, cut to what Kubernetes keeps of it",
    )
    _add_output(parser)
    parser.set_defaults(command=_archive_logs)


def add_logs(parser: argparse.ArgumentParser, *, day: Day, instant: Instant) -> None:
    """The arguments of `logs`; `day` and `instant` read dates from the command line."""
    parser.description = "Proves what became of technical logs, or shows them."
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_prove(commands.add_parser("prove", help="prove that logs are kept as promised"), day)
    _add_show(commands.add_parser("show", help="show the lines of logs"), instant)


def _add_prove(parser: argparse.ArgumentParser, day: Day) -> None:
    parser.description = (
        "Reads the manifest and every archive of a tenant and says of each day how it is"
        " accounted for. Exit status: 0 proved, 1 not, 2 it could not be looked into."
    )
    _add_volumes(parser)
    _add_holds(parser, needed=False)
    parser.add_argument("--tenant", required=True, metavar="NAME", help="whose logs")
    parser.add_argument(
        "--from",
        dest="first",
        type=day,
        metavar="DATE",
        help="the first day (default: the oldest that must still be there)",
    )
    parser.add_argument(
        "--to", dest="last", type=day, metavar="DATE", help="the last day (default: yesterday)"
    )
    parser.add_argument(
        "--head",
        type=_head,
        metavar="NUMBER:DIGEST",
        help="an entry that was noted before, which the manifest must still have",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="compute the digests of archives and not those of what is in them",
    )
    _add_output(parser)
    parser.set_defaults(command=_prove)


def _add_show(parser: argparse.ArgumentParser, instant: Instant) -> None:
    parser.description = (
        "Shows lines of current and archived logs in the order of their times. That archives are"
        " read, by whom and what for, is recorded."
    )
    _add_volumes(parser)
    parser.add_argument("--tenant", required=True, metavar="NAME", help="whose logs")
    parser.add_argument(
        "--component",
        dest="components",
        action="append",
        default=[],
        metavar="NAME",
        help="of this component only, such as jvb; may be given several times",
    )
    parser.add_argument(
        "--from",
        dest="first",
        type=instant,
        required=True,
        metavar="INSTANT",
        help="the first instant, such as 2026-11-24T08:00:00Z, or a day, which stands for its"
        " beginning",
    )
    parser.add_argument(
        "--to",
        dest="last",
        type=instant,
        required=True,
        metavar="INSTANT",
        help="the instant up to which, or a day, which stands for its end",
    )
    parser.add_argument(
        "--by",
        default=None,
        type=_one_line,
        metavar="NAME",
        help="who looks (default: the user of this system)",
    )
    parser.add_argument("--reason", required=True, type=_one_line, metavar="TEXT", help="what for")
    parser.set_defaults(command=_show)


def _add_volumes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--current", type=Path, required=True, metavar="FOLDER", help="where current logs are"
    )
    parser.add_argument(
        "--archives", type=Path, required=True, metavar="FOLDER", help="where archived logs are"
    )
    parser.add_argument(
        "--configuration",
        type=Path,
        required=True,
        metavar="FILE",
        help="JSON that says whose logs there are and by which terms they are kept",
    )


def _add_holds(parser: argparse.ArgumentParser, *, needed: bool) -> None:
    default = "" if needed else " (default: those that the manifest says are in force)"
    parser.add_argument(
        "--holds",
        type=Path,
        required=needed,
        metavar="FILE",
        help=f"JSON that says what must stay{default}",
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")


def _head(text: str) -> tuple[int, str]:
    if not re.fullmatch("[1-9][0-9]{0,9}:[0-9a-f]{64}", text, re.ASCII):
        raise argparse.ArgumentTypeError("an entry is its number, a colon and its SHA-256")
    number, _, digest = text.partition(":")
    return int(number), digest


def _one_line(text: str) -> str:
    if not text.strip() or not text.isprintable() or len(text) > 128:  # noqa: PLR2004 -- as told
        raise argparse.ArgumentTypeError("it is one line of 1 to 128 characters")
    return text


def _archive_logs(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.clock import SystemClock
    from jitsi_tenant_operator.logs.archiver import Run
    from jitsi_tenant_operator.logs.configuration import (
        ConfigurationError,
        Holds,
        read_configuration,
        read_holds,
    )
    from jitsi_tenant_operator.logs.layout import Layout
    from jitsi_tenant_operator.logs.report import termination_message
    from jitsi_tenant_operator.logs.storage import LocalStorage
    from jitsi_tenant_operator.logs.text import of_run

    try:
        configuration = read_configuration(options.configuration)
    except ConfigurationError as error:
        return _complain(str(error))
    holds: Holds | None
    try:
        holds = read_holds(options.holds)
    except ConfigurationError as error:
        holds = None
        print_error(str(error))
    run = Run(
        Layout(options.current, options.archives),
        LocalStorage(),
        configuration,
        holds,
        SystemClock(),
        dry_run=options.dry_run,
    )
    report = run.all(options.tenants)
    _write(report.model_dump_json(by_alias=True) + "\n" if _json(options) else of_run(report))
    try:
        if options.termination_message is not None:
            options.termination_message.write_bytes(termination_message(report))
    except OSError as error:
        return _complain(f"the termination message cannot be written: {error.strerror}", _NOT_DONE)
    return 0 if report.good else _NOT_DONE


def _prove(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.clock import SystemClock
    from jitsi_tenant_operator.logs.configuration import (
        ConfigurationError,
        read_configuration,
        read_holds,
    )
    from jitsi_tenant_operator.logs.layout import Layout, is_label
    from jitsi_tenant_operator.logs.proof import Prover, Question
    from jitsi_tenant_operator.logs.report import Head
    from jitsi_tenant_operator.logs.text import of_proof

    if not is_label(options.tenant):
        return _complain(f"{options.tenant!a} is not the name of a tenant")
    head = Head(number=options.head[0], digest=options.head[1]) if options.head else None
    try:
        prover = Prover(
            Layout(options.current, options.archives),
            read_configuration(options.configuration),
            read_holds(options.holds) if options.holds else None,
            SystemClock().now(),
            thorough=not options.quick,
        )
        proof = prover.prove(Question(options.tenant, options.first, options.last, head))
    except ConfigurationError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"the logs cannot be read: {error.strerror}")
    _write(proof.model_dump_json(by_alias=True) + "\n" if _json(options) else of_proof(proof))
    return 0 if proof.proved else _NOT_DONE


def _show(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.clock import SystemClock
    from jitsi_tenant_operator.logs.chain import BrokenChainError
    from jitsi_tenant_operator.logs.compression import AlteredError
    from jitsi_tenant_operator.logs.configuration import ConfigurationError, read_configuration
    from jitsi_tenant_operator.logs.keeping import Keeping
    from jitsi_tenant_operator.logs.layout import Layout, is_label
    from jitsi_tenant_operator.logs.reading import Reading, Request
    from jitsi_tenant_operator.logs.storage import BusyError, LocalStorage
    from jitsi_tenant_operator.logs.text import harmless

    if not is_label(options.tenant):
        return _complain(f"{options.tenant!a} is not the name of a tenant")
    try:
        configuration = read_configuration(options.configuration)
    except ConfigurationError as error:
        return _complain(str(error))
    calendar = Keeping.of(configuration).calendar
    first, last = options.first, options.last
    request = Request(
        options.tenant,
        tuple(options.components),
        first if isinstance(first, datetime) else calendar.start_of(first),
        last if isinstance(last, datetime) else calendar.end_of(last),
        options.by or _user(),
        options.reason,
    )
    layout = Layout(options.current, options.archives)
    reading = Reading(layout, LocalStorage(), configuration, SystemClock().now())
    out, for_people = sys.stdout.buffer, sys.stdout.isatty()
    try:
        for line in reading.lines(request):
            text = line.text.removesuffix(b"\n")
            shown = harmless(text) if for_people else text
            out.write(b"%s %s\n" % (line.component.encode(), shown))
        out.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except BusyError:
        return _complain("another access is being recorded: try again", _NOT_DONE)
    except (BrokenChainError, AlteredError) as error:
        return _complain(str(error), _NOT_DONE)
    except OSError as error:
        return _complain(f"the logs cannot be read: {error.strerror}", _NOT_DONE)
    return 0


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _json(options: argparse.Namespace) -> bool:
    return bool(options.output == "json")


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode())
    sys.stdout.flush()


def print_error(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(f"{text}\n")


def _complain(text: str, status: int = _MISTAKE) -> int:
    print_error(text)
    return status
