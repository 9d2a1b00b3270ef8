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
    Immutable,
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


IMMUTABLE = {
    "Deployment": ("spec.selector", 'Invalid value: {"matchLabels":{"a":"b"}}: field is immutable'),
    "StatefulSet": ("spec.serviceName", 'Invalid value: "b": field is immutable'),
    "StatefulSet before 1.37": (
        "spec",
        "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
    ),
    "Service": ("spec.clusterIPs[0]", 'Invalid value: ["None"]: may not change once set'),
    "PersistentVolumeClaim": (
        "spec",
        "Forbidden: spec is immutable after creation except resources.requests\n@@ -1,6 +1,6 @@",
    ),
    "ConfigMap": ("data", "Forbidden: field is immutable when `immutable` is set"),
}


@pytest.mark.parametrize("case", IMMUTABLE)
def test_a_field_that_cannot_be_changed_is_told_apart(case: str) -> None:
    field, message = IMMUTABLE[case]
    cause = {"reason": "FieldValueInvalid", "field": field, "message": message}
    assert type(error_of_response(422, {}, _status(422, "Invalid", causes=[cause]))) is Immutable
    secret = error_of_response(422, {}, _status(422, "Invalid", causes=[cause]), sensitive=True)
    assert type(secret) is Immutable
    assert message not in f"{secret} {secret.causes}"


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("spec.replicas", "Invalid value: -1: must be greater than or equal to 0"),
        ("metadata.uid", 'Invalid value: "u-1": field is immutable'),
    ],
)
def test_with_something_else_wrong_it_is_no_matter_of_immutable_fields_alone(
    field: str, message: str
) -> None:
    causes = [
        {"field": "spec.serviceName", "message": 'Invalid value: "b": field is immutable'},
        {"field": field, "message": message},
    ]
    assert type(error_of_response(422, {}, _status(422, "Invalid", causes=causes))) is Invalid


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
        ({"Retry-After": "0"}, {}, None),
        ({"Retry-After": "-5"}, {}, None),
        ({"Retry-After": "nan"}, {}, None),
        ({"Retry-After": "1e999"}, {}, None),
        ({}, {"retryAfterSeconds": [3]}, None),
    ],
)
def test_the_server_may_say_when_to_come_back(
    headers: dict[str, str], details: dict[str, Any], seconds: float | None
) -> None:
    error = error_of_response(429, headers, _status(429, "TooManyRequests", **details))
    assert error.retry_after == seconds


def test_what_only_looks_like_a_status_is_an_error_like_any_other() -> None:
    body = orjson.dumps({"status": "error", "details": "upstream", "message": "no upstream"})
    error = error_of_response(503, {"Retry-After": "2"}, body)
    assert type(error) is Unavailable
    assert error.retry_after == 2


@pytest.mark.parametrize("body", [b"", b"<html>Bad Gateway</html>", b"[]", b'"text"', b"\xff"])
def test_the_page_of_a_proxy_is_an_error_like_any_other(body: bytes) -> None:
    error = error_of_response(502, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, body)
    assert type(error) is Unavailable
    assert error.status == 502
    assert error.message.startswith("HTTP 502")
