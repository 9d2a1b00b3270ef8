"""Notices to a client's program: signed JSON, as Standard Webhooks has it.

The signature is HMAC-SHA-256 over identity, instant and body; a receiver tells a repetition by the
identity. See https://www.standardwebhooks.com/.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

import aiohttp
from yarl import URL

from jitsi_tenant_operator.clock import Clock
from jitsi_tenant_operator.notify.delivery import (
    Accepted,
    Deferred,
    NotDeliveredError,
    Refused,
    told,
)

MAX_BODY = 64 * 1024
"""How many bytes a body may have."""
MIN_SECRET = 24
"""How many bytes a secret has at least, as Standard Webhooks asks."""
MAX_RETRY_SECONDS = 24 * 3600
"""The longest time after which a receiver can ask to be tried again."""

_UID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_SUCCESS = range(200, 300)
_LATER = frozenset({401, 403, 407, 408, 421, 425, 429})
"""Answers below 500 that another attempt, or other credentials, can change."""


async def post(  # noqa: PLR0913 - what a request is made of
    url: str,
    body: Mapping[str, Any],
    *,
    uid: str,
    secret: bytes,
    clock: Clock,
    session: aiohttp.ClientSession,
    timeout: float = 30.0,  # noqa: ASYNC109 - of the request, which aiohttp keeps
    allow_http: bool = False,
) -> Accepted:
    """Post `body` as JSON; delivered when the receiver answers 2xx. Nothing of the answer is read.

    `uid` is the notice's, `secret` the raw key shared with the receiver, `timeout` in seconds. A
    redirect is not followed. Raises Refused for answers that say that this request is not wanted,
    Deferred for those that may change and when there is none, ValueError for an address that is
    not https (`allow_http` lets http pass), for a short secret and for a body that is too long.
    """
    address = _address(url, allow_http=allow_http)
    data = _data(body)
    headers = signed(uid, data, secret=secret, timestamp=int(clock.now().timestamp()))
    failure: NotDeliveredError
    try:
        async with session.post(
            address,
            data=data,
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=timeout),
        ) as response:
            if response.status in _SUCCESS:
                return Accepted(told(f"{response.status} {response.reason or ''}"), clock.now())
            failure = _failure(response)
            response.close()
    except TimeoutError:
        failure = Deferred(f"the receiver did not answer within {timeout:g} s")
    except aiohttp.ClientConnectorCertificateError:
        failure = Deferred("the certificate of the receiver is not valid")
    except (aiohttp.ClientError, OSError):
        failure = Deferred("the connection to the receiver failed")
    # Not from where it was caught: what was caught can quote the address, which can be a secret.
    raise failure


def signed(uid: str, data: bytes, *, secret: bytes, timestamp: int) -> dict[str, str]:
    """The headers of a request with the body `data`; `timestamp` is in seconds of Unix time.

    Raises ValueError for a uid that a header cannot hold, and for a short secret.
    """
    if _UID.fullmatch(uid) is None:
        raise ValueError("the uid of a notice has letters, digits, hyphens and underscores only")
    if len(secret) < MIN_SECRET:
        raise ValueError(f"the secret of a webhook has at least {MIN_SECRET} bytes")
    content = b".".join((uid.encode(), str(timestamp).encode(), data))
    signature = base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": uid,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def _address(url: str, *, allow_http: bool) -> URL:
    try:
        address = URL(url)
    except ValueError:
        address = URL()
    schemes = {"https", "http"} if allow_http else {"https"}
    if address.scheme not in schemes or not address.host:
        raise ValueError("the address of a webhook must be an https:// address")
    if address.user is not None or address.password is not None:
        raise ValueError("the address of a webhook must have no username and password")
    return address


def _data(body: Mapping[str, Any]) -> bytes:
    text = json.dumps(body, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    if len(text) > MAX_BODY:
        raise ValueError(f"the body of a webhook has at most {MAX_BODY} bytes")
    return text.encode()


def _failure(response: aiohttp.ClientResponse) -> NotDeliveredError:
    reason = told(f"{response.status} {response.reason or ''}")
    if response.status in _LATER or response.status >= 500:  # noqa: PLR2004 - server errors
        wait = response.headers.get("Retry-After", "")
        seconds = min(int(wait), MAX_RETRY_SECONDS) if re.fullmatch(r"[0-9]{1,9}", wait) else None
        return Deferred(reason, code=response.status, retry_after=seconds)
    return Refused(reason, code=response.status)
