"""From declared operations to Starlette's routes: authenticate, read, call, answer; and one way for every refusal."""

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dss.kernel.errors import BadRequest, DssError
from dss.web.http.op import JSON, Created, NotYet, Operation, Protocol
from dss.web.http.params import read_parameters
from dss.web.http.problems import printable
from dss.web.http.reading import read_body
from dss.web.http.security import require_scope
from dss.web.http.services import services_of

LONGEST_SUBJECT = 128
SINGLE = ("Authorization", "Content-Type", "Idempotency-Key")

log = structlog.get_logger(__name__)


def routes(protocols: Sequence[Protocol], *, strict: bool = False) -> list[Route]:
    """Return one route for each path of the protocols; `request.state.services` must be there when they are called.

    strict: an answer that was not declared is an AssertionError, for tests; otherwise it is logged, and given.
    """
    by_path: dict[str, dict[str, Endpoint]] = {}
    for protocol in protocols:
        for operation in protocol.operations:
            endpoints = by_path.setdefault(operation.declared.path, {})
            assert operation.declared.method not in endpoints, f"{operation.name} is declared twice"
            endpoints[operation.declared.method] = Endpoint(protocol, operation, strict)
    return [_route(path, endpoints) for path, endpoints in by_path.items()]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Serves one operation."""

    protocol: Protocol
    operation: Operation
    strict: bool

    async def serve(self, request: Request) -> Response:
        """Answer a request; a DssError becomes the protocol's form of it.

        `request.state.answer_headers` takes what the answer tells besides, whatever becomes of the request.
        """
        request.state.caller, request.state.answer_headers = None, {}
        response = await self._served(request)
        response.headers.update(request.state.answer_headers)
        return response

    async def _served(self, request: Request) -> Response:
        try:
            return self._answer(await self._result(request))
        except DssError as error:
            error.detail = printable(error.detail)
            await _audit(request, error)
            return self._refusal(request, error)

    async def _result(self, request: Request) -> Any:
        declared = self.operation.declared
        _require_single(request)
        if self.protocol.security and not declared.public:
            request.state.caller = await self.protocol.security.authenticate(request)
        if self.operation.scopes:
            require_scope(request.state.caller, self.operation.scopes)
        arguments = read_parameters(request, self.operation.parameters)
        if self.operation.body is not None:
            arguments["body"] = await read_body(request, self.operation.body, declared.takes, declared.limit)
        return await self.operation.handler(request, **arguments)

    def _answer(self, result: Any) -> Response:
        declared = self.operation.declared
        if isinstance(result, Response):
            self._require(result.media_type in declared.gives, f"gave {result.media_type}")
            return result
        if isinstance(result, NotYet):
            self._require(self.operation.takes_time, "gave NotYet")
            return Response(status_code=HTTPStatus.ACCEPTED, headers={"Retry-After": str(result.retry_after)})
        if isinstance(result, Created):
            headers = {"Location": result.location}
            return Response(msgspec.json.encode(result.body), declared.status, headers, JSON)
        if result is None:
            return Response(status_code=declared.status)
        return Response(msgspec.json.encode(result), declared.status, media_type=JSON)

    def _refusal(self, request: Request, error: DssError) -> Response:
        form = self.protocol.errors
        status = form.status(type(error))
        self._require(status in {form.status(kind) for kind in self.operation.errors}, f"raised {error.code}, {status}")
        response = form.render(error)
        challenge = self.protocol.security and self.protocol.security.challenge(request, error)
        if challenge:
            response.headers["WWW-Authenticate"] = challenge
        return response

    def _require(self, kept: bool, did: str) -> None:
        """Hold the declaration against what happened."""
        if kept:
            return
        if self.strict:
            raise AssertionError(f"{self.operation.name} {did}, which it does not declare")
        log.error("undeclared answer", operation=self.operation.name, did=did)


def _route(path: str, endpoints: dict[str, Endpoint]) -> Route:
    """Join the methods of a path, so that the Allow of a 405 names them all (RFC 9110 section 15.5.6)."""

    async def serve(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method].serve(request)

    return Route(path, serve, methods=list(endpoints), name=path)


def _require_single(request: Request) -> None:
    """Raise BadRequest if a header stands twice that a proxy in front may have read another way."""
    for name in SINGLE:
        if len(request.headers.getlist(name)) > 1:
            raise BadRequest(f"the header {name} stands more than once")


async def _audit(request: Request, error: DssError) -> None:
    """Tell the audit log of a refusal, unless nobody knows whose it is: an open door must not fill the log."""
    caller = request.state.caller
    if caller is None:
        return
    subject = printable(f"{request.method} {request.url.path}")[:LONGEST_SUBJECT]
    try:
        await services_of(request).audit.refused(caller.actor, subject, error)
    except DssError:
        log.exception("refusal not audited", actor=caller.actor, subject=subject, refused=error.code)
