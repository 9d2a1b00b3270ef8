"""What proves a repository usable before any tenant depends on it, whatever its driver."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """What is checked."""

    REACHABLE = "Reachable"
    """It answers, is the one that is expected, and takes the login."""
    VERSION = "Version"
    """It is of a version that is known to do what is needed."""
    TIME = "Time"
    """Its clock and its zone are those of the platform."""
    SUFFICIENT_RIGHTS = "SufficientRights"
    """The login may do what is needed."""
    NO_FURTHER_RIGHTS = "NoFurtherRights"
    """The login may do nothing that is not needed."""
    WRITABLE = "Writable"
    """Something can be made there, and removed again."""
    RETENTION = "Retention"
    """Nothing there removes what the terms promise."""
    COPIES = "Copies"
    """The off-site repository can fetch from the primary."""


class State(StrEnum):
    """What came of a check."""

    PASSED = "Passed"
    FAILED = "Failed"
    SKIPPED = "Skipped"
    """It could not be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """One check, what came of it, and for a person what was found or is to be changed."""

    check: Check
    state: State
    message: str


def passed(check: Check, message: str = "") -> Result:
    """It is as it should be."""
    return Result(check, State.PASSED, message)


def failed(check: Check, message: str) -> Result:
    """It is not as it should be."""
    return Result(check, State.FAILED, message)


def skipped(check: Check, message: str) -> Result:
    """It could not be told."""
    return Result(check, State.SKIPPED, message)


def usable(results: Iterable[Result]) -> bool:
    """Whether nothing failed, and something passed."""
    states = {result.state for result in results}
    return State.FAILED not in states and State.PASSED in states
