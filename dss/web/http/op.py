"""What a protocol declares of each operation; the kit serves it, checks it and documents it from this one place."""

import types
import typing
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from starlette.responses import Response

from dss.kernel.errors import (
    BadRequest,
    DssError,
    Invalid,
    NotFound,
    Tampered,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMedia,
)
from dss.web.http.params import Parameter, Place, parameters_of
from dss.web.http.problems import PROBLEMS, ErrorForm
from dss.web.http.security import InsufficientScope, Security

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
DEFAULT_LIMIT: Final = 1024 * 1024

Handler = Callable[..., Awaitable[Any]]
Body = TypeVar("Body")


@dataclass(frozen=True, slots=True)
class Created(Generic[Body]):
    """A 201 answer: the new object, and the path where it can be read."""

    body: Body
    location: str


@dataclass(frozen=True, slots=True)
class NotYet:
    """A 202 answer without a body: what was asked for is being made.

    retry_after: whole seconds after which it may be there.
    """

    retry_after: int = 1


@dataclass(frozen=True, slots=True)
class op:  # noqa: N801  used as a decorator, so named as one
    """Declares an operation; decorates its handler.

    path:   as Starlette writes it, `{name}` for each path parameter.
    status: of success.
    scope:  that the caller must have, if one is named; of several, any one.
    public: served without authentication.
    errors: what the handler may raise beyond what the kit adds (`Operation.errors`); only their statuses count.
    takes:  content types of the request's body, for handlers with a parameter `body`.
    gives:  content types of a success.
    limit:  of the request's body, in bytes.
    tells:  headers that any answer may carry besides.

    The handler takes the request; then, by name, the path's parameters; `body`, a msgspec struct (JSON or a form) or
    an `Upload`; `idempotency_key`, the header; and query parameters. It returns a struct, `Created`, None (with
    status 204) or a Starlette response; and `NotYet`, where that is one option of the type that it returns. Its
    docstring becomes the summary (first line) and the description.
    """

    method: str
    path: str
    status: int = 200
    scope: str | tuple[str, ...] = ()
    public: bool = False
    errors: tuple[type[DssError], ...] = ()
    takes: tuple[str, ...] = (JSON,)
    gives: tuple[str, ...] = (JSON,)
    limit: int = DEFAULT_LIMIT
    tells: tuple[str, ...] = ()

    def __call__(self, handler: Handler) -> "Operation":
        """Read the handler's signature; return the operation."""
        hints = typing.get_type_hints(handler, include_extras=True)
        returned = _options(hints.get("return"))
        (result,) = (option for option in returned if option is not NotYet)
        return Operation(
            declared=self,
            handler=handler,
            parameters=parameters_of(handler, hints, self.path),
            body=hints.get("body"),
            result=result,
            takes_time=NotYet in returned,
        )


@dataclass(frozen=True, slots=True)
class Operation:
    """A declared operation.

    body:   the type of the handler's `body`, or None.
    result: the type that the handler returns with a success.
    takes_time: True when the handler may return `NotYet` instead.
    """

    declared: op
    handler: Handler
    parameters: tuple[Parameter, ...]
    body: Any
    result: Any
    takes_time: bool

    @property
    def name(self) -> str:
        """The handler's name, which is the operation's id in the OpenAPI document."""
        return self.handler.__name__

    @property
    def scopes(self) -> tuple[str, ...]:
        """Those of which the caller must have one; none where it needs none."""
        scope = self.declared.scope
        return (scope,) if isinstance(scope, str) else scope

    @property
    def errors(self) -> tuple[type[DssError], ...]:
        """All that may be raised: what is declared, and what the kit itself raises for such an operation."""
        declared = self.declared
        found: list[type[DssError]] = [BadRequest, Invalid, Tampered, Unavailable]
        if not declared.public:
            found.append(Unauthenticated)
        if self.scopes:
            found.append(InsufficientScope)
        if any(parameter.place is Place.PATH for parameter in self.parameters):
            found.append(NotFound)
        if self.body is not None:
            found += [TooLarge, UnsupportedMedia]
        return tuple(dict.fromkeys([*found, *declared.errors]))

    @property
    def result_body(self) -> Any:
        """The struct of a success, or None where it has no body or a ready-made one."""
        if typing.get_origin(self.result) is Created:
            return typing.get_args(self.result)[0]
        return None if self.result is type(None) or self.is_ready_made else self.result

    @property
    def is_ready_made(self) -> bool:
        """True when the handler itself makes the answer, in one of the types that it gives."""
        return isinstance(self.result, type) and issubclass(self.result, Response)

    @property
    def creates(self) -> bool:
        """True when a success tells a Location."""
        return typing.get_origin(self.result) is Created


@dataclass(frozen=True, slots=True)
class Protocol:
    """Operations that share a way to authenticate and a form of errors.

    name:     of the tag in the OpenAPI document.
    security: None where every operation is public.
    """

    name: str
    operations: tuple[Operation, ...]
    security: Security | None = None
    errors: ErrorForm = PROBLEMS


def _options(hint: Any) -> tuple[Any, ...]:
    """Return what a union is made of, or the one type that is none."""
    return typing.get_args(hint) if typing.get_origin(hint) in {typing.Union, types.UnionType} else (hint,)
