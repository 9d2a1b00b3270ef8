"""The arguments of the commands on backups."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jitsi_tenant_operator.command_line import MISTAKE, instant_or_day, print_text

if TYPE_CHECKING:
    from jitsi_tenant_operator.backup.programs.command import Work
    from jitsi_tenant_operator.backup.report import Program

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - its only name

_GROUPS = ("scheduled", "ondemand", "final")
_COPIES = ("primary", "offsite")
_DEPTHS = ("structure", "sample", "everything")
_PARTS = ("recordings", "accounts", "configuration")


def add_backup_commands(commands: Commands) -> None:
    """Add `retention`, the programs, and `preflight`."""
    _add_retention(commands.add_parser("retention", help="show which backups are kept, and why"))
    for name, add, what in (
        ("backup", _add_backup, "back up one tenant's data, and copy it off-site"),
        ("restore", _add_restore, "give back a backup, or a part or a file of it"),
        ("copy", _add_copying, "copy to the other site what it lacks"),
        ("sweep", _add_sweep, "remove from both copies what the terms no longer allow"),
        ("verify", _add_verify, "verify both copies"),
        ("drill", _add_drill, "restore a sample for a trial, compare it and open it"),
    ):
        parser = commands.add_parser(name, help=what)
        parser.description = f"{what[0].upper()}{what[1:]}."
        _add_files(parser)
        add(parser)
    _add_preflight(commands.add_parser("preflight", help="check backup repositories before use"))


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--configuration",
        type=Path,
        required=True,
        metavar="FILE",
        help="YAML or JSON that names tenant, folders, repositories and terms",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="where the report is written besides"
    )


def _add_preflight(parser: argparse.ArgumentParser) -> None:
    parser.description = "Checks the backup repositories, with the operator's own login."
    parser.add_argument(
        "-c",
        "--configuration",
        type=Path,
        required=True,
        metavar="FILE",
        help="YAML or JSON that names tenant, repositories and terms, as the programs read it",
    )
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.set_defaults(command=_preflight)


def _add_copy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--copy", choices=_COPIES, default="primary", help="which copy (default: %(default)s)"
    )


def _add_backup(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--group",
        choices=_GROUPS,
        default="scheduled",
        help="why it is made; a day has one scheduled backup (default: %(default)s)",
    )
    parser.set_defaults(command=_backup)


def _add_copying(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_copy)


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="remove nothing, report what would be removed"
    )
    parser.set_defaults(command=_sweep)


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--depth",
        choices=_DEPTHS,
        default="sample",
        help="the structure only, or a sample or everything of the data (default: %(default)s)",
    )
    parser.add_argument(
        "--percent",
        type=_percent,
        default=5,
        metavar="N",
        help="how much of the data is read for a sample (default: %(default)s)",
    )
    parser.set_defaults(command=_verify)


def _add_drill(parser: argparse.ArgumentParser) -> None:
    _add_copy(parser)
    parser.add_argument(
        "--recordings",
        type=_percent,
        default=3,
        metavar="N",
        help="how many recordings are restored (default: %(default)s)",
    )
    parser.set_defaults(command=_drill)


def _add_restore(parser: argparse.ArgumentParser) -> None:
    _add_copy(parser)
    parser.add_argument("--snapshot", default="", metavar="ID", help="which (default: the newest)")
    parser.add_argument(
        "--at", type=instant_or_day, metavar="INSTANT", help="the newest that is not younger"
    )
    parser.add_argument(
        "--part", action="append", choices=_PARTS, help="only this part; may be given several times"
    )
    parser.add_argument(
        "--path", default="", metavar="PATH", help="only this file, by its path within its part"
    )
    parser.add_argument(
        "--into",
        type=Path,
        metavar="FOLDER",
        help="where to, each part in a folder of its name (default: the folders in sources)",
    )
    parser.add_argument(
        "--replace", action="store_true", help="let restored files take the place of present ones"
    )
    parser.set_defaults(command=_restore)


def _percent(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]?|100", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 100")
    return int(text)


def _add_retention(parser: argparse.ArgumentParser) -> None:
    parser.description = "Shows which backups the terms keep at an instant, by which rule."
    plan = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "plan", help="explain for each snapshot whether it is kept or removed"
    )
    plan.description = "Explains for each snapshot in a file whether it is kept, and why."
    plan.add_argument(
        "--snapshots",
        type=Path,
        required=True,
        metavar="FILE",
        help='JSON, a list of {"id", "time", "group", "protected"}',
    )
    plan.add_argument(
        "--terms",
        type=Path,
        required=True,
        metavar="FILE",
        help="YAML with the effective terms, such as backup: {daily: P10D, weekly: P2M}",
    )
    plan.add_argument(
        "--at",
        type=instant_or_day,
        metavar="INSTANT",
        help="the instant to decide at, such as 2027-06-01T08:00:00Z, or a day, which stands for"
        " its beginning (default: now)",
    )
    plan.add_argument(
        "--time-zone",
        default="Europe/Paris",
        metavar="ZONE",
        help="the platform's zone, in which days and weeks are told (default: %(default)s)",
    )
    plan.add_argument("-o", "--output", choices=("text", "json"), default="text")
    plan.set_defaults(command=_retention_plan)


def _retention_plan(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.backup.configuration import ConfigurationError
    from jitsi_tenant_operator.backup.planning import calendar_of, plan_of_files
    from jitsi_tenant_operator.clock import SystemClock

    def text() -> str:
        calendar = calendar_of(options.time_zone)
        at = options.at or SystemClock().now().replace(microsecond=0)
        instant = at if isinstance(at, datetime) else calendar.start_of(at)
        as_json = options.output == "json"
        return plan_of_files(options.snapshots, options.terms, instant, calendar, as_json=as_json)

    return print_text(text, ConfigurationError)


def _preflight(options: argparse.Namespace) -> int:
    import asyncio

    from jitsi_tenant_operator.backup.configuration import ConfigurationError, read_configuration
    from jitsi_tenant_operator.backup.programs.preflight import Preflight, preflight
    from jitsi_tenant_operator.clock import SystemClock

    found: list[Preflight] = []

    def text() -> str:
        configuration = read_configuration(options.configuration)
        found.append(asyncio.run(preflight(configuration, SystemClock())))
        return found[0].json() if options.output == "json" else found[0].table()

    return print_text(text, ConfigurationError) or int(not found[0].usable)


def _backup(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.backup.programs.backup import back_up
    from jitsi_tenant_operator.backup.report import Program
    from jitsi_tenant_operator.backup.store import Group

    return _run(options, Program.BACKUP, lambda run: back_up(run, Group(options.group)))


def _copy(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.backup.programs.copying import copy
    from jitsi_tenant_operator.backup.report import Program

    return _run(options, Program.COPY, copy)


def _sweep(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.backup.programs.sweep import sweep
    from jitsi_tenant_operator.backup.report import Program

    return _run(options, Program.SWEEP, lambda run: sweep(run, dry_run=options.dry_run))


def _verify(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.backup.programs.verify import verify
    from jitsi_tenant_operator.backup.report import Program
    from jitsi_tenant_operator.backup.store import Depth

    depth = Depth(options.depth.capitalize())
    return _run(options, Program.VERIFY, lambda run: verify(run, depth, options.percent))


def _drill(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.backup.programs.drill import drill
    from jitsi_tenant_operator.backup.report import Program
    from jitsi_tenant_operator.backup.store import Copy

    copy = Copy(options.copy)
    return _run(options, Program.DRILL, lambda run: drill(run, copy, options.recordings))


def _restore(options: argparse.Namespace) -> int:
    from jitsi_tenant_operator.backup.programs.restore import Asked, restore
    from jitsi_tenant_operator.backup.report import Program
    from jitsi_tenant_operator.backup.store import Copy

    asked = Asked(
        copy=Copy(options.copy),
        parts=tuple(options.part or ()),
        into=options.into,
        snapshot=options.snapshot,
        at=options.at,
        path=options.path,
        replace=options.replace,
    )
    return _run(options, Program.RESTORE, lambda run: restore(run, asked))


def _run(options: argparse.Namespace, program: Program, work: Work) -> int:
    from jitsi_tenant_operator.backup.configuration import ConfigurationError
    from jitsi_tenant_operator.backup.programs.command import run_program
    from jitsi_tenant_operator.clock import SystemClock

    try:
        return run_program(program, options.configuration, options.report, work, SystemClock())
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return MISTAKE
