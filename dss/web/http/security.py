"""Who calls: what the kit asks of a protocol's authentication."""

import typing
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from dss.kernel.errors import DssError, Forbidden


class Caller(typing.Protocol):
    """An authenticated caller. Where operations need scopes it also has `scopes`, a frozenset of texts."""

    @property
    def actor(self) -> str:
        """Who it is in the audit log, as `kind:id`."""
        ...


class InsufficientScope(Forbidden):
    """The access token carries none of the scopes of which the operation needs one; scope: one that suffices."""

    code, title = "insufficient_scope", "The access token lacks a scope"

    def __init__(self, scopes: tuple[str, ...]) -> None:
        super().__init__(f"this operation needs the scope {' or '.join(scopes)}")
        self.scope = scopes[0]


@dataclass(frozen=True, slots=True)
class Security:
    """How the callers of a protocol prove who they are.

    name:         of the security scheme in the OpenAPI document.
    scheme:       the OpenAPI security scheme object.
    authenticate: returns the caller. Raises Unauthenticated.
    challenge:    returns the text of WWW-Authenticate for a refusal, or None (RFC 9110 section 11.6.1).
    tells:        headers that a 401 may carry besides.
    """

    name: str
    scheme: Mapping[str, Any]
    authenticate: Callable[[Request], Awaitable[Caller]]
    challenge: Callable[[Request, DssError], str | None]
    tells: tuple[str, ...] = ()


def require_scope(caller: Any, scopes: tuple[str, ...]) -> None:
    """Raise InsufficientScope unless the caller has one of the scopes."""
    if not caller.scopes & set(scopes):
        raise InsufficientScope(scopes)
