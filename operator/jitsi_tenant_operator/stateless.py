"""kopf's two storages, for an operator in which kopf remembers nothing.

kopf works out for each event what has changed since the last one that it handled, although only
handlers of changes need that, and there are none. With what it uses by default this is half of its
work. These say that nothing was ever stored, and store nothing.
"""

from __future__ import annotations

from typing import Any

import kopf


class NoDiffBase(kopf.DiffBaseStorage):
    """Keeps no last handled state, and finds none."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing of the object is compared."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        """There is none."""

    def store(self, **_: Any) -> None:
        """Nothing is kept."""


class NoProgress(kopf.ProgressStorage):
    """Keeps no progress of handlers, and finds none."""

    def fetch(self, **_: Any) -> None:
        """There is none."""

    def store(self, **_: Any) -> None:
        """Nothing is kept."""

    def purge(self, **_: Any) -> None:
        """There is nothing to remove."""

    def touch(self, **_: Any) -> None:
        """Nothing is written to an object to be called again."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """There is nothing in it to remove."""
        return essence
