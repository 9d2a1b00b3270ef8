"""The passwords that the components of one tenant know each other by.

They are made once and never again: a Secret's keys are only added to. Letters and digits alone,
since the images paste them into configuration files and shell commands as they are.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import names
from jitsi_tenant_operator.render.context import TenantContext

JICOFO = "jicofo"
BRIDGE = "jvb"
RECORDER_CONTROL = "jibri"
RECORDER_CALL = "recorder"
SALT_KEY = "salt"
"""The key of the value that digests of Secrets are made with; no component reads it."""

BACKUP_FILES = {
    "backup-key": "key",
    "backup-username": "username",
    "backup-password": "password",
}
"""The keys of the repository's key and login, each with the file that the backup programs read."""

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 32
_USABLE = re.compile(r"[!#-&(-\[\]-~]+")


class RandomSource(Protocol):
    """Where passwords come from: random.SystemRandom, or a seeded one in tests."""

    def choice(self, seq: Sequence[str], /) -> str:
        """One of `seq`, each with equal chance."""


def required_keys(context: TenantContext) -> tuple[str, ...]:
    """The keys that the Secret must have for what the tenant has now."""
    recording = (RECORDER_CONTROL, RECORDER_CALL) if context.may_record else ()
    return (SALT_KEY, JICOFO, BRIDGE, *recording)


def generate(keys: Iterable[str], random: RandomSource) -> dict[str, str]:
    """A new value for each of `keys`: 32 letters and digits, 190 bits."""
    return {key: "".join(random.choice(_ALPHABET) for _ in range(_LENGTH)) for key in keys}


def secret(context: TenantContext, values: Mapping[str, str]) -> JsonObject:
    """The Secret with `values`, to be created; it is never rendered again."""
    obj = context.object("v1", "Secret", names.CREDENTIALS, retain=True)
    obj["type"] = "Opaque"
    obj["stringData"] = dict(values)
    return obj


def problem(value: str) -> str | None:
    """Why a secret that a user brings cannot be used, without quoting it; None when it can.

    The images paste it into a Lua or saslauthd file as it is.
    """
    if not value:
        return "is empty"
    if not _USABLE.fullmatch(value):
        return (
            "holds a blank, a control character, a quote, a backslash or a letter outside ASCII;"
            " use other printable ASCII characters"
        )
    return None
