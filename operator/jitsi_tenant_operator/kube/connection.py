"""Where the API server is, by what credentials it is called, and the HTTP session for it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any
from urllib.request import getproxies

import aiohttp
import yaml
from kubernetes.aio import config
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from jitsi_tenant_operator.kube.errors import ClientClosed

_CONNECT_SECONDS = 10.0
_READ_BUFFER_BYTES = 2**18


class ConfigurationError(Exception):
    """There is no usable configuration; the message says where it was looked for."""


async def load_configuration(kubeconfig: str | None, context: str | None) -> Configuration:
    """The configuration that kubectl would use: the file, else the pod's service account.

    Without `kubeconfig`: the files of $KUBECONFIG, then ~/.kube/config, then in-cluster.
    Each call reads the files again and runs exec plug-ins again.
    """
    configuration = Configuration()
    paths = kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    try:
        if _any_file(paths):
            await config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=paths,
                context=context,
                client_configuration=configuration,
                persist_config=False,
            )
        elif kubeconfig is None and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=configuration
            )
        else:
            raise ConfigurationError(
                f"no kubeconfig at {paths}, and this process does not run in a pod"
            )
    except config.ConfigException as error:
        raise ConfigurationError(str(error)) from error
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError) as error:
        # The library takes the file for one of its own; what it stumbles over may be a secret.
        mark = getattr(error, "problem_mark", None)
        place = f"{paths}, line {mark.line + 1}" if mark is not None else paths
        raise ConfigurationError(f"{place}: this is not a kubeconfig") from error
    return configuration


class Connection:
    """The session with the API server, renewed when the server no longer takes the credentials.

    Configuration, exec plug-ins, TLS and the rotation of the service account's token are those
    of `kubernetes.aio`; requests go straight to its aiohttp session, with plain bytes.
    """

    def __init__(
        self, configuration: Configuration, *, source: tuple[str | None, str | None]
    ) -> None:
        self._source = source
        self._renewing = asyncio.Lock()
        self._closed = False
        self._adopt(configuration)

    @classmethod
    async def open(cls, kubeconfig: str | None, context: str | None) -> Connection:
        """Load the configuration; connects at the first request. Raises ConfigurationError."""
        return cls(await load_configuration(kubeconfig, context), source=(kubeconfig, context))

    def _adopt(self, configuration: Configuration) -> None:
        # Python 3.13 became stricter than Go about extensions that cluster authorities leave out.
        configuration.disable_strict_ssl_verification = True
        configuration.connection_pool_maxsize = 0  # the client counts; watches are not counted
        configuration.client_session_kwargs = {
            # Unless there is a proxy, aiohttp would read ~/.netrc for each request.
            "trust_env": bool(getproxies()),
            "read_bufsize": _READ_BUFFER_BYTES,
            "auto_decompress": True,
        }
        self.configuration = configuration
        self.base_url: str = configuration.host.rstrip("/")
        self.options: dict[str, Any] = {"allow_redirects": False}
        if configuration.tls_server_name:
            self.options["server_hostname"] = configuration.tls_server_name
        if configuration.proxy:
            self.options["proxy"] = configuration.proxy
        if configuration.proxy_headers:
            self.options["proxy_headers"] = configuration.proxy_headers
        self._identity = _transport_identity(configuration)
        self._session: aiohttp.ClientSession | None = None

    def session(self) -> aiohttp.ClientSession:
        """The open session, made when there is none. ClientClosed after `close`."""
        if self._closed:
            raise ClientClosed("the client is closed")
        if self._session is None or self._session.closed:
            transport = RESTClientObject(self.configuration)
            self._session = transport._create_pool_manager()  # noqa: SLF001 - its extension point
        return self._session

    async def authorization(self) -> str | None:
        """The value of the Authorization header; a service account's token is read again
        from its file every minute. None when client certificates are all there is.
        """
        return await self.configuration.get_api_key_with_prefix(
            "BearerToken", alias="authorization"
        )

    async def renew(self, refused: str | None) -> bool:
        """Load the credentials again after the server refused those in `refused` (401).

        Whether there are others now, so that trying again makes sense. The session is kept
        unless the server's address or a certificate changed with them.
        """
        async with self._renewing:
            if await self.authorization() != refused:
                return True
            try:
                fresh = await load_configuration(*self._source)
            except (ConfigurationError, OSError, ValueError):
                return False
            token = await fresh.get_api_key_with_prefix("BearerToken", alias="authorization")
            if _transport_identity(fresh) != self._identity:
                stale, self._session = self._session, None
                self._adopt(fresh)
                if stale is not None:
                    await stale.close()
                return True
            self.configuration.api_key = fresh.api_key
            self.configuration.refresh_api_key_hook = fresh.refresh_api_key_hook
            return token != refused

    async def close(self) -> None:
        """Close the session; watches end."""
        self._closed = True
        if self._session is not None:
            await self._session.close()


def timeouts(*, total: float | None = None, silence: float | None = None) -> aiohttp.ClientTimeout:
    """Limits in seconds: of a whole request, and of the time without a byte from the server."""
    return aiohttp.ClientTimeout(total=total, sock_connect=_CONNECT_SECONDS, sock_read=silence)


def _any_file(paths: str) -> bool:
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path)


def _transport_identity(configuration: Configuration) -> tuple[object, ...]:
    """What a session is bound to: address, proxy and the contents of the certificate files."""
    files = (configuration.ssl_ca_cert, configuration.cert_file, configuration.key_file)
    contents = tuple(Path(f).read_bytes() if f else None for f in files)
    return (configuration.host, configuration.proxy, configuration.tls_server_name, *contents)
