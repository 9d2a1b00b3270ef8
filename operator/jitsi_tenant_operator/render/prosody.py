"""Prosody, the XMPP server: exactly one, in a StatefulSet, so that there are never two at once."""

from __future__ import annotations

from collections.abc import Iterator

from jitsi_tenant_operator.api.meeting import Authentication, Guests
from jitsi_tenant_operator.api.objects import JsonObject
from jitsi_tenant_operator.render import credentials, names, pods, probes, volume_claims
from jitsi_tenant_operator.render.configuration import File, file
from jitsi_tenant_operator.render.context import Source, SourceKind, TenantContext
from jitsi_tenant_operator.render.environment import Environment
from jitsi_tenant_operator.render.labels import Component

XMPP_PORT = 5222
HTTP_PORT = 5280
DOMAIN = "meet.jitsi"
"""The XMPP domain of accounts, private to each tenant's own Prosody; the images' default."""
HIDDEN_DOMAIN = "hidden.meet.jitsi"
"""The XMPP domain of recorders; the images' default."""

_TYPES = {
    Authentication.INTERNAL: "internal",
    Authentication.JWT: "jwt",
    Authentication.LDAP: "ldap",
}
_DATA = "/var/lib/prosody/data"
_CERTIFICATE_AUTHORITY = "/etc/directory/ca.crt"
_NO_ROOM_PASSWORDS = "room_passwords_off"


def children(context: TenantContext) -> Iterator[JsonObject]:
    """The StatefulSet, its Service and, where it has files, its ConfigMap."""
    pod = _pod(context)
    configuration = pod.configuration(context)
    if configuration is not None:
        yield configuration
    name = context.child(Component.PROSODY.value)
    yield pod.workload(
        context,
        "StatefulSet",
        name,
        int(context.conducting),
        serviceName=name,
        # Else a pod that never became ready would be waited for, and no correction replace it.
        podManagementPolicy="Parallel",
    )
    ports = [pods.service_port("xmpp", XMPP_PORT), pods.service_port("http", HTTP_PORT)]
    yield pods.service(context, Component.PROSODY, ports)


def bosh_url(context: TenantContext) -> str:
    """Where the web pods pass on what browsers send to Prosody."""
    return f"http://{context.service_name(Component.PROSODY)}:{HTTP_PORT}"


def authentication(context: TenantContext, found: Environment) -> Environment:
    """Add what Prosody and Jicofo must know alike of authentication."""
    found.switch("ENABLE_AUTH", context.authenticated)
    if context.authenticated:
        # The directory service starts only where AUTH_TYPE itself says so.
        found.text("AUTH_TYPE", _TYPES[context.spec.access.authentication])
    return found


def certificate_authority(context: TenantContext) -> Source | None:
    """The certificates that the tenant's directory is checked against, when it names its own."""
    ldap = context.spec.access.ldap
    if ldap is None or ldap.certificate_authority is None:
        return None
    given = ldap.certificate_authority
    return Source(SourceKind.CONFIG_MAP, given.name, given.key)


def _pod(context: TenantContext) -> pods.Pod:
    volumes = _data(context)
    authority = context.present(certificate_authority(context))
    if authority is not None:
        volumes.append(pods.config_map_file(_CERTIFICATE_AUTHORITY, authority))
    return pods.Pod(
        component=Component.PROSODY,
        size=context.plan.sizes.prosody,
        environment=_environment(context),
        ports=[pods.port("xmpp", XMPP_PORT), pods.port("http", HTTP_PORT)],
        probes={
            # /health answers the pod itself alone, and fails as a whole for one failed module.
            "readinessProbe": probes.readiness(probes.http("/http-bind", "http")),
            "livenessProbe": probes.liveness(probes.tcp("xmpp")),
        },
        priority_class=context.platform.priority_classes.media,
        files=_files(context),
        volumes=volumes,
        sources=[] if authority is None else [authority],
    )


def _data(context: TenantContext) -> list[pods.Volume]:
    """Where Prosody writes. Only people's accounts last.

    The components' own accounts are made anew at each start, from the passwords of that moment: an
    account that is there already would keep its old password. Each level is a volume, since the
    runtime makes directories for mounts that Prosody could not write in.
    """
    passing = {"emptyDir": {"sizeLimit": "256Mi"}}
    volumes = [pods.Volume("data", "/var/lib/prosody", passing)]
    if context.keeps_accounts:
        volumes.append(pods.Volume("hosts", _DATA, passing))
        claim = {"persistentVolumeClaim": {"claimName": volume_claims.accounts_name(context)}}
        volumes.append(pods.Volume("accounts", f"{_DATA}/{_encoded(DOMAIN)}", claim))
    return volumes


def _encoded(host: str) -> str:
    """The folder of a host below Prosody's data, which spells dots as %2e."""
    return host.replace(".", "%2e")


def _files(context: TenantContext) -> list[File]:
    if context.spec.meetings.room_passwords:
        return []
    module = f"mod_{_NO_ROOM_PASSWORDS}.lua"
    return [file(f"/prosody-plugins-custom/{module}", f"{module}.j2")]


def _environment(context: TenantContext) -> Environment:
    meetings = context.spec.meetings
    found = (
        Environment()
        .text("PUBLIC_URL", context.public_url)
        # Finer levels write who connected from which address, and who logged in.
        .text("LOG_LEVEL", "warn")
        .number("MAX_PARTICIPANTS", context.participants)
        .switch("ENABLE_GUESTS", context.guests is not Guests.NONE)
        .switch("ENABLE_LOBBY", meetings.lobby or context.guests is Guests.LOBBY)
        .switch("ENABLE_BREAKOUT_ROOMS", meetings.breakout_rooms)
        .switch("ENABLE_AV_MODERATION", meetings.moderation.media_moderation)
        .switch("ENABLE_END_CONFERENCE", meetings.moderation.end_meeting)
        .switch("DISABLE_POLLS", not meetings.polls)
        .switch("ENABLE_RECORDING", context.may_record)
    )
    _accounts(context, found)
    _modules(context, found)
    authentication(context, found)
    _tokens(context, found)
    _directory(context, found)
    # Network policies say who reads metrics; Prosody itself sees no addresses it could know.
    found.switch("PROSODY_ENABLE_METRICS", True)
    found.text("PROSODY_METRICS_ALLOWED_CIDR", "0.0.0.0/0")
    return found


def _accounts(context: TenantContext, found: Environment) -> None:
    found.secret("JICOFO_AUTH_PASSWORD", names.CREDENTIALS, credentials.JICOFO)
    found.secret("JVB_AUTH_PASSWORD", names.CREDENTIALS, credentials.BRIDGE)
    if context.may_record:
        found.secret("JIBRI_XMPP_PASSWORD", names.CREDENTIALS, credentials.RECORDER_CONTROL)
        found.secret("JIBRI_RECORDER_PASSWORD", names.CREDENTIALS, credentials.RECORDER_CALL)


def _modules(context: TenantContext, found: Environment) -> None:
    rooms = []
    if context.guests is Guests.LOBBY:
        # Every room starts with a waiting room, which accounts and recorders pass by their domain.
        # Commas separate settings in this variable, semicolons the items of a table.
        rooms.append("lobby_autostart")
        found.text("XMPP_MODULES", "persistent_lobby")
        passing = "; ".join(f'"{domain}"' for domain in _passing(context))
        found.text("XMPP_CONFIGURATION", f"muc_lobby_whitelist = {{ {passing} }}")
    if not context.spec.meetings.room_passwords:
        rooms.append(_NO_ROOM_PASSWORDS)
    if rooms:
        found.text("XMPP_MUC_MODULES", ",".join(rooms))


def _passing(context: TenantContext) -> tuple[str, ...]:
    return (DOMAIN, HIDDEN_DOMAIN) if context.may_record else (DOMAIN,)


def _tokens(context: TenantContext, found: Environment) -> None:
    jwt = context.spec.access.jwt
    if jwt is None:
        return
    found.text("JWT_APP_ID", jwt.app_id)
    found.text("JWT_ACCEPTED_ISSUERS", ",".join(jwt.issuers or (jwt.app_id,)))
    found.text("JWT_ACCEPTED_AUDIENCES", ",".join(jwt.audiences or (jwt.app_id,)))
    found.switch("JWT_ALLOW_EMPTY", False)
    if jwt.secret is not None:
        found.secret("JWT_APP_SECRET", jwt.secret.name, jwt.secret.key)
    if jwt.key_server is not None:
        found.text("JWT_ASAP_KEYSERVER", jwt.key_server)


def _directory(context: TenantContext, found: Environment) -> None:
    ldap = context.spec.access.ldap
    if ldap is None:
        return
    found.text("LDAP_URL", ldap.url)
    found.text("LDAP_BASE", ldap.base)
    found.text("LDAP_FILTER", ldap.filter)
    # Certificates are looked at only with all three, whichever way the connection is encrypted.
    found.switch("LDAP_USE_TLS", True)
    found.switch("LDAP_TLS_CHECK_PEER", True)
    found.switch("LDAP_START_TLS", ldap.start_tls)
    if context.present(certificate_authority(context)) is not None:
        found.text("LDAP_TLS_CACERT_FILE", _CERTIFICATE_AUTHORITY)
    if ldap.bind_dn is not None:
        found.text("LDAP_BINDDN", ldap.bind_dn)
    if ldap.bind_password is not None:
        found.secret("LDAP_BINDPW", ldap.bind_password.name, ldap.bind_password.key)
