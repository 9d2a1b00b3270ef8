"""Folders as archives of a snapshot, and back: which archive holds what, and what is in it.

`proxmox-backup-client` keeps no absolute paths: each archive has a root of its own. So a snapshot
of ours also holds `folders.conf`, JSON that says which folder each archive was made of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from jitsi_tenant_operator.backup.store import StoredFile, StoreError, StoreReason

FOLDERS = "folders.conf"
"""The archive that says which folder each of the others was made of."""

_GLOB = re.compile(r"([*?\[\]\\])")
_FIRST_SURROGATE, _LAST_SURROGATE = "\udc80", "\udcff"
_CATALOG_FILE = re.compile(r'f "\./(?P<path>(?:[^"\\]|\\.)*)" (?P<size>[0-9]+)(?: .*)?')
_ESCAPE = re.compile(r"\\(?:x(?P<byte>[0-9A-Fa-f]{2})|u\{(?P<code>[0-9A-Fa-f]{1,6})\}|(?P<one>.))")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


@dataclass(frozen=True, slots=True)
class Archives:
    """The folder that each archive was made of, by the archive's name without its ending."""

    folders: Mapping[str, Path]

    @classmethod
    def of(cls, folders: Sequence[Path]) -> Archives:
        """Name an archive for each folder, after its position: names of folders may be long."""
        return cls({f"folder{number}": folder for number, folder in enumerate(folders)})

    @classmethod
    def read(cls, content: bytes) -> Archives:
        """What FOLDERS holds. Raises StoreError if it is not ours."""
        try:
            found = orjson.loads(content)
            return cls({str(name): Path(*folder) for name, folder in found.items()})
        except (ValueError, AttributeError, TypeError):
            raise StoreError(
                StoreReason.DAMAGED, f"the snapshot holds no {FOLDERS} that can be read"
            ) from None

    def encode(self) -> bytes:
        """FOLDERS as it is stored."""
        return orjson.dumps({name: list(folder.parts) for name, folder in self.folders.items()})

    def specifications(self) -> list[str]:
        """What the client is told to make: one archive of each folder."""
        return [f"{name}.pxar:{folder}" for name, folder in self.folders.items()]

    def exclusions(self, excluded: Sequence[Path]) -> list[str]:
        """The patterns that leave out those files; what is outside of all folders needs none.

        A pattern holds for every archive alike. Raises StoreError if one would leave out a file of
        another folder, too.
        """
        patterns = []
        for path in excluded:
            for folder in self.folders.values():
                if not path.is_relative_to(folder):
                    continue
                relative = path.relative_to(folder)
                others = [other for other in self.folders.values() if other != folder]
                if any(os.path.lexists(other / relative) for other in others):
                    raise StoreError(
                        StoreReason.INCOMPLETE, "a file to leave out has a namesake elsewhere"
                    )
                patterns.append(pattern(relative))
        return patterns

    def chosen(self, paths: Sequence[Path]) -> Iterator[tuple[str, Path, list[str]]]:
        """Each archive that is needed for `paths`, its folder, and the patterns to restore.

        Without paths it is all archives, and no pattern, which means all of them.
        """
        for name, folder in self.folders.items():
            whole = not paths or any(folder.is_relative_to(path) for path in paths)
            inside = [path for path in paths if path.is_relative_to(folder) and path != folder]
            if whole:
                yield name, folder, []
            elif inside:
                yield name, folder, [pattern(path.relative_to(folder)) for path in inside]

    def stored_file(self, line: bytes) -> StoredFile | None:
        """The regular file that a line of `catalog dump` lists; None for anything else."""
        match = _CATALOG_FILE.fullmatch(line.decode(errors="replace"))
        if match is None:
            return None
        archive, _, inner = _ESCAPE.sub(_unescaped, match["path"]).partition("/")
        folder = self.folders.get(archive.partition(".pxar.")[0])
        if folder is None:
            return None
        return StoredFile(f"{_shown(folder)}/{inner}", int(match["size"]))


def pattern(relative: Path) -> str:
    """A pattern for one path within an archive, from its root.

    The client takes no arguments that are not UTF-8: other bytes are left open, one for one.
    """
    escaped = _GLOB.sub(r"\\\1", str(relative))
    return "/" + "".join(
        "?" if _FIRST_SURROGATE <= letter <= _LAST_SURROGATE else letter for letter in escaped
    )


def _shown(path: Path) -> str:
    """A path as StoredFile has it: U+FFFD for each byte that is not UTF-8."""
    return "".join(
        "\ufffd" if _FIRST_SURROGATE <= letter <= _LAST_SURROGATE else letter
        for letter in str(path)
    )


def _unescaped(match: re.Match[str]) -> str:
    if match["byte"] is not None:
        code = int(match["byte"], 16)
        return chr(code) if code < 0x80 else "\ufffd"  # noqa: PLR2004 - the last of ASCII
    if match["code"] is not None:
        return chr(int(match["code"], 16))
    return _LETTERS.get(match["one"], match["one"])
