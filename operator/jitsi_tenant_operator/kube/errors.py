"""What can go wrong in a request to the API server, sorted by what a caller can do about it."""

from __future__ import annotations

import math

# ruff: noqa: N818 - the classes bear the API's own names of these answers
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

import orjson

from jitsi_tenant_operator.api.objects import ObjectRef

_SCHEMA_ERROR = "failed to create typed patch object"
_IMMUTABLE = (
    "immutable",
    "may not change once set",
    "updates to statefulset spec for fields other than",
)
"""What the API server says of a field that keeps its value as long as the object is there: of most
fields, of those of a Service that it allocates, and (before 1.37) of all of a StatefulSet."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason of a refusal: the path of the field, and what is wrong with it."""

    field: str
    message: str

    @property
    def immutable(self) -> bool:
        """Whether the field cannot be changed, to whatever value.

        A uid that differs does not count: it is sent as a precondition, not as a change.
        """
        return self.field != "metadata.uid" and any(text in self.message for text in _IMMUTABLE)


class KubeError(Exception):
    """A request failed. `status` is the HTTP status, None when no answer came."""

    transient: ClassVar[bool] = False
    """Whether the same request may succeed later although nobody changes anything."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        reason: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason or type(self).__name__
        self.retry_after = retry_after


class NotFound(KubeError):
    """404: no such object, or the kind is not served."""


class AlreadyExists(KubeError):
    """409 on creation: the name is taken."""


class Conflict(KubeError):
    """409: a precondition does not hold (resourceVersion, uid), or a field has another owner."""

    transient = True


class Unauthorized(KubeError):
    """401: the credentials are not accepted, also after they were loaded again."""


class Forbidden(KubeError):
    """403: a right is missing, or an admission plug-in (a quota) refuses."""


class Gone(KubeError):
    """410: the resourceVersion or the continue token is too old; list again."""

    transient = True


class Unavailable(KubeError):
    """429, 5xx, a time-out or a broken connection: nothing is wrong with the request."""

    transient = True


class SilentStream(Unavailable):
    """A watch showed no sign of life, not even a bookmark."""


class Invalid(KubeError):
    """The server cannot accept the object as it is (400, 422, schema errors of an apply)."""

    def __init__(self, message: str, *, causes: tuple[Cause, ...] = (), **rest: Any) -> None:
        super().__init__(message, **rest)
        self.causes = causes


class Immutable(Invalid):
    """422: nothing is wrong with the object, but for fields that cannot be changed."""


class NameTaken(KubeError):
    """An object that is not the owner's child has the name of one.

    `holder` says in one line whose it is. `leaving` tells that it is being deleted, so that
    trying again later helps; otherwise a person must rename or delete something.
    """

    def __init__(self, ref: ObjectRef, holder: str, *, leaving: bool = False) -> None:
        super().__init__(f"{ref} exists already: {holder}", status=409)
        self.ref = ref
        self.holder = holder
        self.leaving = leaving


class ClientClosed(KubeError):
    """The client was closed; it makes no more requests."""


class CacheNotSynced(KubeError):
    """What is known of the children is not complete yet, so nothing may be pruned."""

    transient = True


_REFUSED = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
_BY_STATUS: dict[int, type[KubeError]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    429: Unavailable,
}


def error_of_response(
    status: int, headers: Mapping[str, str], body: bytes, *, sensitive: bool = False
) -> KubeError:
    """The error for an HTTP answer; `body` is a `Status` object, or any text of a proxy.

    `sensitive` leaves out what the server quotes from the object (kinds with secret data).
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or "status" not in answer:
        answer = {"message": f"HTTP {status}: {body[:200].decode(errors='replace').strip()}"}
    error = error_of_status({**answer, "code": status}, sensitive=sensitive)
    if error.retry_after is None:
        error.retry_after = _seconds(headers.get("Retry-After"))
    return error


def error_of_status(status: Mapping[str, Any], *, sensitive: bool = False) -> KubeError:
    """The error for a `Status` object (metav1), as in answers and in ERROR events of watches."""
    code = int(status.get("code") or 0)
    reason = str(status.get("reason") or "")
    message = str(status.get("message") or reason or f"HTTP {code}")
    details = status.get("details")
    if not isinstance(details, Mapping):
        details = {}
    retry_after = _seconds(details.get("retryAfterSeconds"))
    causes = tuple(
        Cause(str(c.get("field", "")), str(c.get("message", "")))
        for c in details.get("causes") or ()
    )
    immutable = bool(causes) and all(cause.immutable for cause in causes)
    failed = code >= HTTPStatus.INTERNAL_SERVER_ERROR or code == 0
    if sensitive and (failed or code in _REFUSED):
        causes = tuple(Cause(c.field, "refused") for c in causes)
        fields = ", ".join(sorted({c.field for c in causes}))
        message = f"{reason or code}: {fields or 'the object'} refused (text withheld)"
    # An apply that does not fit the schema is answered with a bare 500, yet it never succeeds.
    schema_error = failed and _SCHEMA_ERROR in str(status.get("message"))
    if code in _REFUSED or schema_error:
        refusal = Immutable if immutable else Invalid
        return refusal(message, causes=causes, status=code, reason=reason or "Invalid")
    kind = _BY_STATUS.get(code, Unavailable if failed else KubeError)
    if reason == "AlreadyExists":
        kind = AlreadyExists
    elif reason == "Expired":
        kind = Gone
    return kind(message, status=code, reason=reason, retry_after=retry_after)


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value) if value else math.nan
    except (TypeError, ValueError):
        return None
    # What is no number compares as false.
    return seconds if 0.0 < seconds < math.inf else None
