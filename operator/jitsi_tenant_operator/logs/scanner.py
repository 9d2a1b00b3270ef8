"""Looks for people in lines of logs: the check on what the anonymiser made, by other means.

It shares no pattern with the anonymiser. An address counts when any part of a line can be read as
one, whatever stands around it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

_NUMBERS = re.compile(rb"[0-9][0-9.]{5,}[0-9]")
_HEXADECIMAL = re.compile(rb"[0-9A-Fa-f:]+")
_AT_SIGNS = re.compile(rb"\S(?:@|%40|\\u0040)[A-Za-z0-9]")
_SIGNED_TOKEN = re.compile(rb"eyJ[\w-]{8}")
_CREDENTIAL = re.compile(rb"(?i)\bbearer\s+(?!\*)\S")
_SECRET = re.compile(
    rb"(?i)(?:password|passwd|token|jwt|secret|nick|room|jid|email|display_?name)"
    rb"(?:=|\\*\":[ ]?\\*\")(?![\s\"'*\\,;)\]}&<>|]|$)"
)
_GROUPS = 8
_LONGEST_GROUP = 4
_LONGEST_NUMBER = 3
_NUMBERS_OF_IPV4 = 4


def findings(lines: bytes) -> Iterator[int]:
    """Where in `lines` something may name a person, as offsets, in no order."""
    for pattern in (_AT_SIGNS, _SIGNED_TOKEN, _CREDENTIAL, _SECRET):
        for match in pattern.finditer(lines):
            yield match.start()
    for match in _NUMBERS.finditer(lines):
        if match[0].count(b".") >= _NUMBERS_OF_IPV4 - 1 and _has_ipv4(match[0]):
            yield match.start()
    for match in _HEXADECIMAL.finditer(lines):
        if match[0].count(b":") > 1 and _has_ipv6(match[0]):
            yield match.start()


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
        if any(len(each) > _LONGEST_GROUP for each in middle):
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
