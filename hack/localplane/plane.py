"""Starts and stops a control plane whose processes are children of this process."""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from pathlib import Path
from typing import Self

from localplane import credentials
from localplane.components import Component, components
from localplane.connection import Connection
from localplane.errors import PlaneError
from localplane.layout import HOST, Layout, PodBlock, Ports
from localplane.options import PlaneOptions
from localplane.processes import Process, tail
from localplane.seed import seed, seeded
from toolbox import provide

POLL_SECONDS = 0.05
START_TRIES = 3
PORT_TAKEN = "address already in use"


class LocalPlane:
    """A running control plane; a context manager that stops it."""

    def __init__(self, connection: Connection, layout: Layout, wanted: list[Component]) -> None:
        self.connection = connection
        self._layout = layout
        self._components = {component.name: component for component in wanted}
        self._processes: dict[str, Process] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of what runs, by component."""
        return {name: process.pid for name, process in self._processes.items() if process.running}

    def start_component(self, name: str, seconds: float = 60.0) -> None:
        """Start the component `name` and wait until it is ready; PlaneError when it is not."""
        self.launch(name)
        self.wait_ready(name, time.monotonic() + seconds)

    def stop_component(self, name: str, *, kill: bool = True) -> None:
        """Stop the component `name`, which `start_component` can start again with its data."""
        process = self._processes.pop(name, None)
        if process is None:
            raise PlaneError(f"{name} does not run here.")
        process.stop(kill=kill)

    def launch(self, name: str) -> None:
        """Start the process of the component `name` without waiting for it."""
        component = self._components.get(name)
        if component is None:
            raise PlaneError(f"this control plane has no {name}.")
        self._processes[name] = Process(name, component.command, self._layout.log(name))

    def wait_ready(self, name: str, deadline: float) -> None:
        """Wait until `name` answers that it is ready; PlaneError when it ends or takes too long."""
        url = self._components[name].ready_url
        context = _ready_context(self._layout)
        while not _answers(url, context):
            self._processes[name].check()
            if time.monotonic() > deadline:
                log = self._layout.log(name)
                raise PlaneError(f"{name} is not ready in time. The end of {log}:\n{tail(log)}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop everything at once; the API server before what it talks to."""
        order = list(self._processes)
        order.sort(key=lambda name: name == "etcd")
        for name in order:
            self._processes.pop(name).stop(kill=True)

    def check(self) -> None:
        """Raise PlaneError when a component has ended by itself."""
        for process in self._processes.values():
            process.check()


def start(folder: Path, options: PlaneOptions | None = None) -> LocalPlane:
    """Start a control plane with its data below `folder`, and wait until it is ready.

    Its processes die with this one. Raises PlaneError when it does not come up, toolbox.ToolError
    when a program can be neither found nor built.
    """
    options = options or PlaneOptions()
    programs = provide(options.programs)
    for attempt in range(1, START_TRIES + 1):
        try:
            return _start_once(folder, options, programs)
        except PlaneError as error:
            # Between choosing a free port and listening on it another program may take it.
            if attempt == START_TRIES or PORT_TAKEN not in str(error):
                raise
    raise AssertionError("unreachable")


def _start_once(folder: Path, options: PlaneOptions, programs: dict[str, Path]) -> LocalPlane:
    layout, ports, pods = Layout(folder.absolute()), Ports.free(), PodBlock.free()
    connection = _prepare(layout, ports, options)
    plane = LocalPlane(connection, layout, components(programs, options, layout, ports, pods))
    deadline = time.monotonic() + options.start_seconds
    try:
        # etcd must answer first; the others wait for the API server by themselves.
        for name in options.components:
            plane.launch(name)
            if name in {"etcd", "kube-apiserver"}:
                plane.wait_ready(name, deadline)
        seed(connection, options)
        for name in options.components:
            plane.wait_ready(name, deadline)
        _wait_seeded(plane, options, deadline)
    except BaseException:
        plane.stop()
        raise
    return plane


def _prepare(layout: Layout, ports: Ports, options: PlaneOptions) -> Connection:
    layout.create()
    credentials.write_serving_certificate(
        layout.authority, layout.certificate, layout.certificate_key
    )
    credentials.write_signing_key(layout.signing_key, layout.verification_key)
    server = f"https://{HOST}:{ports.api_server}"
    tokens = credentials.write_tokens(layout.tokens)
    for user, token in tokens.items():
        credentials.write_kubeconfig(layout.kubeconfig(user), server, layout.authority, token, user)
    if options.audit is not None:
        layout.audit_policy.write_text(json.dumps(options.audit))
    return Connection(
        server=server,
        authority=layout.authority,
        token=tokens["admin"],
        kubeconfig=layout.kubeconfig("admin"),
        folder=layout.folder,
        audit_log=layout.audit_log if options.audit is not None else None,
    )


def _wait_seeded(plane: LocalPlane, options: PlaneOptions, deadline: float) -> None:
    while lacking := seeded(plane.connection, options):
        plane.check()
        if time.monotonic() > deadline:
            raise PlaneError(f"still missing after {options.start_seconds:.0f} s: {lacking}")
        time.sleep(POLL_SECONDS)


def _ready_context(layout: Layout) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(layout.authority))
    # The controller manager and the scheduler make certificates of their own; nothing secret is
    # sent to their health pages, and they listen on the loopback address.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _answers(url: str, context: ssl.SSLContext) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5, context=context):  # noqa: S310
            return True
    except OSError:
        return False
