"""What a tenant's Job needs on the primary server: a namespace, and a token for that alone.

The token holds the role DatastoreBackup on its namespace: it backs up and reads its own groups, and
deletes nothing. Tokens are made by the user that they belong to, by password: a token may make
others only as an administrator of the whole server. See "User Management" in the documentation of
Proxmox Backup Server.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

import aiohttp

from jitsi_tenant_operator.backup.pbs.address import Address
from jitsi_tenant_operator.backup.pbs.client import Login, PbsClient, as_fields, text_of
from jitsi_tenant_operator.backup.pbs.errors import RefusedError
from jitsi_tenant_operator.backup.store import StoreError, StoreReason
from jitsi_tenant_operator.clock import Clock

ROLE = "DatastoreBackup"

_REGENERATES_FROM = (4,)
"""The version from which a token can be given another secret."""


async def log_in(address: Address, password: str, fingerprint: str, clock: Clock) -> Login:
    """A ticket of the user whose token the address names, for two hours. Raises StoreError."""
    async with PbsClient(address, Login({}), fingerprint, clock) as client:
        path = "access/ticket"
        given = {"username": address.user, "password": password}
        answer = as_fields(path, await client.post(path, given))
    ticket = quote(text_of(answer, "ticket"), safe="")
    return Login(
        {
            aiohttp.hdrs.COOKIE: f"PBSAuthCookie={ticket}",
            "CSRFPreventionToken": text_of(answer, "CSRFPreventionToken"),
        }
    )


async def ensure_namespace(client: PbsClient, namespace: str) -> None:
    """Make a namespace within one that is there; nothing if it is there. Raises StoreError."""
    parent, _, name = namespace.rpartition("/")
    path = client.datastore("namespace")
    if not await exists(client, namespace):
        try:
            await client.post(path, {"parent": parent, "name": name})
        except StoreError:
            # Another run may have made it in between.
            if not await exists(client, namespace):
                raise


async def remove_namespace(client: PbsClient, namespace: str) -> None:
    """Delete a namespace that holds nothing any more; nothing if it is gone. Raises StoreError."""
    if not await exists(client, namespace):
        return
    if await client.rows(client.datastore("groups"), {"ns": namespace}):
        raise StoreError(StoreReason.FAILED, "the namespace still holds backups")
    await client.delete(client.datastore("namespace"), {"ns": namespace, "delete-groups": False})


async def exists(client: PbsClient, namespace: str) -> bool:
    """Whether there is a namespace, as far as the caller may know of it. Raises StoreError."""
    return namespace in await namespaces(client, namespace.rpartition("/")[0])


async def namespaces(client: PbsClient, parent: str) -> set[str]:
    """The namespaces within one. Raises StoreError."""
    found = await client.rows(client.datastore("namespace"), {"parent": parent, "max-depth": 1})
    return {text_of(each, "ns") for each in found} - {parent}


async def issue_token(user: PbsClient, namespace: str) -> tuple[str, str]:
    """A token for a tenant's namespace, with a secret that was never issued: its id, its secret.

    `user` is logged in as the user that it will belong to. One that is there gets another secret,
    by which the one before ends; the backups that it owns stay its own. Raises StoreError.
    """
    name = token_name(namespace)
    path = _path(user, name)
    known = await user.rows(f"access/users/{user.address.user}/token")
    if any(each.get("token-name") == name for each in known):
        secret = await _another_secret(user, path)
    else:
        secret = text_of(as_fields(path, await user.post(path)), "value")
    auth_id = f"{user.address.user}!{name}"
    await user.put(
        "access/acl",
        {
            "path": f"/datastore/{user.address.datastore}/{namespace}",
            "role": ROLE,
            "auth-id": auth_id,
        },
    )
    return auth_id, secret


async def revoke_token(user: PbsClient, namespace: str) -> None:
    """Delete the token of a namespace; nothing if it is gone. Raises StoreError."""
    try:
        await user.delete(_path(user, token_name(namespace)))
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND:
            raise


def token_name(namespace: str) -> str:
    """The name of the token for a namespace: the last component, which is distinct."""
    return namespace.rpartition("/")[2]


async def version(client: PbsClient) -> tuple[int, ...]:
    """The version of the server, such as (4, 1). Raises StoreError."""
    found = text_of(await client.fields("version"), "version")
    try:
        return tuple(int(part) for part in found.split("."))
    except ValueError:
        raise StoreError(StoreReason.FAILED, "the server does not say its version") from None


async def _another_secret(user: PbsClient, path: str) -> str:
    if await version(user) >= _REGENERATES_FROM:
        return text_of(as_fields(path, await user.put(path, {"regenerate": True})), "secret")
    # Groups are owned by the name of the token, which stays; its rights are given anew.
    await user.delete(path)
    return text_of(as_fields(path, await user.post(path)), "value")


def _path(user: PbsClient, name: str) -> str:
    return f"access/users/{user.address.user}/token/{quote(name, safe='')}"
