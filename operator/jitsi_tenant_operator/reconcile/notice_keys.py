"""What a notice answers to in the ledger, and the name of the one that the operator makes. Pure."""

from __future__ import annotations

import hashlib
import re

from jitsi_tenant_operator.api.contract import Party
from jitsi_tenant_operator.api.notice import Channel, JitsiNotice, NoticeKind

_KEYS_OF_NOTICES = "Notice/"
"""How the keys begin of all actions that call for a notice; those of other actions never do."""


def notice_name(kind: NoticeKind, key: str, channel: Channel) -> str:
    """The name of the notice for an action: the same at each attempt to make it."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", kind.value).lower()
    digest = hashlib.sha256(f"{channel}/{key}".encode()).hexdigest()[:12]
    return f"{words}-{digest}"


def is_called_for_by(key: str) -> bool:
    """Whether a notice with this key follows from a decision, and was not made by a person."""
    return key.startswith(_KEYS_OF_NOTICES)


def key_of(notice: JitsiNotice) -> str:
    """The key of an action if it is the operator's notice for that, else one of the notice's own.

    The ledger holds keys of everything that is done once. A notice that somebody makes by hand
    must not pass for any of it.
    """
    spec, metadata = notice.spec, notice.metadata
    if (
        spec.key is not None
        and spec.key.startswith(_KEYS_OF_NOTICES)
        and spec.by is Party.HOST
        and spec.channel is not Channel.REGISTERED_LETTER
        and metadata.name == notice_name(spec.about, spec.key, spec.channel)
    ):
        return spec.key
    return f"{metadata.name}/{metadata.creation_timestamp}"
