"""What the pages of the acknowledgement look like, and what browsers may do with them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.contract.calendar import Calendar
from jitsi_tenant_operator.notify.wording import WORDINGS

_QUALITY = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")
_MAX_HEADER = 256


def notice(
    language: ClientLanguage,
    *,
    subject: str,
    reference: str,
    acknowledged: datetime | None,
    calendar: Calendar,
) -> web.Response:
    """The page of a notice: with a button, or with the instant at which it was acknowledged."""
    at = None if acknowledged is None else WORDINGS[language].instant(acknowledged, calendar)
    values = {"subject": subject, "reference": reference, "acknowledged": at}
    return _response(language, "acknowledgement", 200, values)


def problem(
    language: ClientLanguage,
    status: int,
    *,
    retry_after: int | None = None,
    allow: str | None = None,
) -> web.Response:
    """The page of a request that cannot be met; `retry_after` in seconds."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    if allow is not None:
        headers["Allow"] = allow
    found = _response(language, "problem", status, {"status": status})
    found.headers.update(headers)
    return found


def preferred(accepted: str, fallback: ClientLanguage) -> ClientLanguage:
    """Which of our languages a browser prefers, by its Accept-Language header (RFC 9110)."""
    best, weight = fallback, 0.0
    for item in accepted[:_MAX_HEADER].split(","):
        tag, _, parameters = item.strip().lower().partition(";")
        quality = _QUALITY.search(parameters)
        wanted = 1.0 if quality is None else float(quality[1])
        language = next((ours for ours in ClientLanguage if tag.split("-")[0] == ours), None)
        if language is not None and wanted > weight:
            best, weight = language, wanted
    return best


def _response(
    language: ClientLanguage, template: str, status: int, values: Mapping[str, object]
) -> web.Response:
    style, source = _style()
    found = _pages().get_template(f"{template}.{language}.html.j2")
    text = found.render(values, language=language, style=style)
    headers = {
        "Cache-Control": "no-store",
        # frame-ancestors: nobody can lay a page of his own over the button.
        "Content-Security-Policy": f"default-src 'none'; style-src {source}; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Vary": "Accept-Language",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


@lru_cache(maxsize=1)
def _pages() -> Environment:
    return Environment(
        loader=PackageLoader("jitsi_tenant_operator.notify", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=1)
def _style() -> tuple[str, str]:
    """The style sheet, and the source expression by which the policy lets it apply."""
    style = _pages().get_template("style.css.j2").render()
    digest = hashlib.sha256(style.encode()).digest()
    return style, f"'sha256-{base64.b64encode(digest).decode()}'"
