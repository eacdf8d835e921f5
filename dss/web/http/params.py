"""Path, query and header parameters: read from a handler's signature, then from each request."""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from dss.kernel.errors import BadRequest, Invalid
from dss.web.http.safe import require_storable_text

HEADERS = {"idempotency_key": "Idempotency-Key"}
BOOLEANS = {"true": True, "false": False}
# Longer ones are no parameter's; Python itself refuses to read more than 4300 digits.
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,99})")
MOST_FIELDS = 100


class Place(StrEnum):
    """Where a parameter stands, as OpenAPI names it."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation.

    name:     as the handler calls it. told: as the wire calls it.
    type:     with its constraints.
    required: False when the handler has a default.
    """

    name: str
    told: str
    place: Place
    type: Any
    required: bool
    default: Any

    def read(self, text: str) -> Any:
        """Read a value. Raises Invalid, naming the parameter and the limit."""
        require_storable_text(text, f"{self.place} parameter {self.told}")
        try:
            return msgspec.convert(_as_json(text, _base(self.type)), self.type)
        except msgspec.ValidationError as fault:
            raise Invalid(f"{self.place} parameter {self.told}: {fault}") from fault


def parameters_of(handler: Callable[..., Any], hints: Mapping[str, Any], path: str) -> tuple[Parameter, ...]:
    """Return the parameters that a handler's signature declares."""
    in_path = set(re.findall(r"\{(\w+)\}", path))
    names = [name for name in inspect.signature(handler).parameters if name not in {"request", "body"}]
    assert in_path <= set(names), f"{handler.__name__} does not take all of {path}"
    return tuple(_parameter(handler, hints, name, in_path) for name in names)


def read_parameters(request: Request, parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """Return the handler's arguments. Raises BadRequest and Invalid; unknown query parameters are refused."""
    query = read_pairs(request.scope["query_string"], "query")
    sources: dict[Place, Mapping[str, str]] = {
        Place.PATH: request.path_params,
        Place.QUERY: query,
        Place.HEADER: request.headers,
    }
    known = {parameter.told for parameter in parameters if parameter.place is Place.QUERY}
    for name in query:
        if name not in known:
            raise Invalid(f"query parameter {name} is not known here")
    return {parameter.name: _read(parameter, sources[parameter.place]) for parameter in parameters}


def read_pairs(encoded: bytes, what: str) -> dict[str, str]:
    """Read a query or a form (application/x-www-form-urlencoded, UTF-8). Raises BadRequest, also on a name twice."""
    try:
        pairs = parse_qsl(encoded.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as fault:
        raise BadRequest(f"the {what} is not percent-encoded UTF-8 of at most {MOST_FIELDS} fields") from fault
    values = dict(pairs)
    if len(values) != len(pairs):
        raise BadRequest(f"a name stands twice in the {what}")
    return values


def _parameter(handler: Callable[..., Any], hints: Mapping[str, Any], name: str, in_path: set[str]) -> Parameter:
    default = inspect.signature(handler).parameters[name].default
    required = default is inspect.Parameter.empty
    place = Place.PATH if name in in_path else Place.HEADER if name in HEADERS else Place.QUERY
    told = HEADERS.get(name, name)
    return Parameter(name, told, place, _without_none(hints[name]), required, None if required else default)


def _read(parameter: Parameter, source: Mapping[str, str]) -> Any:
    if parameter.told in source:
        return parameter.read(source[parameter.told])
    if parameter.required:
        raise Invalid(f"{parameter.place} parameter {parameter.told} is missing")
    return parameter.default


def _without_none(hint: Any) -> Any:
    """Return the type of a parameter that is given: None stands for one that is not."""
    if typing.get_origin(hint) not in {typing.Union, types.UnionType}:
        return hint
    (given,) = (option for option in typing.get_args(hint) if option is not type(None))
    return given


def _base(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) is typing.Annotated else hint


def _as_json(text: str, base: Any) -> Any:
    if base is int and INTEGER.fullmatch(text):
        return int(text)
    if base is bool:
        return BOOLEANS.get(text, text)
    return text
