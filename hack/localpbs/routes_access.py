"""Tickets, tokens, access control, permissions."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from localpbs.errors import RefusedError, forbidden, unauthorised
from localpbs.parameters import (
    ACL_PATH,
    ANY_TEXT,
    AUTH_ID,
    BOOLEAN,
    USER_ID,
    integer,
    required,
)
from localpbs.rights import ROLES, user_of
from localpbs.web import BASE, WORLD, Call, Routes, csrf_of, given_by, ticket_of

ROUTES = Routes()

_REGENERATES_FROM = 4
_TOKEN = "/access/users/{userid}/token/{name}"  # noqa: S105 - a path


async def give_ticket(request: web.Request) -> web.Response:
    """A ticket for a user and a password, as POST /access/ticket gives it."""
    world, given = request.app[WORLD], await given_by(request)
    user, password = str(given.get("username")), str(given.get("password"))
    try:
        if "!" in user:
            raise unauthorised()
        world.access.check_credentials(user, password, world.now())
    except RefusedError as error:
        return web.Response(status=error.status, text=str(error))
    data = {
        "username": user,
        "ticket": ticket_of(world, user, world.now()),
        "CSRFPreventionToken": csrf_of(user),
    }
    return web.json_response({"data": data})


def add_ticket_route(application: web.Application) -> None:
    """Have the application give tickets, for which nobody has to be known."""
    application.router.add_post(f"{BASE}/access/ticket", give_ticket)


@ROUTES("GET", "/access/users/{userid}/token")
async def list_tokens(call: Call) -> object:
    """The tokens of a user, without their secrets."""
    user = call.text("userid")
    if call.auth_id != user:
        call.world.access.check(call.auth_id, "/access/users", "Sys.Audit", "Permissions.Modify")
    return [
        {
            "tokenid": auth_id,
            "token-name": auth_id.partition("!")[2],
            "enable": account.enabled,
            "expire": account.expire,
        }
        for auth_id, account in call.world.access.accounts.items()
        if "!" in auth_id and user_of(auth_id) == user
    ]


@ROUTES("POST", _TOKEN, {"expire": integer(), "comment": ANY_TEXT, "enable": BOOLEAN})
async def make_token(call: Call) -> object:
    """Make a token; its secret is shown here and never again."""
    auth_id = _own_token(call)
    secret = call.world.access.add_token(auth_id, call.number("expire"))
    call.world.access.account(auth_id).enabled = call.true("enable", default=True)
    return {"tokenid": auth_id, "value": secret}


@ROUTES("PUT", _TOKEN, {"expire": integer(), "enable": BOOLEAN, "regenerate": BOOLEAN})
async def change_token(call: Call) -> object:
    """Change a token, or from version 4 on give it another secret."""
    auth_id = _own_token(call)
    account = call.world.access.account(auth_id)
    account.enabled = call.true("enable", default=account.enabled)
    account.expire = call.number("expire", account.expire)
    if not call.true("regenerate"):
        return None
    if int(call.world.version.partition(".")[0]) < _REGENERATES_FROM:
        raise RefusedError(
            "parameter verification errors\n\n"
            "parameter 'regenerate': schema does not allow additional properties\n"
        )
    return {"secret": call.world.access.renew_secret(auth_id)}


@ROUTES("DELETE", _TOKEN)
async def remove_token(call: Call) -> object:
    """Delete a token."""
    call.world.access.remove_token(_own_token(call))
    return None


def _own_token(call: Call) -> str:
    user = call.text("userid")
    # A token is not its user: it may not make others like itself.
    if call.auth_id != user:
        call.world.access.check(call.auth_id, "/access/users", "Permissions.Modify")
    return f"{user}!{call.text('name')}"


@ROUTES(
    "PUT",
    "/access/acl",
    {
        "path": required(ACL_PATH),
        "role": required(ANY_TEXT),
        "auth-id": required(AUTH_ID),
        "propagate": BOOLEAN,
        "delete": BOOLEAN,
    },
)
async def change_acl(call: Call) -> object:
    """Give a role on a path, or take it."""
    access, auth_id = call.world.access, call.text("auth-id")
    if "Permissions.Modify" not in access.privileges(call.auth_id, "/access/acl"):
        if "!" in call.auth_id:
            raise forbidden("Unprivileged API tokens can't set ACL items.")
        if "!" not in auth_id or user_of(auth_id) != call.auth_id:
            raise forbidden("Unprivileged users can only set ACL items for their own API tokens.")
    if call.text("role") not in ROLES:
        raise RefusedError(f"no such role '{call.text('role')}'")
    if auth_id not in access.accounts and not call.true("delete"):
        raise RefusedError(f"no such API token or user '{auth_id}'", HTTPStatus.NOT_FOUND)
    if call.true("delete"):
        access.revoke(call.text("path"), auth_id, call.text("role"))
    else:
        propagate = call.true("propagate", default=True)
        access.grant(call.text("path"), auth_id, call.text("role"), propagate=propagate)
    return None


@ROUTES("GET", "/access/permissions", {"auth-id": AUTH_ID, "path": ACL_PATH})
async def permissions(call: Call) -> object:
    """What an account may do where: its own, or that of one's tokens."""
    access, auth_id = call.world.access, call.text("auth-id", call.auth_id)
    if auth_id != call.auth_id and user_of(auth_id) != call.auth_id:
        access.check(call.auth_id, "/access", "Sys.Audit")
    top = ["/", "/access", "/access/acl", "/access/users", "/datastore", "/remote", "/system"]
    everywhere = {*top, *access.paths(auth_id)}
    paths = [call.text("path")] if "path" in call.values else sorted(everywhere)
    found = {
        path: dict.fromkeys(
            sorted(access.privileges(auth_id, path)), int(access.propagated(auth_id, path))
        )
        for path in paths
    }
    return {path: held for path, held in found.items() if held}


@ROUTES("GET", "/access/users", {"include_tokens": BOOLEAN})
async def list_users(call: Call) -> object:
    """The users that the caller may know of."""
    everyone = "Sys.Audit" in call.world.access.privileges(call.auth_id, "/access/users")
    return [
        {"userid": name, "enable": account.enabled, "expire": account.expire}
        for name, account in call.world.access.accounts.items()
        if "!" not in name and (everyone or name == user_of(call.auth_id))
    ]


@ROUTES("POST", "/access/users", {"userid": required(USER_ID), "password": ANY_TEXT})
async def make_user(call: Call) -> object:
    """Make a user."""
    call.world.access.check(call.auth_id, "/access/users", "Permissions.Modify")
    call.world.access.add_user(call.text("userid"), call.text("password"))
    return None
