"""Made-up values for each kind of notice, to try templates with: all options, and none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

from jitsi_tenant_operator.api.contract import RecordingSuspensionReason, SuspensionReason
from jitsi_tenant_operator.api.notice import Breach, NoticeKind
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.contract.decision import EndCause
from jitsi_tenant_operator.notify.matter import ErasedData, Matter, Support, Window

ACKNOWLEDGE_URL = "https://notices.hosting.example/acknowledge/tenant-acme/example/token"
"""Where a sample is acknowledged."""

_START = datetime(2027, 3, 2, 21, 0, tzinfo=UTC)
_OPTIONS: dict[NoticeKind, dict[str, tuple[Any, ...]]] = {
    NoticeKind.FORMAL_NOTICE: {
        "breach": tuple(Breach),
        "remedy": ("P30D",),
        "overdue_since": (date(2027, 1, 31),),
    },
    NoticeKind.LATE_PAYMENT: {
        "overdue_since": (date(2027, 1, 31),),
        "suspension_after": ("P15D", None),
    },
    NoticeKind.SUSPENSION: {
        "reasons": (*((reason,) for reason in SuspensionReason), tuple(SuspensionReason)),
        "overdue_since": (date(2027, 1, 31),),
        "since": (_START,),
        "until": (datetime(2027, 3, 5, 8, 30, tzinfo=UTC),),
    },
    NoticeKind.RESUMPTION: {"since": (_START,)},
    NoticeKind.RECORDING_SUSPENDED: {
        "reasons": (
            *((reason,) for reason in RecordingSuspensionReason),
            tuple(RecordingSuspensionReason),
        ),
        "since": (_START,),
        "until": (datetime(2027, 3, 5, 8, 30, tzinfo=UTC),),
    },
    NoticeKind.RECORDING_RESUMED: {"since": (_START,)},
    NoticeKind.RENEWAL_AHEAD: {
        "last_day": (date(2027, 5, 31),),
        "renewed_until": (date(2028, 5, 31),),
        "decline_by": (
            datetime(2027, 3, 31, 22, 0, tzinfo=UTC),
            datetime(2027, 2, 28, 23, 0, tzinfo=UTC),
        ),
    },
    NoticeKind.END_AHEAD: {
        "last_day": (date(2027, 5, 31),),
        "cause": tuple(EndCause),
        "retrieve_until": (datetime(2027, 6, 15, 22, 0, tzinfo=UTC),),
        "retrieve_url": ("https://meet.acme.example/recordings",),
        "erase_by": (datetime(2027, 6, 30, 22, 0, tzinfo=UTC),),
    },
    NoticeKind.ENDED: {
        "last_day": (date(2027, 2, 28),),
        "since": (datetime(2027, 2, 28, 13, 30, tzinfo=UTC),),
        "cause": tuple(EndCause),
        "retrieve_until": (datetime(2027, 3, 15, 23, 0, tzinfo=UTC),),
        "retrieve_url": ("https://meet.acme.example/recordings",),
        "erase_by": (datetime(2027, 3, 30, 22, 0, tzinfo=UTC),),
    },
    NoticeKind.MAINTENANCE: {
        "window": tuple(
            Window(_START, end, emergency, suspends)
            for end in (
                datetime(2027, 3, 2, 22, 30, tzinfo=UTC),
                datetime(2027, 3, 3, 3, 0, tzinfo=UTC),
            )
            for emergency in (False, True)
            for suspends in (False, True)
        )
    },
    NoticeKind.INCIDENT: {
        "since": (_START,),
        "until": (datetime(2027, 3, 3, 10, 0, tzinfo=UTC),),
        "force_majeure": (False, True),
    },
    NoticeKind.INCIDENT_OVER: {
        "since": (_START,),
        "until": (datetime(2027, 3, 3, 10, 0, tzinfo=UTC),),
        "force_majeure": (False, True),
    },
    NoticeKind.ERASURE_DONE: {
        "erased": tuple(ErasedData),
        "erased_at": (_START,),
        "backups_until": (datetime(2027, 5, 12, 22, 0, tzinfo=UTC),),
        "certificate": ("CERT-2027-0042",),
    },
}
"""The values that letters of a kind speak of, besides those that all letters have."""

_BARE = Matter(
    provider="Hébergeur Exemple SAS",
    client="ACME SAS",
    reference="DC-2026-0142",
    host="meet.acme.example",
    created=datetime(2027, 3, 1, 9, 0, tzinfo=UTC),
    calendar=Calendar.of("Europe/Paris"),
)
_FULL = replace(
    _BARE,
    support=Support(
        "support@hosting.example", "+33 1 23 45 67 89", "9:00-18:00, Monday to Friday", "PT4H"
    ),
    clause="13.2",
    document="Conditions générales de service du 19 mai 2026",
    note="La salle réunion-du-lundi est concernée.\nVoir notre message du 12 février.",
)


def samples(kind: NoticeKind) -> tuple[Matter, ...]:
    """Matters for every way in which a letter of `kind` can turn out, the barest of them last."""
    options = _OPTIONS[kind]
    full = [
        replace(_FULL, **dict(zip(options, chosen, strict=True)))
        for chosen in product(*options.values())
    ]
    return tuple(dict.fromkeys((*full, *(_without_options(matter) for matter in full))))


def _without_options(matter: Matter) -> Matter:
    kept = ("breach", "remedy", "last_day", "window", "erased", "reasons", "overdue_since")
    return replace(_BARE, **{name: getattr(matter, name) for name in kept})
