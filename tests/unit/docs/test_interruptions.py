"""What the documentation says of each change, whether meetings go on, is so."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from jitsi_tenant_operator.offline import render_files

if TYPE_CHECKING:
    from tests.unit.docs.conftest import Page

HEAD = "| Pods | Replaced by a change of | People notice |\n"
COMPONENTS = {"Prosody": "prosody", "Jicofo": "jicofo", "bridges": "jvb-0", "recorders": "jibri-0"}
CHANGES: dict[str, Any] = {
    "access.authentication": "Anonymous",
    "access.guests": "Open",
    "branding.applicationName": "Visio",
    "branding.supportUrl": "https://help.example.org",
    "branding.welcomePage": False,
    "contract.client.legalName": "ACME SA",
    "contract.options": ["Livestreaming"],
    "contract.payment": {"overdueSince": "2026-08-01"},
    "contract.term": "P24M",
    "host": "other.example.org",
    "media.bridges": 3,
    "meetings.breakoutRooms": False,
    "meetings.endToEndEncryption": True,
    "meetings.language": "en",
    "meetings.lobby": False,
    "meetings.maxParticipants": 20,
    "meetings.moderation.endMeeting": False,
    "meetings.moderation.firstParticipantModerates": True,
    "meetings.moderation.kick": False,
    "meetings.moderation.mediaModeration": False,
    "meetings.peerToPeer": True,
    "meetings.polls": False,
    "meetings.prejoinPage": False,
    "meetings.privateMessages": False,
    "meetings.requireDisplayName": False,
    "meetings.resolution": "1080",
    "meetings.roomPasswordDigits": 6,
    "meetings.roomPasswords": False,
    "meetings.startAudioMutedAfter": 3,
    "meetings.startVideoMutedAfter": 3,
    "recording.enabled": False,
    "recording.livestreaming": True,
    "recording.maxDuration": "PT1H",
    "recording.recorders": 2,
    "recording.resolution": "1920x1080",
    "recording.storage": "200Gi",
    "updates.policy": "Immediately",
}
WITHOUT_RECORDING = {"contract.options": {"enabled": False}}
"""What must change along with a field, or the tenant would be refused."""


def templates(body: dict[str, Any], folder: Path, samples: Path) -> dict[str, Any]:
    """The pod templates of a tenant by the name of what runs."""
    platform = yaml.safe_load((samples / "platform.yaml").read_text(encoding="utf-8"))
    platform["spec"]["storage"]["recordings"]["accessMode"] = "ReadWriteMany"
    file = folder / "tenant.yaml"
    file.write_text(yaml.safe_dump_all([body, platform]), encoding="utf-8")
    children = yaml.load_all(render_files([file]), yaml.CSafeLoader)
    return {
        child["metadata"]["name"].removeprefix("acme-"): child["spec"]["template"]
        for child in children
        if "template" in child.get("spec", {})
    }


@pytest.fixture(scope="module")
def acme(root: Path) -> dict[str, Any]:
    """The sample tenant that records, with every option."""
    text = (root / "manifests" / "samples" / "tenant-acme.yaml").read_text(encoding="utf-8")
    body: dict[str, Any] = yaml.safe_load(text)
    body["spec"]["contract"]["options"] = ["Recording", "Livestreaming"]
    return body


@pytest.fixture(scope="module")
def before(acme: dict[str, Any], root: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The pod templates of that tenant."""
    return templates(acme, tmp_path_factory.mktemp("before"), root / "manifests" / "samples")


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_replaces_the_pods_that_are_named(
    field: str,
    acme: dict[str, Any],
    before: dict[str, Any],
    pages: dict[str, Page],
    root: Path,
    tmp_path: Path,
) -> None:
    changed = deepcopy(acme)
    place = changed["spec"]
    *sections, last = field.split(".")
    for section in sections:
        place = place.setdefault(section, {})
    place[last] = CHANGES[field]
    changed["spec"]["recording"].update(WITHOUT_RECORDING.get(field, {}))
    after = templates(changed, tmp_path, root / "manifests" / "samples")
    replaced = {name for name in before.keys() & after.keys() if before[name] != after[name]}
    assert replaced - {"web"} == said(pages["docs/tenants.md"], field)


def test_only_changes_that_are_tried_are_named(pages: dict[str, Page]) -> None:
    rows = {field for row in named(pages["docs/tenants.md"]).values() for field in row}
    assert rows - {"meetings"} <= CHANGES.keys()


def said(page: Page, field: str) -> set[str]:
    """What the page says is replaced when `field` changes."""
    return {part for row, part in COMPONENTS.items() if field in named(page)[row]}


def named(page: Page) -> dict[str, list[str]]:
    """The fields that each row of the table names."""
    _, _, table = page.text.partition(HEAD)
    rows = [row.strip("|").split("|") for row in table.split("\n\n")[0].splitlines()[1:]]
    return {cells[0].strip(): re.findall(r"`([\w.]+)`", cells[1]) for cells in rows}
