"""A report fits what Kubernetes keeps of a termination message, and says what it left out."""

from __future__ import annotations

import orjson
import pytest
from tests.unit.logs.conftest import paris

from jitsi_tenant_operator.logs.report import (
    Finding,
    Head,
    RunReport,
    TenantReport,
    Trouble,
    termination_message,
)

WRONG = Finding(trouble=Trouble.NOT_EXPIRED, component="jvb", message="w" * 200)


def report(good: int, bad: int) -> RunReport:
    head = Head(number=12345, digest="a" * 64)
    tenants = [TenantReport(tenant=f"good-{n}", head=head, archived=5) for n in range(good)]
    tenants += [
        TenantReport(tenant=f"bad-{n}", head=head, findings=(WRONG,) * 4) for n in range(bad)
    ]
    return RunReport(at=paris("2026-11-25 00:30"), version="1.0", tenants=tuple(tenants))


@pytest.mark.parametrize(("good", "bad"), [(1, 0), (20, 0), (10, 10), (5000, 3), (0, 5000)])
def test_it_fits_and_says_how_many_tenants_are_left_out(good: int, bad: int) -> None:
    message = termination_message(report(good, bad))
    assert len(message) <= 4096
    found = orjson.loads(message)
    assert len(found["tenants"]) + found.get("left", 0) == good + bad


def test_tenants_with_trouble_come_before_those_without() -> None:
    found = orjson.loads(termination_message(report(5000, 3)))
    assert [tenant["tenant"] for tenant in found["tenants"][:3]] == ["bad-0", "bad-1", "bad-2"]


def test_a_small_report_is_whole() -> None:
    found = orjson.loads(termination_message(report(1, 1)))
    assert found["tenants"][1]["findings"][0]["message"] == "w" * 200
    assert "left" not in found
