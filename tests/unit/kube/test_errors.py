"""Answers of the API server, as the error that tells a caller what to do."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from jitsi_tenant_operator.kube.errors import (
    AlreadyExists,
    Cause,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    KubeError,
    NotFound,
    Unauthorized,
    Unavailable,
    error_of_response,
)


def _status(code: int, reason: str = "", message: str = "m", **details: object) -> bytes:
    return orjson.dumps(
        {
            "status": "Failure",
            "code": code,
            "reason": reason,
            "message": message,
            "details": details,
        }
    )


@pytest.mark.parametrize(
    ("code", "reason", "kind", "transient"),
    [
        (400, "BadRequest", Invalid, False),
        (401, "Unauthorized", Unauthorized, False),
        (403, "Forbidden", Forbidden, False),
        (404, "NotFound", NotFound, False),
        (409, "AlreadyExists", AlreadyExists, False),
        (409, "Conflict", Conflict, True),
        (410, "Expired", Gone, True),
        (410, "Gone", Gone, True),
        (415, "UnsupportedMediaType", KubeError, False),
        (422, "Invalid", Invalid, False),
        (429, "TooManyRequests", Unavailable, True),
        (500, "InternalError", Unavailable, True),
        (503, "ServiceUnavailable", Unavailable, True),
        (504, "Timeout", Unavailable, True),
    ],
)
def test_each_answer_says_whether_trying_again_helps(
    code: int, reason: str, kind: type[KubeError], transient: bool
) -> None:
    error = error_of_response(code, {}, _status(code, reason))
    assert type(error) is kind
    assert error.transient is transient
    assert (error.status, error.reason, error.message) == (code, reason, "m")


def test_a_refused_object_names_its_fields() -> None:
    body = _status(
        422, "Invalid", causes=[{"reason": "FieldValueInvalid", "message": "bad", "field": "a.b"}]
    )
    error = error_of_response(422, {}, body)
    assert isinstance(error, Invalid)
    assert error.causes == (Cause("a.b", "bad"),)


def test_an_apply_that_does_not_fit_the_schema_is_not_worth_repeating() -> None:
    message = (
        "failed to create typed patch object (n/d; apps/v1, Kind=Deployment): .x: not declared"
    )
    assert type(error_of_response(500, {}, _status(500, "", message))) is Invalid


def test_what_the_server_quotes_from_a_secret_is_left_out() -> None:
    body = _status(
        422,
        "Invalid",
        "data[k]: Invalid value: hunter2",
        causes=[{"field": "k", "message": "hunter2"}],
    )
    error = error_of_response(422, {}, body, sensitive=True)
    assert isinstance(error, Invalid)
    assert "hunter2" not in f"{error} {error.causes}"
    assert "k" in error.message


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "7"}, {}, 7.0),
        ({"Retry-After": "7"}, {"retryAfterSeconds": 3}, 3.0),
        ({}, {}, None),
    ],
)
def test_the_server_may_say_when_to_come_back(
    headers: dict[str, str], details: dict[str, Any], seconds: float | None
) -> None:
    error = error_of_response(429, headers, _status(429, "TooManyRequests", **details))
    assert error.retry_after == seconds


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"[]", b'"text"', b"\xff"])
def test_the_page_of_a_proxy_is_an_error_like_any_other(body: bytes) -> None:
    error = error_of_response(502, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, body)
    assert type(error) is Unavailable
    assert error.status == 502
    assert error.message.startswith("HTTP 502")
