"""What a Proxmox Backup Server answers when it refuses: a status, and a plain text."""

from __future__ import annotations

from http import HTTPStatus


class RefusedError(Exception):
    """A request is refused; the message is the body of the answer."""

    def __init__(self, message: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.status = status


def forbidden(message: str = "permission check failed.") -> RefusedError:
    """The caller may not do that."""
    return RefusedError(message, HTTPStatus.FORBIDDEN)


def unauthorised(message: str = "authentication failed - invalid credentials.") -> RefusedError:
    """Nobody knows who the caller is."""
    return RefusedError(message, HTTPStatus.UNAUTHORIZED)
