"""What visitors are shown in place of meetings while a tenant's service is suspended or disabled.

The tenant's own web pods answer every request with it. Visitors are third parties: the page never
says why a service is suspended. Texts go into the pages alone, escaped; the nginx file holds
nothing but words of this module and an instant.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import format_datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jitsi_tenant_operator.api.contract import ClientLanguage
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.api.tenant import JitsiTenantSpec
from jitsi_tenant_operator.api.terms import SupportTerms
from jitsi_tenant_operator.render import probes
from jitsi_tenant_operator.render.closed_words import LANGUAGES, ClosedReason, Language
from jitsi_tenant_operator.render.configuration import File, file

__all__ = ["FOLDER", "HEALTH", "Closed", "ClosedReason", "files", "probe", "web_files"]

FOLDER = "/config/nginx-custom"
"""Where the files are mounted: the image includes what ends in .conf there, and nothing else."""
HEALTH = "/closed/health"
"""The one path that is answered with 200 while the service is closed."""
_LANGUAGES = tuple(each.value for each in ClientLanguage)
_WEIGHTS = (
    # Weights from the least to the greatest; a language without one has the weight 1.
    r";\s*q=0[.]0[0-9]*[1-9][0-9]*",
    *(rf";\s*q=0[.]{tenth}[0-9]*" for tenth in range(1, 10)),
    r"(?:;\s*q=1(?:[.]0*)?)?",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What a closed service tells its visitors.

    `until` is the aware instant at which people can meet again, or for the first time; None when
    it is not known. `retrieval_until` is the last day on which the client of a contract that ended
    can retrieve its data. `language` is that of the client, for browsers that ask for none of the
    languages of the page; `time_zone` a name of the IANA database, whose clocks are told.
    """

    reason: ClosedReason
    application_name: str
    provider_name: str | None = None
    until: datetime | None = None
    retrieval_until: date | None = None
    support_email: str | None = None
    support_telephone: str | None = None
    support_hours: str | None = None
    language: ClientLanguage = ClientLanguage.FRENCH
    time_zone: str = "Europe/Paris"

    @classmethod
    def of(
        cls,
        spec: JitsiTenantSpec,
        support: SupportTerms | None,
        time_zone: str,
        reason: ClosedReason,
        *,
        until: datetime | None = None,
        retrieval_until: date | None = None,
    ) -> Closed:
        """What the service of a tenant tells; `support` is that of its effective terms."""
        support = support or SupportTerms()
        return cls(
            reason=reason,
            application_name=spec.branding.application_name,
            provider_name=spec.branding.provider_name,
            until=until,
            retrieval_until=retrieval_until,
            support_email=support.email,
            support_telephone=support.phone,
            support_hours=support.hours,
            language=spec.contract.client.language,
            time_zone=time_zone,
        )

    @property
    def name(self) -> str:
        """The name under which people know the service, with that of its provider."""
        provider = self.provider_name
        if provider is None or provider in self.application_name:
            return self.application_name
        return f"{self.application_name} ({provider})"


@dataclass(frozen=True, slots=True)
class _Contact:
    label: str
    text: str
    address: str | None = None


def files(closed: Closed) -> list[File]:
    """The nginx file that closes the server, and a page in each language."""
    return [_nginx(closed), *(_page(closed, language) for language in ClientLanguage)]


def web_files(open_files: Iterable[File], closed: Closed | None) -> list[File]:
    """The files of the web pods: those of an open service, and `files` while it is closed."""
    return [*open_files, *(files(closed) if closed is not None else ())]


def probe() -> JsonObject:
    """The action that tells whether a closed web pod works; any other path is answered with 503.

    It succeeds only where nginx runs with the file of `files`, as long as the container port is
    called http.
    """
    return probes.http(HEALTH, "http")


def _nginx(closed: Closed) -> File:
    until = closed.until
    return file(
        f"{FOLDER}/closed.conf",
        "closed.conf.j2",
        folder=FOLDER,
        health=HEALTH,
        language=closed.language.value,
        languages=_LANGUAGES,
        weights=_WEIGHTS,
        style_hash=_style_hash(),
        # RFC 9110, section 10.2.3: a count of seconds would be wrong a second later.
        retry_after=None if until is None else format_datetime(until.astimezone(UTC), usegmt=True),
    )


def _style_hash() -> str:
    """The digest of what is in the style element, as Content-Security-Policy has it."""
    style = file("", "closed.css.j2").content
    return base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _page(closed: Closed, code: ClientLanguage) -> File:
    language, until = LANGUAGES[code], closed.until
    contacts = _contacts(closed, language)
    return file(
        f"{FOLDER}/closed.{code.value}.html",
        "closed.html.j2",
        language=code.value,
        name=closed.name,
        title=language.titles[closed.reason],
        sentences=language.sentences(
            closed.reason,
            None if until is None else until.astimezone(ZoneInfo(closed.time_zone)),
            closed.retrieval_until,
            has_contact=bool(contacts),
        ),
        contact_heading=language.contact,
        contacts=contacts,
    )


def _contacts(closed: Closed, language: Language) -> list[_Contact]:
    contacts = []
    if closed.support_email is not None:
        address = f"mailto:{quote(closed.support_email, safe='@')}"
        contacts.append(_Contact(language.email, closed.support_email, address))
    if closed.support_telephone is not None:
        address = _telephone(closed.support_telephone)
        contacts.append(_Contact(language.telephone, closed.support_telephone, address))
    if contacts and closed.support_hours is not None:
        contacts.append(_Contact(language.hours, closed.support_hours))
    return contacts


def _telephone(written: str) -> str:
    """A telephone number as RFC 3966 has it; the (0) of an international one is not dialled."""
    dialled = written.replace("(0)", "") if written.startswith("+") else written
    sign = "+" if written.startswith("+") else ""
    return f"tel:{sign}{re.sub(r'[^0-9]', '', dialled)}"
