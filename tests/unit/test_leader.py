"""What only a restart can mend is told to the kubelet."""

from __future__ import annotations

import pytest

from jitsi_tenant_operator.leader import STUCK_SECONDS, why_stuck


@pytest.mark.parametrize("stuck", ["a reconcile", "the sending of a notice"])
def test_work_that_does_not_end_is_told_whichever_queue_it_is_of(stuck: str) -> None:
    running = dict.fromkeys(("a reconcile", "the sending of a notice"), STUCK_SECONDS)
    assert why_stuck(running) is None
    found = why_stuck(running | {stuck: STUCK_SECONDS + 1})
    assert found is not None
    assert found.startswith(stuck)
