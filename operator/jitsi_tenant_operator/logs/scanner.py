"""Looks for people in lines of logs: the check on what the anonymiser made, by other means.

It shares no pattern with the anonymiser. An address counts when any part of a line can be read as
one, whatever stands around it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

_NUMBERS = re.compile(rb"[0-9][0-9.]{5,}[0-9]")
_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF:")
_RUN = re.compile(rb"[0-9A-Fa-f:]+")
_MAYBE_IPV6 = re.compile(rb"::|:(?:[0-9A-Fa-f]{1,4}:){6}")
_AT_SIGNS = re.compile(rb"\S(?:@|%40|\\u0040)[A-Za-z0-9]")
_SIGNED_TOKEN = re.compile(rb"eyJ[\w-]{8}")
_CREDENTIAL = re.compile(rb"(?i)\bbearer\s+(?!\*)\S")
_VALUES = (
    re.compile(rb"=(?![\s\"'*\\,;)\]}&<>|=]|$)"),
    re.compile(rb"\":[ ]?\\*\"(?![\s\"'*\\,;)\]}&<>|]|$)"),
)
_SECRETS = (b"password", b"passwd", b"token", b"jwt", b"secret", b"nick", b"room", b"jid", b"email")
_LONGEST_SECRET = 16
_GROUPS = 8
_LONGEST_GROUP = 4
_LONGEST_NUMBER = 3
_NUMBERS_OF_IPV4 = 4


def findings(lines: bytes) -> Iterator[int]:
    """Where in `lines` something may name a person, as offsets, in no order."""
    yield from _words(lines)
    yield from _ipv4(lines)
    yield from _ipv6(lines)


def _words(lines: bytes) -> Iterator[int]:
    for pattern in (_AT_SIGNS, _SIGNED_TOKEN, _CREDENTIAL):
        for match in pattern.finditer(lines):
            yield match.start()
    for pattern in _VALUES:
        for match in pattern.finditer(lines):
            before = lines[max(0, match.start() - _LONGEST_SECRET) : match.start()]
            if before.rstrip(b"\\").lower().endswith(_SECRETS):
                yield match.start()


def _ipv4(lines: bytes) -> Iterator[int]:
    for match in _NUMBERS.finditer(lines):
        if match[0].count(b".") >= _NUMBERS_OF_IPV4 - 1 and _has_ipv4(match[0]):
            yield match.start()


def _ipv6(lines: bytes) -> Iterator[int]:
    looked = 0
    for maybe in _MAYBE_IPV6.finditer(lines):
        start = maybe.start()
        if start < looked:
            continue
        while start > looked and lines[start - 1] in _HEXADECIMAL:
            start -= 1
        run = _RUN.match(lines, maybe.start())
        looked = run.end() if run else maybe.end()
        if _has_ipv6(lines[start:looked]):
            yield maybe.start()


def _has_ipv4(run: bytes) -> bool:
    numbers = run.split(b".")
    for start in range(len(numbers) - _NUMBERS_OF_IPV4 + 1):
        first, *middle, last = numbers[start : start + _NUMBERS_OF_IPV4]
        if not first or not last or any(len(each) > _LONGEST_NUMBER for each in middle):
            continue
        # Something longer at the edges still has an address in it.
        edges = (first[-1:], *middle, last[:1])
        if _is_address(b".".join(each.lstrip(b"0") or each[:1] for each in edges)):
            return True
    return False


def _has_ipv6(run: bytes) -> bool:
    groups = run.split(b":")
    for place in range(1, len(groups) - 1):
        # Nothing between two colons stands for zeros; alone it is the address of nobody.
        if not groups[place] and (groups[place - 1] or groups[place + 1]):
            return True
    for start in range(len(groups) - _GROUPS + 1):
        first, *middle, last = groups[start : start + _GROUPS]
        if not all(0 < len(each) <= _LONGEST_GROUP for each in middle):
            continue
        if _is_address(b":".join((first[-_LONGEST_GROUP:], *middle, last[:_LONGEST_GROUP]))):
            return True
    return False


def _is_address(text: bytes) -> bool:
    try:
        ipaddress.ip_address(text.decode())
    except ValueError:
        return False
    return True
