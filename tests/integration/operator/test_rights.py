"""The operator's rights are exactly those that it uses, as the audit logs of all tests show."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import installation
from jitsi_tenant_operator.api.objects import GROUP
from trial.audit import AuditLog, Call

pytestmark = pytest.mark.after_all

FILES = ("clusterrole.yaml", "role.yaml")
DISCOVERY = ("/api", "/apis", "/version", "/openapi")
"""What every ServiceAccount may ask for."""
Right = tuple[str, str, str]
"""A verb, an API group, and a resource."""


@pytest.fixture
def calls(own_plane: object, whole_run: bool) -> list[Call]:
    """What the operator asked for in all tests of all workers."""
    noted = Path(os.environ["LOCALPLANE_FOLDER"]) / "audit-logs"
    logs = [AuditLog(Path(line)) for line in set(noted.read_text().split())]
    return [call for log in logs for call in log.calls()]


def granted() -> Iterator[Right]:
    """All rights of manifests/base/rbac, one by one."""
    for name in FILES:
        for body in yaml.safe_load_all((installation.RIGHTS / name).read_text()):
            for rule in body.get("rules", ()):
                yield from rights(rule)


def rights(rule: dict[str, Any]) -> Iterator[Right]:
    """The rights of one rule."""
    for group in rule["apiGroups"]:
        for resource in rule["resources"]:
            for verb in rule["verbs"]:
                yield verb, group, resource


def used(calls: list[Call]) -> set[Right]:
    """The rights that the calls needed; an apply that creates needs two."""
    found = set()
    for call in calls:
        found.add((call.verb, call.group, call.resource))
        if call.verb == "patch" and call.code == 201:
            found.add(("create", call.group, call.resource))
    return found


def test_no_call_is_denied(calls: list[Call]) -> None:
    ours = {call for call in calls if call.code == 403 and call.group == GROUP}
    assert [call for call in calls if call.denied or call in ours] == []


def test_no_call_is_made_that_is_not_granted_by_name(calls: list[Call]) -> None:
    rest = used([call for call in calls if call.resource]) - set(granted())
    assert rest == set()


def test_no_right_is_without_use(calls: list[Call], whole_run: bool) -> None:
    if not whole_run:
        pytest.skip("some tests were left out, and with them their use of rights")
    unused = set(granted()) - used(calls)
    assert unused == set()


def test_secrets_are_never_listed(calls: list[Call]) -> None:
    secrets = [call for call in calls if call.resource == "secrets"]
    assert not [call for call in secrets if call.verb == "list"]
    watches = [call for call in secrets if call.verb == "watch"]
    assert all("fieldSelector=metadata.name%3Djitsi-credentials" in call.uri for call in watches)
    if calls:
        assert watches
