"""The sections of a JitsiTenant that concern who meets, how, and under which colours."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from jitsi_tenant_operator.api.constraints import Expected
from jitsi_tenant_operator.api.model import Model, Rule
from jitsi_tenant_operator.api.platform import ConfigMapKeyReference, SecretKeyReference
from jitsi_tenant_operator.api.scalars import (
    HttpsUrl,
    Language,
    LdapUrl,
    LongText,
    ObjectName,
    SecretKey,
    ShortText,
)

Token = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._:/@*-]+$", max_length=128),
    Expected("1 to 128 letters, digits or any of . _ : / @ * -"),
]
DistinguishedName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9 ._=,+@-]+$", max_length=256),
    Expected("a distinguished name of plain letters, such as ou=people,dc=example,dc=org"),
]
LdapFilter = Annotated[
    str,
    StringConstraints(pattern=r"^\([A-Za-z0-9 ._=,&|!()%*-]+\)$", max_length=256),
    Expected("an LDAP filter in parentheses, such as (uid=%u)"),
]
Colour = Annotated[
    str,
    StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$", max_length=7),
    Expected("a colour in quotes as '#rrggbb'"),
]


class Authentication(StrEnum):
    """Who may open a room."""

    ANONYMOUS = "Anonymous"
    INTERNAL = "Internal"
    JWT = "JWT"
    LDAP = "LDAP"


class Guests(StrEnum):
    """How people without an account join."""

    NONE = "None"
    LOBBY = "Lobby"
    OPEN = "Open"


class JwtAccess(Model):
    """Access by JSON Web Tokens that the client's own application signs."""

    rules: ClassVar = (
        Rule(
            "has(self.secret) != has(self.keyServer)",
            "set exactly one of secret and keyServer",
            lambda self: (self.secret is None) != (self.key_server is None),
        ),
    )

    app_id: Token
    """The application's identifier, the token's issuer."""
    secret: SecretKeyReference | None = None
    """The shared secret, in a Secret of the tenant's namespace."""
    key_server: HttpsUrl | None = None
    """Where public keys are fetched, for tokens signed with a private key."""
    issuers: Annotated[tuple[Token, ...], Field(max_length=8)] = ()
    """The issuers that are accepted; appId when empty."""
    audiences: Annotated[tuple[Token, ...], Field(max_length=8)] = ()
    """The audiences that are accepted; appId when empty."""
    login_url: HttpsUrl | None = None
    """Where a person without a token is sent."""


class LdapAccess(Model):
    """Access by accounts of a directory."""

    rules: ClassVar = (
        Rule(
            "self.url.startsWith('ldaps://') != self.startTls",
            "passwords must not cross the network in the clear:"
            " use an ldaps:// url, or an ldap:// url with startTls: true",
            lambda self: self.url.startswith("ldaps://") != self.start_tls,
        ),
        Rule(
            "has(self.bindDn) == has(self.bindPassword)",
            "set bindDn and bindPassword together, or neither",
            lambda self: (self.bind_dn is None) == (self.bind_password is None),
        ),
    )

    url: LdapUrl
    """The directory."""
    base: DistinguishedName
    """Where accounts are searched."""
    bind_dn: DistinguishedName | None = None
    """The account that searches; anonymous when not set."""
    bind_password: SecretKeyReference | None = None
    """Its password, in a Secret of the tenant's namespace."""
    filter: LdapFilter = "(uid=%u)"
    """The filter that finds an account; %u is the name that was given."""
    start_tls: bool = False
    """Whether an ldap:// connection is encrypted before the first word."""
    certificate_authority: ConfigMapKeyReference | None = None
    """The certificates, in PEM, that the directory's own is checked against; the public ones when
    not set."""


class Access(Model):
    """Who may come in."""

    rules: ClassVar = (
        Rule(
            "has(self.jwt) == (self.authentication == 'JWT')",
            "jwt is set with authentication JWT, and only then",
            lambda self: (self.jwt is not None) == (self.authentication is Authentication.JWT),
        ),
        Rule(
            "has(self.ldap) == (self.authentication == 'LDAP')",
            "ldap is set with authentication LDAP, and only then",
            lambda self: (self.ldap is not None) == (self.authentication is Authentication.LDAP),
        ),
    )

    authentication: Authentication = Authentication.INTERNAL
    """Anonymous lets anyone open a room; else an account or a token is needed."""
    guests: Guests = Guests.LOBBY
    """How people without an account join a room that an account opened."""
    jwt: JwtAccess | None = None
    """With JWT: how."""
    ldap: LdapAccess | None = None
    """With LDAP: how."""


class Moderation(Model):
    """What moderators have and can do."""

    first_participant_moderates: bool = False
    """Whether the first to come is a moderator, account or not."""
    media_moderation: bool = True
    """Whether a moderator can forbid microphones and cameras."""
    end_meeting: bool = True
    """Whether a moderator can end the meeting for all."""
    kick: bool = True
    """Whether a moderator can put someone out."""


class Resolution(StrEnum):
    """The height of video pictures that clients send at most."""

    LOW = "360"
    STANDARD = "720"
    HIGH = "1080"


class Meetings(Model):
    """How meetings go."""

    max_participants: Annotated[int, Field(ge=2, le=500)] | None = None
    """How many people may meet in one room; the plan's figure when not set."""
    language: Language = "fr"
    """The language of the application, where the browser's is not offered."""
    lobby: bool = True
    """Whether rooms can have a waiting room."""
    room_passwords: bool = True
    """Whether a moderator can lock a room with a password."""
    room_password_digits: Annotated[int, Field(ge=4, le=12)] | None = None
    """How many digits a room password has; free text when not set."""
    moderation: Moderation = Moderation()
    """What moderators can do."""
    prejoin_page: bool = True
    """Whether people check microphone and camera before they join."""
    require_display_name: bool = True
    """Whether people must give a name."""
    breakout_rooms: bool = True
    """Whether a meeting can split into rooms."""
    polls: bool = True
    """Whether polls can be held."""
    private_messages: bool = True
    """Whether participants can write to one another in private."""
    end_to_end_encryption: bool = False
    """Whether end-to-end encryption is offered."""
    peer_to_peer: bool = False
    """Whether two people exchange media directly, which shows each the other's address."""
    start_audio_muted_after: Annotated[int, Field(ge=0, le=500)] = 10
    """From which participant on microphones start muted."""
    start_video_muted_after: Annotated[int, Field(ge=0, le=500)] = 10
    """From which participant on cameras start off."""
    resolution: Resolution = Resolution.STANDARD
    """The height of pictures at most."""


class Logo(Model):
    """A picture in a ConfigMap of the tenant's namespace."""

    config_map: ObjectName
    """The ConfigMap."""
    key: SecretKey
    """The key inside it; its ending says what picture it is."""


class Branding(Model):
    """The colours and names that people see."""

    application_name: ShortText = "Jitsi Meet"
    """The name of the application."""
    provider_name: ShortText | None = None
    """The name of the provider."""
    welcome_page: bool = True
    """Whether the bare address shows a welcome page; else it opens a new room."""
    welcome_text: LongText | None = None
    """A sentence for the welcome page."""
    background_color: Colour | None = None
    """The colour behind the pictures, as #rrggbb."""
    logo: Logo | None = None
    """The logo."""
    logo_link: HttpsUrl | None = None
    """Where the logo leads."""
    support_url: HttpsUrl | None = None
    """Where help is found."""
    privacy_url: HttpsUrl | None = None
    """Where the privacy policy is found."""
    terms_url: HttpsUrl | None = None
    """Where the terms of service are found."""
