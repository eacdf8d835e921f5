"""Errors as problem documents. Source: RFC 9457."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
import structlog
from msgspec import Meta
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from dss.kernel.errors import BadRequest, DssError, NotFound

PROBLEM_JSON = "application/problem+json"
LONGEST_DETAIL = 300

log = structlog.get_logger(__name__)


class MethodNotAllowed(DssError):
    """The path is known, and does not take this method."""

    code, status, title = "method_not_allowed", 405, "The method is not allowed here"


class Problem(msgspec.Struct, omit_defaults=True):
    """Why a request was not served."""

    type: Annotated[str, Meta(description="urn:dss:error: and a stable code.", pattern="^urn:dss:error:[a-z_]+$")]
    title: Annotated[str, Meta(description="What the code means.")]
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: Annotated[str, Meta(description="What is wrong in this request.", max_length=LONGEST_DETAIL)] = ""


@dataclass(frozen=True, slots=True)
class ErrorForm:
    """How a protocol tells its errors.

    render: writes an error as an answer.
    code:   what a kind of error is called in this protocol.
    status: the HTTP status of a kind of error in this protocol.
    body:   the struct that `render` writes.
    """

    render: Callable[[DssError], Response]
    code: Callable[[type[DssError]], str]
    status: Callable[[type[DssError]], int]
    body: type[msgspec.Struct]
    media_type: str


def printable(text: str) -> str:
    """Return text that is safe in a log, a database and an answer: cut, and without control characters and the like."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text[:LONGEST_DETAIL])


def problem(error: DssError) -> Response:
    """Write an error as application/problem+json."""
    body = Problem(f"urn:dss:error:{error.code}", error.title, error.status, printable(error.detail))
    headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
    return Response(msgspec.json.encode(body), error.status, headers, PROBLEM_JSON)


def _own_code(error: type[DssError]) -> str:
    return error.code


def _own_status(error: type[DssError]) -> int:
    return error.status


PROBLEMS = ErrorForm(problem, _own_code, _own_status, Problem, PROBLEM_JSON)


def exception_handlers() -> Mapping[Any, Any]:
    """Return Starlette's handlers for all that happens outside the operations, defects among it."""
    return {
        DssError: _refused,
        HTTPException: _of_the_framework,
        ClientDisconnect: _nobody_listens,
        Exception: _unexpected,
    }


async def _refused(_: Request, error: DssError) -> Response:
    return problem(error)


def error_of(refused: HTTPException) -> DssError:
    """Return what the framework refuses as an error of ours."""
    kind = {404: NotFound, 405: MethodNotAllowed}.get(refused.status_code, BadRequest)
    return kind()


async def _of_the_framework(_: Request, refused: HTTPException) -> Response:
    response = problem(error_of(refused))
    if refused.headers and "Allow" in refused.headers:
        response.headers["Allow"] = ", ".join(sorted(refused.headers["Allow"].split(", ")))
    return response


async def _nobody_listens(_: Request, __: ClientDisconnect) -> Response:
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Tell nothing of a defect to the caller: its text may hold what is not theirs."""
    log.error("unhandled error", method=request.method, path=printable(_path(request)), exc_info=error)
    return problem(DssError())


def _path(request: Request) -> str:
    """Return the path without the mac of a letter's link: whoever reads it in a log could follow the link."""
    mac = request.path_params.get("mac")
    return request.url.path.replace(mac, "[hidden]") if mac else request.url.path
