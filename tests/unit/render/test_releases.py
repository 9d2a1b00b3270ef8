"""The releases of Jitsi that can be rendered."""

from __future__ import annotations

import pytest

from jitsi_tenant_operator.render import releases


@pytest.mark.parametrize(
    ("release", "supported"),
    [
        ("stable-11146-2", True),
        ("stable-11146-10", True),
        ("stable-11147", True),
        ("stable-20000-1", True),
        ("stable-11146-1", False),
        ("stable-11146", False),
        ("stable-9999-9", False),
        ("unstable", False),
        ("latest", False),
    ],
)
def test_releases_before_the_oldest_that_works_are_refused(release: str, supported: bool) -> None:
    assert releases.is_supported(release) == supported


def test_the_oldest_release_is_described() -> None:
    found = releases.variables(releases.MINIMUM)
    assert set(found) == {"web", "prosody", "jicofo", "jvb", "jibri"}
    assert "JVB_ADVERTISE_IPS" in found["jvb"]
    assert "JICOFO_COMPONENT_SECRET" not in found["prosody"]


def test_a_release_that_is_not_described_has_no_variables() -> None:
    with pytest.raises(FileNotFoundError):
        releases.variables("stable-1")
