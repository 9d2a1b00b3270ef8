"""Whether a restored file is what its name says: a video that players can open, an account.

A recording is the MP4 that Jibri's ffmpeg writes. Its boxes (ISO/IEC 14496-12) fill the file
exactly, one of them names the format and one describes the tracks: ffmpeg writes that one last, so
a file that was cut off or never finished lacks it. An account is a table in the syntax of Lua, as
Prosody's internal storage writes it.
"""

from __future__ import annotations

import re
from pathlib import Path

_VIDEOS = frozenset({".mp4", ".m4v", ".mov"})
_HEADER, _LONG_HEADER = 8, 16
_TO_THE_END, _LONG = 0, 1

_STRING = r'"(?:[^"\\]|\\.)*"'
_TOKEN = re.compile(
    rf"\s*(?:{_STRING}|--[^\n]*|[A-Za-z_]\w*|[-+]?(?:0x[0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)"
    r"|[{}\[\]=,;()])",
    re.DOTALL,
)
_CLOSING = {"}": "{", "]": "[", ")": "("}


def opens(file: Path) -> bool:
    """Whether `file` is what its name says; a file of another kind is. OSError when unreadable."""
    if file.suffix.lower() in _VIDEOS:
        return is_video(file)
    if file.suffix == ".dat":
        return is_lua_table(file.read_text(encoding="utf-8", errors="surrogateescape"))
    return True


def is_video(file: Path) -> bool:
    """Whether the boxes of an MP4 are whole, and describe its tracks."""
    kinds: list[bytes] = []
    end = file.stat().st_size
    with file.open("rb") as opened:
        at = 0
        while at < end:
            opened.seek(at)
            header = opened.read(_LONG_HEADER)
            size = int.from_bytes(header[:4])
            if size == _LONG:
                size = int.from_bytes(header[_HEADER:_LONG_HEADER])
            elif size == _TO_THE_END:
                size = end - at
            if len(header) < _HEADER or size < _HEADER or at + size > end:
                return False
            kinds.append(header[4:_HEADER])
            at += size
    return kinds[:1] == [b"ftyp"] and {b"moov", b"mdat"} <= set(kinds)


def is_lua_table(text: str) -> bool:
    """Whether `text` is `return` and one table, with brackets and strings that end."""
    at, open_brackets = 0, []
    body = text.strip()
    if not re.match(r"return\s*\{", body):
        return False
    while at < len(body):
        token = _TOKEN.match(body, at)
        if token is None:
            return False
        at = token.end()
        mark = token[0].strip()
        if mark in _CLOSING.values():
            open_brackets.append(mark)
        elif mark in _CLOSING and (not open_brackets or open_brackets.pop() != _CLOSING[mark]):
            return False
    return not open_brackets
