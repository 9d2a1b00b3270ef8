"""The web pods: nginx with the application; stateless, as many as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jitsi_tenant_operator.api.meeting import Authentication, Guests, Resolution
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import closed, pods, probes, prosody
from jitsi_tenant_operator.render.configuration import File, file
from jitsi_tenant_operator.render.context import Source, SourceKind, TenantContext
from jitsi_tenant_operator.render.environment import Environment
from jitsi_tenant_operator.render.labels import Component

PORT = 8000
_ROOT = "/usr/share/jitsi-meet"
_PICTURES = frozenset({"gif", "jpeg", "jpg", "png", "svg", "webp"})
_WIDTHS = {Resolution.LOW: 640, Resolution.STANDARD: 1280, Resolution.HIGH: 1920}
_BUTTONS = (
    "camera",
    "chat",
    "desktop",
    "filmstrip",
    "fullscreen",
    "hangup",
    "help",
    "highlight",
    "invite",
    "microphone",
    "mute-everyone",
    "mute-video-everyone",
    "noisesuppression",
    "participants-pane",
    "profile",
    "raisehand",
    "reactions",
    "security",
    "select-background",
    "settings",
    "shareaudio",
    "shortcuts",
    "stats",
    "tileview",
    "toggle-camera",
    "videoquality",
)
"""The buttons of every tenant: none that needs a service which is not there, or a third party."""


def children(context: TenantContext) -> Iterator[JsonObject]:
    """The Deployment, Service and ConfigMap."""
    pod = _pod(context)
    configuration = pod.configuration(context)
    if configuration is not None:
        yield configuration
    yield pod.workload(
        context,
        "Deployment",
        context.child(Component.WEB.value),
        context.plan.sizes.web.replicas,
        strategy={
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        },
    )
    yield pods.service(context, Component.WEB, [pods.service_port("http", PORT)])


def logo(context: TenantContext) -> Source | None:
    """The picture that the tenant names as its logo, when its key says that it is a picture."""
    wanted = context.spec.branding.logo
    if wanted is None or _ending(wanted.key) not in _PICTURES:
        return None
    return Source(SourceKind.CONFIG_MAP, wanted.config_map, wanted.key)


def _pod(context: TenantContext) -> pods.Pod:
    shown = context.present(logo(context))
    action = closed.probe() if context.closed else probes.http("/", "http")
    return pods.Pod(
        component=Component.WEB,
        size=context.plan.sizes.web,
        environment=_environment(context),
        ports=[pods.port("http", PORT)],
        probes={
            "readinessProbe": probes.readiness(action),
            "livenessProbe": probes.liveness(action),
        },
        priority_class=context.platform.priority_classes.web,
        files=closed.web_files(_files(context, shown), context.closed),
        volumes=[] if shown is None else [pods.config_map_file(_logo_path(shown), shown)],
        sources=[] if shown is None else [shown],
        # New connections stop before nginx ends: the entry learns of a pod's end a moment late.
        pre_stop=["sleep", "10"],
        spread=True,
    )


def _environment(context: TenantContext) -> Environment:
    meetings = context.spec.meetings
    moderation = meetings.moderation
    found = (
        Environment()
        # The image compares with the number 1: any other word starts TLS of its own.
        .switch("DISABLE_HTTPS", True)
        .text("PUBLIC_URL", context.public_url)
        .text("XMPP_BOSH_URL_BASE", prosody.bosh_url(context))
        .switch("ENABLE_AUTH", context.authenticated)
        .switch("ENABLE_GUESTS", context.guests is not Guests.NONE)
        .switch("ENABLE_RECORDING", context.records)
        .switch("ENABLE_LIVESTREAMING", context.streams)
        .switch("DISABLE_LOCAL_RECORDING", True)
        .switch("ENABLE_BREAKOUT_ROOMS", meetings.breakout_rooms)
        .switch("DISABLE_POLLS", not meetings.polls)
        .switch("DISABLE_PRIVATE_CHAT", not meetings.private_messages)
        .switch("DISABLE_KICKOUT", not moderation.kick)
        .switch("ENABLE_PREJOIN_PAGE", meetings.prejoin_page)
        .switch("ENABLE_REQUIRE_DISPLAY_NAME", meetings.require_display_name)
        .switch("ENABLE_WELCOME_PAGE", context.spec.branding.welcome_page)
        .switch("ENABLE_P2P", meetings.peer_to_peer)
        .number("RESOLUTION", int(meetings.resolution))
        .number("RESOLUTION_WIDTH", _WIDTHS[meetings.resolution])
        .number("START_AUDIO_MUTED", meetings.start_audio_muted_after)
        .number("START_VIDEO_MUTED", meetings.start_video_muted_after)
    )
    for name in ("ENABLE_CALENDAR", "ENABLE_JAAS_COMPONENTS", "RTCSTATS_ENABLED"):
        found.switch(name, False)
    return found.switch("DISABLE_DEEP_LINKING", True)


def _files(context: TenantContext, shown: Source | None) -> list[File]:
    found = [
        file("/config/custom-config.js", "custom-config.js.j2", **_config(context, shown)),
        file(
            "/config/custom-interface_config.js",
            "custom-interface_config.js.j2",
            **_interface(context, shown),
        ),
        file("/config/nginx-custom/real-ip.conf", "real-ip.conf.j2"),
    ]
    text = context.spec.branding.welcome_text
    if text is not None:
        path = f"{_ROOT}/static/welcomePageAdditionalContent.html"
        found.append(file(path, "welcome.html.j2", text=text))
    return found


def _config(context: TenantContext, shown: Source | None) -> dict[str, Any]:
    meetings, jwt = context.spec.meetings, context.spec.access.jwt
    branding = context.spec.branding
    legal = {"privacy": branding.privacy_url, "terms": branding.terms_url}
    token_login = context.spec.access.authentication is Authentication.JWT and jwt is not None
    return {
        "language": meetings.language,
        "toolbar_buttons": _toolbar(context),
        "room_password_digits": meetings.room_password_digits or False,
        "end_to_end_encryption_disabled": not meetings.end_to_end_encryption,
        "knock": context.guests is Guests.LOBBY,
        "hide_lobby_button": not meetings.lobby,
        "legal_urls": {name: url for name, url in legal.items() if url is not None},
        "support_url": _support(context),
        "login_url": jwt.login_url if token_login and jwt is not None else None,
        "logo": _logo_url(shown),
    }


def _interface(context: TenantContext, shown: Source | None) -> dict[str, Any]:
    branding = context.spec.branding
    return {
        "application_name": branding.application_name,
        "provider_name": branding.provider_name or branding.application_name,
        "logo_link": branding.logo_link or "",
        "support_url": _support(context) or "",
        "welcome_text": branding.welcome_text is not None,
        "background_color": branding.background_color,
        "logo": _logo_url(shown),
    }


def _toolbar(context: TenantContext) -> list[str]:
    recording = ["recording"] if context.records else []
    livestreaming = ["livestreaming"] if context.streams else []
    return sorted([*_BUTTONS, *recording, *livestreaming])


def _support(context: TenantContext) -> str | None:
    if context.spec.branding.support_url is not None:
        return context.spec.branding.support_url
    support = context.terms.support
    return None if support is None or support.email is None else f"mailto:{support.email}"


def _ending(key: str) -> str:
    return key.rpartition(".")[2].lower()


def _logo_path(shown: Source) -> str:
    return f"{_ROOT}/images/tenant-logo.{_ending(shown.key)}"


def _logo_url(shown: Source | None) -> str | None:
    return None if shown is None else f"images/tenant-logo.{_ending(shown.key)}"
