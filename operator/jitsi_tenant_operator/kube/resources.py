"""The kinds that are read and written, and the paths at which the API serves them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from jitsi_tenant_operator.api.objects import ObjectRef


class UnknownKind(LookupError):  # noqa: N818
    """No `Resource` is registered for an apiVersion and kind."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One served kind. `group` is empty for the core group, `plural` is the path segment."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """What objects of this kind say in `apiVersion`: "v1", "apps/v1"."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of a collection, an object or a subresource, percent-encoded.

        Without `namespace` the collection over all namespaces. ValueError when an object
        is named whose namespace is missing, or a namespace is given to a cluster-scoped kind.
        """
        if namespace and not self.namespaced:
            raise ValueError(f"{self.kind} is cluster-scoped, it has no namespace {namespace!r}")
        if name and self.namespaced and not namespace:
            raise ValueError(f"{self.kind} {name!r} needs a namespace")
        parts = ["apis", self.group] if self.group else ["api"]
        parts.append(self.version)
        if namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/" + "/".join(parts)


NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
SECRETS = Resource("", "v1", "secrets", "Secret")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SERVICES = Resource("", "v1", "services", "Service")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
PERSISTENT_VOLUME_CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
PODS = Resource("", "v1", "pods", "Pod")
RESOURCE_QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
LIMIT_RANGES = Resource("", "v1", "limitranges", "LimitRange")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob")
JOBS = Resource("batch", "v1", "jobs", "Job")
INGRESSES = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
INGRESS_CLASSES = Resource(
    "networking.k8s.io", "v1", "ingressclasses", "IngressClass", namespaced=False
)
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy")
POD_DISRUPTION_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
HTTP_ROUTES = Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")

BUILT_IN: tuple[Resource, ...] = (
    NAMESPACES,
    SECRETS,
    CONFIG_MAPS,
    SERVICES,
    SERVICE_ACCOUNTS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    RESOURCE_QUOTAS,
    LIMIT_RANGES,
    DEPLOYMENTS,
    STATEFUL_SETS,
    CRON_JOBS,
    JOBS,
    INGRESSES,
    INGRESS_CLASSES,
    NETWORK_POLICIES,
    POD_DISRUPTION_BUDGETS,
    HTTP_ROUTES,
    LEASES,
    EVENTS,
)


class ResourceRegistry:
    """Finds the `Resource` of an object. Custom kinds are given by who defines them."""

    def __init__(self, own: Iterable[Resource] = ()) -> None:
        self._by_kind = {(r.api_version, r.kind): r for r in (*BUILT_IN, *own)}

    def of(self, api_version: str, kind: str) -> Resource:
        """The resource of that apiVersion and kind; UnknownKind when there is none."""
        try:
            return self._by_kind[api_version, kind]
        except KeyError:
            raise UnknownKind(f"no resource is registered for {api_version} {kind}") from None

    def of_ref(self, ref: ObjectRef) -> Resource:
        """The resource of the object that `ref` names."""
        return self.of(ref.api_version, ref.kind)
