"""What simulated Jicofo pods say of meetings; see jicofo.py for the program that answers."""

from __future__ import annotations

import ipaddress
import json
import urllib.error
import urllib.request
from typing import Any

from localplane.errors import PlaneError
from localplane.jicofo import PORT
from localplane.layout import PodBlock

SECONDS = 10.0


def people_meet(address: str, conferences: int = 1, participants: int = 3) -> None:
    """Let the Jicofo pod at `address` say that people meet; PlaneError when there is none."""
    _say(address, {"conferences": conferences, "participants": participants})


def nobody_meets(address: str) -> None:
    """Let it say that nobody meets, as it does from the start; PlaneError when there is none."""
    _say(address, {})


def unreachable(address: str) -> None:
    """Let nobody answer there until one of the others is said; PlaneError when there is none."""
    _say(address, {"unreachable": True})


def _say(address: str, what: dict[str, Any]) -> None:
    own = PodBlock.of(ipaddress.IPv4Address(address)).jicofo
    request = urllib.request.Request(
        f"http://{own}:{PORT}/pods/{address}",
        method="PUT",
        headers={"Content-Type": "application/json"},
        data=json.dumps(what).encode(),
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=SECONDS):
            return
    except urllib.error.HTTPError as error:
        with error:
            words = error.read().decode(errors="replace").strip()
        raise PlaneError(words) from error
    except OSError as error:
        raise PlaneError(f"no control plane has the pod {address}: {error}") from error
