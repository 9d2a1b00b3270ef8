"""How requests come in: who calls, with which parameters, and how answers and refusals look."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import unquote

from aiohttp import web

from localpbs.datastore import GroupId
from localpbs.errors import RefusedError, unauthorised
from localpbs.parameters import Parameter, Value, read
from localpbs.world import World

BASE = "/api2/json"
WORLD = web.AppKey("world", World)

_TICKET = "PBSAuthCookie"


@dataclass(frozen=True, slots=True)
class Call:
    """One request of somebody who is known."""

    world: World
    auth_id: str
    values: Mapping[str, Value]

    def text(self, name: str, default: str = "") -> str:
        """A parameter that is a text."""
        return cast("str", self.values.get(name, default))

    def number(self, name: str, default: int = 0) -> int:
        """A parameter that is a number."""
        return cast("int", self.values.get(name, default))

    def true(self, name: str, *, default: bool = False) -> bool:
        """A parameter that is yes or no."""
        return bool(self.values.get(name, default))

    def texts(self, name: str) -> tuple[str, ...]:
        """A parameter that is a list of texts."""
        return cast("tuple[str, ...]", self.values.get(name, ()))

    @property
    def group(self) -> GroupId:
        """The group that the parameters name."""
        return GroupId(self.text("backup-type"), self.text("backup-id"))


Answer = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Routes:
    """Routes as they are declared: each with its parameters, and what answers it."""

    declared: list[tuple[str, str, Answer, Mapping[str, Parameter]]] = field(default_factory=list)

    def __call__(
        self, method: str, path: str, parameters: Mapping[str, Parameter] | None = None
    ) -> Callable[[Answer], Answer]:
        """Declare the decorated function as the answer to requests of that method and path."""

        def declare(answer: Answer) -> Answer:
            self.declared.append((method, path, answer, parameters or {}))
            return answer

        return declare

    def add_to(self, application: web.Application) -> None:
        """Have the application answer all of them."""
        for method, path, answer, parameters in self.declared:
            application.router.add_route(method, BASE + path, _handler(answer, parameters))


def _handler(
    answer: Answer, parameters: Mapping[str, Parameter]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        world = request.app[WORLD]
        try:
            auth_id = _caller(request, world)
            given = await given_by(request)
            path = dict(request.match_info)
            values = dict(path) | read(given, parameters)
            data = await answer(Call(world, auth_id, values))
        except RefusedError as error:
            return web.Response(status=error.status, text=str(error))
        return web.json_response({"data": data})

    return handle


def _caller(request: web.Request, world: World) -> str:
    ticket = request.cookies.get(_TICKET)
    if ticket is not None:
        return _ticket_holder(request, world, unquote(ticket))
    auth_id, secret = token(request.headers.get("Authorization", ""))
    world.access.check_credentials(auth_id, secret, world.now())
    return auth_id


def token(header: str) -> tuple[str, str]:
    """Auth id and secret of an API token; RefusedError (401) if the header holds none."""
    for scheme in ("PBSAPIToken=", "PBSAPIToken "):
        auth_id, colon, secret = header.removeprefix(scheme).partition(":")
        if header.startswith(scheme) and colon and "!" in auth_id:
            return auth_id, unquote(secret)
    raise unauthorised("authentication failed - no authentication credentials provided.")


TICKET_SECONDS = 2 * 3600


def _ticket_holder(request: web.Request, world: World, ticket: str) -> str:
    form = re.fullmatch(r"PBS:([^:]+):([0-9A-F]{8})\.[0-9a-f]+", ticket)
    if form is None:
        raise unauthorised("authentication failed - invalid ticket")
    user, issued = form[1], int(form[2], 16)
    if ticket != ticket_of(world, user, issued) or world.now() - issued >= TICKET_SECONDS:
        raise unauthorised("authentication failed - invalid ticket")
    world.access.check_active(user, world.now())
    if request.method != "GET" and request.headers.get("CSRFPreventionToken") != csrf_of(user):
        raise unauthorised("authentication failed - invalid csrf token")
    return user


def ticket_of(world: World, user: str, issued: int) -> str:
    """The ticket of a user who showed the password at that time, in seconds of Unix time."""
    account = world.access.accounts.get(user)
    proof = abs(hash((user, account.secret if account else "", issued)))
    return f"PBS:{user}:{issued:08X}.{proof:x}"


def csrf_of(user: str) -> str:
    """What a user shows beside the ticket for whatever changes something."""
    return f"csrf-{user}"


async def given_by(request: web.Request) -> dict[str, Any]:
    """The parameters of a query, of a form, or of JSON."""
    given: dict[str, Any] = {}
    for name in request.query:
        values = request.query.getall(name)
        given[name] = values if len(values) > 1 else values[0]
    if request.content_type == "application/json" and request.can_read_body:
        try:
            body = await request.json()
        except json.JSONDecodeError:
            raise RefusedError("unable to parse the body as JSON") from None
        return given | dict(body)
    form = await request.post()
    for name in form:
        texts = [str(value) for value in form.getall(name)]
        given[name] = texts if len(texts) > 1 else texts[0]
    return given
