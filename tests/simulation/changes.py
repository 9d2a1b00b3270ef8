"""What changes in a client's file when something becomes known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from jitsi_tenant_operator.api.contract import Payment, Suspension, Termination

from .file import File, Letter, Works


def paying(since: date | None) -> Callable[[File], None]:
    """Since when a payment is overdue, or that none is."""

    def change(file: File) -> None:
        payment = Payment(overdue_since=since)
        file.contract = file.contract.model_copy(update={"payment": payment})

    return change


def setting(letter: Letter, **instants: datetime) -> Callable[[File], None]:
    """Instants of a letter."""

    def change(_: File) -> None:
        for name, at in instants.items():
            setattr(letter, name, at)

    return change


def ordering(part: str, order: dict[str, Any] | None) -> Callable[[File], None]:
    """An order to suspend, or its end."""

    def change(file: File) -> None:
        read = Suspension.model_validate({part: order})
        file.suspension = file.suspension.model_copy(update={part: getattr(read, part)})

    return change


def full(since: datetime | None) -> Callable[[File], None]:
    """Since when the volume of recordings is full, or that it is not."""
    return lambda file: setattr(file, "full_since", since)


def terminating(**fields: Any) -> Callable[[File], None]:
    """What is known of the end."""

    def change(file: File) -> None:
        read = Termination.model_validate(fields)
        update = {name: getattr(read, name) for name in read.model_fields_set}
        file.termination = file.termination.model_copy(update=update)

    return change


def renewing(until: date) -> Callable[[File], None]:
    """The last day of a renewal that was agreed, where renewals are."""

    def change(file: File) -> None:
        if file.contract.renewal.mode == "Manual":
            renewal = file.contract.renewal.model_copy(update={"renewed_until": until})
            file.contract = file.contract.model_copy(update={"renewal": renewal})

    return change


def moving(work: Works, by: timedelta) -> Callable[[File], None]:
    """A window is moved."""

    def change(_: File) -> None:
        work.start, work.end = work.start + by, work.end + by

    return change


def taking_the_bundle(at: datetime) -> Callable[[File], None]:
    """The client acknowledges its bundle."""

    def change(file: File) -> None:
        for bundle in file.bundles:
            bundle.acknowledged = at

    return change
