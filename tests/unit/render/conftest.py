"""Tenants to render: a builder on top of one small tenant, and the cases kept as golden YAML."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, Protocol

import pytest

from jitsi_tenant_operator import render
from jitsi_tenant_operator.api.media import Exposure
from jitsi_tenant_operator.api.objects import API_VERSION, JsonObject
from jitsi_tenant_operator.api.plan import Feature, JitsiPlan
from jitsi_tenant_operator.api.platform import JitsiPlatform
from jitsi_tenant_operator.api.tenant import JitsiTenant
from jitsi_tenant_operator.api.terms import OperationalTerms
from jitsi_tenant_operator.render import MediaAddress, Observed, Source, TenantContext, media

PLATFORM: JsonObject = {
    "domain": "meet.example.net",
    "entry": {
        "type": "Ingress",
        "ingress": {"className": "nginx"},
        "tls": {"issuer": {"name": "letsencrypt"}},
    },
    "location": {
        "country": "FR",
        "site": "Lyon",
        "nodeSelector": {"topology.kubernetes.io/region": "fr-lyon"},
    },
}
PLAN: JsonObject = {"features": ["Recording", "Livestreaming"]}
TENANT: JsonObject = {
    "contract": {
        "reference": "DC-2026-0142",
        "client": {"legalName": "ACME SAS", "email": "dsi@acme.example"},
        "term": "P12M",
    },
    "plan": "business",
}
TERMS = OperationalTerms.model_validate(
    {
        "support": {"email": "support@example.net"},
        "backup": {"daily": "P10D", "weekly": "P2M", "offsite": True},
    }
)
REPOSITORIES: JsonObject = {
    "primary": {
        "driver": "Restic",
        "address": "rest:https://backup.example.net:8000/",
        "maintenanceAddress": "rest:https://backup.example.net:8001/",
        "credentials": "backup-primary",
        "networks": ["192.0.2.16/28"],
        "location": {"country": "FR", "site": "Lyon"},
    },
    "offsite": {
        "driver": "Restic",
        "address": "rest:https://offsite.example.net/jitsi/",
        "credentials": "backup-offsite",
        "location": {"country": "FR", "site": "Paris"},
    },
    "bandwidth": 51200,
}


class MakeContext(Protocol):
    """Builds a context; mappings are laid over the small tenant, plan and platform."""

    def __call__(
        self,
        tenant: Mapping[str, Any] | None = None,
        *,
        name: str = "acme",
        plan: Mapping[str, Any] | None = None,
        platform: Mapping[str, Any] | None = None,
        recording: bool = False,
        livestreaming: bool = False,
        media_known: bool = True,
        digests: Mapping[Source, str] | None = None,
    ) -> TenantContext: ...


def _laid_over(below: JsonObject, above: Mapping[str, Any]) -> JsonObject:
    found = deepcopy(below)
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(found.get(key), dict):
            found[key] = _laid_over(found[key], value)
        else:
            found[key] = value
    return found


def _object(kind: str, name: str, spec: JsonObject, namespace: str = "") -> JsonObject:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _make(
    tenant: Mapping[str, Any] | None = None,
    *,
    name: str = "acme",
    plan: Mapping[str, Any] | None = None,
    platform: Mapping[str, Any] | None = None,
    subscribed: bool = False,
    recording: bool = False,
    livestreaming: bool = False,
    media_known: bool = True,
    digests: Mapping[Source, str] | None = None,
) -> TenantContext:
    parsed = JitsiPlatform.parse(
        _object("JitsiPlatform", "default", _laid_over(PLATFORM, platform or {})), strict=True
    )
    context = TenantContext(
        tenant=JitsiTenant.parse(
            _object("JitsiTenant", name, _laid_over(TENANT, tenant or {}), f"tenant-{name}"[:63]),
            strict=True,
        ),
        plan=JitsiPlan.parse(
            _object("JitsiPlan", "business", _laid_over(PLAN, plan or {})), strict=True
        ).spec,
        platform=parsed.spec,
        terms=TERMS,
        release="stable-11146-2",
        features=frozenset({Feature.RECORDING} if subscribed or recording else ()),
        recording=recording,
        livestreaming=livestreaming,
        operator_namespace="jitsi-operator",
        operator_image="registry.example.net/jitsi-tenant-operator:0.1.0",
    )
    return replace(context, observed=_observed(context, media_known, digests))


def _observed(
    context: TenantContext, media_known: bool, digests: Mapping[Source, str] | None
) -> Observed:
    def given(index: int) -> MediaAddress:
        match context.platform.media.exposure:
            case Exposure.NODE_PORT:
                return MediaAddress(30100 + index)
            case Exposure.HOST_PORT:
                return MediaAddress(10020 + index)
            case Exposure.LOAD_BALANCER:
                return MediaAddress(media.PORT, (f"203.0.113.{10 + index}",))

    known = {index: given(index) for index in range(context.bridges)} if media_known else {}
    found = {each: f"digest of {each.key}" for each in render.sources(context)}
    return Observed(media=known, digests=found if digests is None else digests)


@pytest.fixture(scope="session")
def make() -> MakeContext:
    return _make


_HOSTILE = (
    'it\'s "quoted" \\ ${HOME} $(HOST_IP) {{ 7*7 }} {% raw %} </script><!--#include x--> é漢;'
)

_RECORDING = {"contract": {"options": ["Recording", "Livestreaming"]}}

CASES: dict[str, dict[str, Any]] = {
    "minimal": {},
    "everything-on": {
        "tenant": _laid_over(
            _RECORDING,
            {
                "host": "meet.acme.example",
                "access": {"authentication": "Internal", "guests": "Open"},
                "meetings": {
                    "maxParticipants": 60,
                    "language": "en",
                    "roomPasswords": False,
                    "roomPasswordDigits": 6,
                    "moderation": {"firstParticipantModerates": True, "kick": False},
                    "privateMessages": False,
                    "endToEndEncryption": True,
                    "peerToPeer": True,
                    "resolution": "1080",
                },
                "branding": {
                    "applicationName": "ACME Visio",
                    "providerName": "ACME",
                    "welcomeText": "Welcome.",
                    "backgroundColor": "#102030",
                    "logo": {"configMap": "acme-branding", "key": "logo.svg"},
                    "logoLink": "https://acme.example/",
                    "supportUrl": "https://help.acme.example/",
                    "privacyUrl": "https://acme.example/privacy",
                    "termsUrl": "https://acme.example/terms",
                },
                "recording": {
                    "enabled": True,
                    "recorders": 2,
                    "livestreaming": True,
                    "resolution": "1920x1080",
                    "storage": "2048Gi",
                    "maxDuration": "PT3H",
                },
                "media": {"bridges": 2},
            },
        ),
        "plan": {
            "capacity": {"bridges": {"minimum": 1, "maximum": 3}, "recorders": 2},
            "sizes": {"bridge": {"cpu": "2000m", "memory": "4096Mi"}},
        },
        "platform": {
            "entry": {"networks": ["192.0.2.0/28"]},
            "media": {"advertisedAddresses": ["198.51.100.7"]},
            "storage": {
                "recordings": {"className": "nfs", "accessMode": "ReadWriteMany"},
                "accounts": {"className": "ceph"},
            },
            "jitsi": {"pullSecrets": ["registry"]},
            "monitoringNamespaces": {"kubernetes.io/metadata.name": "monitoring"},
        },
        "recording": True,
        "livestreaming": True,
    },
    "recording-off": {
        "tenant": _laid_over(_RECORDING, {"recording": {"enabled": True}}),
        "recording": False,
    },
    "load-balancer": {
        "tenant": {"media": {"bridges": 2}},
        "plan": {"capacity": {"bridges": {"maximum": 2}}},
        "platform": {
            "media": {
                "exposure": "LoadBalancer",
                "loadBalancer": {
                    "className": "metallb",
                    "annotations": {"metallb.io/address-pool": "media"},
                },
            }
        },
    },
    "gateway": {
        "platform": {
            "entry": {
                "type": "Gateway",
                "gateway": {"name": "public", "namespace": "gateways", "sectionName": "https"},
                "namespaces": {"kubernetes.io/metadata.name": "gateways"},
            }
        }
    },
    "host-port": {
        "tenant": {"media": {"bridges": 2}},
        "plan": {"capacity": {"bridges": {"maximum": 2}}},
        "platform": {"media": {"exposure": "HostPort"}},
    },
    "jwt": {
        "tenant": {
            "access": {
                "authentication": "JWT",
                "guests": "None",
                "jwt": {
                    "appId": "portal",
                    "secret": {"name": "acme-jwt", "key": "secret"},
                    "audiences": ["*"],
                    "loginUrl": "https://portal.acme.example/meet",
                },
            }
        }
    },
    "ldap": {
        "tenant": {
            "access": {
                "authentication": "LDAP",
                "ldap": {
                    "url": "ldaps://ldap.acme.example",
                    "base": "ou=people,dc=acme,dc=example",
                    "bindDn": "cn=jitsi,dc=acme,dc=example",
                    "bindPassword": {"name": "acme-ldap", "key": "password"},
                    "certificateAuthority": {"name": "acme-ca", "key": "ca.crt"},
                },
            }
        }
    },
    "backed-up": {
        "tenant": _laid_over(
            _RECORDING,
            {
                "recording": {"enabled": True},
                "branding": {"logo": {"configMap": "acme-branding", "key": "logo.svg"}},
            },
        ),
        "platform": {"backup": REPOSITORIES},
        "recording": True,
    },
    "anonymous": {"tenant": {"access": {"authentication": "Anonymous"}}},
    "media-address-pending": {"media_known": False},
    "hostile-text": {
        "tenant": {
            "branding": {
                "applicationName": _HOSTILE,
                "providerName": _HOSTILE,
                "welcomeText": f"{_HOSTILE}\n\u2028{_HOSTILE}",
            }
        }
    },
    "longest-name": {"name": "a23456789-123456789-123456789-123456789-123456789-123456789-123"},
}


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> tuple[str, TenantContext]:
    """Every golden case in turn: its name and its context."""
    return request.param, _make(**CASES[request.param])


@pytest.fixture(scope="session")
def contexts() -> dict[str, TenantContext]:
    """All golden cases by name."""
    return {name: _make(**given) for name, given in CASES.items()}
