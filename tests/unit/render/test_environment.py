"""The variables of Jitsi containers: only those that the images read, and those that must agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import TenantContext, releases

if TYPE_CHECKING:
    from tests.unit.render.conftest import MakeContext

TELEPHONY = re.compile(r"JIGASI|SIP|DIAL|CONFCODE|PHONE|TRANSCRI", re.IGNORECASE)
THIRD_PARTIES = re.compile(
    r"AMPLITUDE|ANALYTICS|MATOMO|GOOGLE|MICROSOFT|DROPBOX|SENTRY|ETHERPAD|WHITEBOARD|JAAS_APP"
    r"|STUN_SERVERS|STUN_HOST|TURN|BRANDING_URL|BRANDING_DATA|CALENDAR_|INVITE|PEOPLE"
)


def containers(context: TenantContext) -> Iterator[tuple[str, JsonObject]]:
    """Each container of a tenant, with the component whose image it runs."""
    for body in render.tenant(context).values():
        template = body.get("spec", {}).get("template")
        if template is not None:
            # What stands beside a component does not run its image's own program.
            for container in template["spec"]["containers"][:1]:
                yield container["image"].rsplit("/", 1)[1].split(":")[0], container


def variables(container: JsonObject) -> dict[str, str]:
    """The variables of a container; those taken from elsewhere without their value."""
    return {each["name"]: each.get("value", "") for each in container["env"]}


def rendered(context: TenantContext) -> dict[str, dict[str, str]]:
    """The variables by component; of bridges and recorders, those of the last."""
    return {component: variables(container) for component, container in containers(context)}


def test_the_images_read_every_variable_that_is_set(case: tuple[str, TenantContext]) -> None:
    known = releases.variables(case[1].release)
    for component, container in containers(case[1]):
        found = variables(container)
        used = set(re.findall(r"\$\(([A-Z_]+)\)", "".join(found.values())))
        assert set(found) - set(known[component]) <= used, component


def test_no_variable_is_set_twice(case: tuple[str, TenantContext]) -> None:
    for _, container in containers(case[1]):
        found = [each["name"] for each in container["env"]]
        assert len(found) == len(set(found))


def test_the_list_says_where_each_variable_was_found() -> None:
    for release in [releases.MINIMUM]:
        for component, found in releases.variables(release).items():
            for name, place in found.items():
                assert re.fullmatch(r"[A-Z][A-Z0-9_]+", name)
                assert place.startswith(f"{component}/rootfs/") or ":" in place


def test_there_is_no_telephony_whatever_the_input(case: tuple[str, TenantContext]) -> None:
    for component, found in rendered(case[1]).items():
        assert not [name for name in found if TELEPHONY.search(name)], component


def test_no_third_party_is_named(case: tuple[str, TenantContext]) -> None:
    for component, found in rendered(case[1]).items():
        assert not [name for name in found if THIRD_PARTIES.search(name)], component
        # The recorder's flags keep its browser from calling home.
        texts = [value for name, value in found.items() if name != "CHROMIUM_FLAGS"]
        assert not re.search(r"jitsi\.(net|org)|8x8|google|youtube|gravatar", "".join(texts))


def test_bridges_ask_no_stun_server(contexts: dict[str, TenantContext]) -> None:
    for name in ("minimal", "load-balancer", "host-port"):
        assert rendered(contexts[name])["jvb"]["JVB_DISABLE_STUN"] == "1"


def test_browsers_ask_no_foreign_stun_server(contexts: dict[str, TenantContext]) -> None:
    # Without a list of its own, the application falls back on one of 8x8.
    for context in contexts.values():
        script = next(
            body["data"]["custom-config.js"]
            for body in render.tenant(context).values()
            if "custom-config.js" in body.get("data", {})
        )
        assert "config.p2p.stunServers = [];" in script
        assert "config.disableThirdPartyRequests = true;" in script


AGREEING = {
    "PUBLIC_URL": {"web", "prosody", "jibri"},
    "ENABLE_AUTH": {"web", "prosody", "jicofo"},
    "AUTH_TYPE": {"prosody", "jicofo"},
    "ENABLE_GUESTS": {"web", "prosody"},
    "ENABLE_RECORDING": {"web", "prosody", "jicofo"},
    "ENABLE_OCTO": {"jicofo", "jvb"},
    "ENABLE_BREAKOUT_ROOMS": {"web", "prosody"},
    "DISABLE_POLLS": {"web", "prosody"},
    "XMPP_SERVER": {"jicofo", "jvb", "jibri"},
}
"""Variables that several components read and must read alike."""


@pytest.mark.parametrize("name", sorted(AGREEING))
def test_components_agree(case: tuple[str, TenantContext], name: str) -> None:
    found = rendered(case[1])
    wanted = {each: found[each].get(name) for each in AGREEING[name] if each in found}
    assert len(set(wanted.values())) == 1, wanted


def test_xmpp_domains_are_the_same_for_every_tenant(case: tuple[str, TenantContext]) -> None:
    for found in rendered(case[1]).values():
        assert not [name for name in found if re.fullmatch(r"XMPP_.*DOMAIN", name)]


def test_the_relay_has_a_region_and_an_identity_that_is_its_own(
    contexts: dict[str, TenantContext],
) -> None:
    found = rendered(contexts["everything-on"])
    assert found["jvb"]["JVB_OCTO_REGION"] == found["jicofo"]["JICOFO_OCTO_REGION"]
    assert found["jicofo"]["OCTO_BRIDGE_SELECTION_STRATEGY"]
    for component, container in containers(contexts["everything-on"]):
        if component == "jvb":
            identity = next(e for e in container["env"] if e["name"] == "JVB_OCTO_RELAY_ID")
            assert identity["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


@pytest.mark.parametrize(
    ("authentication", "extra", "kind"),
    [
        ("Internal", {}, "internal"),
        ("JWT", {"jwt": {"appId": "a", "keyServer": "https://keys.example/"}}, "jwt"),
        ("LDAP", {"ldap": {"url": "ldaps://ldap.example", "base": "dc=example"}}, "ldap"),
    ],
)
@pytest.mark.parametrize("guests", ["None", "Lobby", "Open"])
def test_each_way_in(
    make: MakeContext, authentication: str, extra: dict[str, object], kind: str, guests: str
) -> None:
    access = {"authentication": authentication, "guests": guests, **extra}
    found = rendered(make({"access": access}))
    assert found["prosody"]["ENABLE_AUTH"] == "1"
    assert found["prosody"]["AUTH_TYPE"] == kind
    assert found["prosody"]["ENABLE_GUESTS"] == ("0" if guests == "None" else "1")
    waiting = "lobby_autostart" in found["prosody"].get("XMPP_MUC_MODULES", "")
    assert waiting == (guests == "Lobby")


def test_nobody_waits_where_nobody_could_let_them_in(make: MakeContext) -> None:
    found = rendered(make({"access": {"authentication": "Anonymous", "guests": "Lobby"}}))
    assert found["prosody"]["ENABLE_AUTH"] == "0"
    assert found["prosody"]["ENABLE_GUESTS"] == "0"
    assert "XMPP_MUC_MODULES" not in found["prosody"]


def test_accounts_and_recorders_pass_the_waiting_room(make: MakeContext) -> None:
    setting = rendered(make(recording=True))["prosody"]["XMPP_CONFIGURATION"]
    assert '"meet.jitsi"' in setting
    assert '"hidden.meet.jitsi"' in setting
    # The image splits this variable at commas.
    assert "," not in setting


def test_limits_of_a_room_stay_within_the_plan(make: MakeContext) -> None:
    plan = {"capacity": {"participants": 50}}
    for wanted, given in ((None, "50"), (20, "20"), (500, "50")):
        meetings = {} if wanted is None else {"maxParticipants": wanted}
        found = rendered(make({"meetings": meetings}, plan=plan))
        assert found["prosody"]["MAX_PARTICIPANTS"] == given
