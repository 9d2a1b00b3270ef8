"""The arguments of the commands on backups."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jitsi_tenant_operator.command_line import instant_or_day, print_text

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - its only name


def add_backup_commands(commands: Commands) -> None:
    """Add `retention`."""
    _add_retention(commands.add_parser("retention", help="show which backups are kept, and why"))


def _add_retention(parser: argparse.ArgumentParser) -> None:
    parser.description = "Shows which backups the terms keep at an instant, by which rule."
    plan = parser.add_subparsers(required=True, metavar="COMMAND").add_parser(
        "plan", help="explain for each snapshot whether it is kept or removed"
    )
    plan.description = (
        "Explains for each snapshot in a file whether it is kept or removed, and why."
    )
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
