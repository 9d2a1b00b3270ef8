"""Where logs are: the names of files and folders on the volumes of current and archived logs.

    <current>/<tenant>/<component>-YYYY-MM-DD.log           what the collector appends to
    <current>/<tenant>/<component>-YYYY-MM-DD.log.closing   a day that is being archived
    <archives>/<tenant>/MANIFEST.jsonl                      what was archived, and what became of it
    <archives>/<tenant>/ACCESS.jsonl                        who read archives
    <archives>/<tenant>/<component>/YYYY/MM/YYYY-MM-DD.log.zst
    <archives>/<tenant>/<component>/YYYY/MM/YYYY-MM-DD.1.log.zst             what came late
    <archives>/<tenant>/<component>/YYYY/MM/YYYY-MM-DD.anonymised.log.zst

Names come from volumes that others write to, so whatever is not exactly of these forms is no log:
it is told of and otherwise left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

MANIFEST = "MANIFEST.jsonl"
ACCESS = "ACCESS.jsonl"
LOCK = ".lock"
ACCESS_LOCK = ".access.lock"
UNFINISHED = ".unfinished"
"""How the name of a file ends that is still being written; nobody reads such a file."""

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CURRENT = re.compile(
    rf"(?P<component>{_LABEL})-(?P<day>{_DAY})\.log(?P<closing>\.closing)?", re.ASCII
)
_ARCHIVE = re.compile(
    rf"(?P<component>{_LABEL})/(?P<year>[0-9]{{4}})/(?P<month>[0-9]{{2}})/(?P<day>{_DAY})"
    r"(?:\.(?P<part>[1-9][0-9]{0,5}))?(?P<anonymised>\.anonymised)?\.log\.zst",
    re.ASCII,
)


def is_label(name: str) -> bool:
    """Whether `name` can be that of a tenant or component: a label of RFC 1123."""
    return re.fullmatch(_LABEL, name, re.ASCII) is not None


@dataclass(frozen=True, slots=True, order=True)
class CurrentLog:
    """The log of one component and day that the collector writes, or wrote."""

    component: str
    day: date
    closing: bool = False
    """Whether the archiver has taken it: the collector opens it no more."""

    @property
    def name(self) -> str:
        """The name of its file in the folder of its tenant."""
        return f"{self.component}-{self.day.isoformat()}.log{'.closing' if self.closing else ''}"

    @classmethod
    def parse(cls, name: str) -> CurrentLog | None:
        """The log with this file name; None when it is not the name of one."""
        match = _CURRENT.fullmatch(name)
        day = _day(match["day"]) if match else None
        if match is None or day is None:
            return None
        return cls(match["component"], day, match["closing"] is not None)


@dataclass(frozen=True, slots=True, order=True)
class Archive:
    """One compressed file: a day of a component, or what came of it after that was archived."""

    component: str
    day: date
    part: int = 0
    anonymised: bool = False

    @property
    def path(self) -> PurePosixPath:
        """Where it is, below the folder of its tenant."""
        part = f".{self.part}" if self.part else ""
        form = ".anonymised" if self.anonymised else ""
        folder = PurePosixPath(self.component, f"{self.day.year:04}", f"{self.day.month:02}")
        return folder / f"{self.day.isoformat()}{part}{form}.log.zst"

    @classmethod
    def parse(cls, path: str) -> Archive | None:
        """The archive at this path below the folder of its tenant; None when there can be none."""
        match = _ARCHIVE.fullmatch(path)
        day = _day(match["day"]) if match else None
        if match is None or day is None:
            return None
        found = cls(
            match["component"], day, int(match["part"] or 0), match["anonymised"] is not None
        )
        return found if str(found.path) == path else None


@dataclass(frozen=True, slots=True)
class Layout:
    """The two volumes."""

    current: Path
    archives: Path

    def raw(self, tenant: str, log: CurrentLog) -> Path:
        """The file of a current log."""
        return self.current / tenant / log.name

    def archive(self, tenant: str, archive: Archive) -> Path:
        """The file of an archive."""
        return self.archives / tenant / archive.path

    def manifest(self, tenant: str) -> Path:
        """What says of each day of a tenant what was archived, and what became of it."""
        return self.archives / tenant / MANIFEST

    def access(self, tenant: str) -> Path:
        """What says who read the archives of a tenant."""
        return self.archives / tenant / ACCESS

    def access_lock(self, tenant: str) -> Path:
        """What one program at a time holds to add to that."""
        return self.archives / tenant / ACCESS_LOCK

    def lock(self, tenant: str) -> Path:
        """What one program at a time holds to change anything of a tenant."""
        return self.archives / tenant / LOCK


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
