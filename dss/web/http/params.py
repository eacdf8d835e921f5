"""Path, query and header parameters: read from a handler's signature, then from each request."""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import EnumType, StrEnum
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request

from dss.kernel.errors import BadRequest, Invalid
from dss.kernel.storable import require_storable_text

HEADERS = {"idempotency_key": "Idempotency-Key"}
BOOLEANS = {"true": True, "false": False}
# Longer ones are no parameter's; Python itself refuses to read more than 4300 digits.
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,99})")
MOST_FIELDS = 100
# What msgspec says of a value that an enumeration does not have: the value itself, and where in a body it stands.
ECHO = re.compile(r"Invalid enum value .*?(?: - at `(\$[^`]*)`)?", re.DOTALL)


class Place(StrEnum):
    """Where a parameter stands, as OpenAPI names it."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"


@dataclass(frozen=True, slots=True)
class Group:
    """A handler's parameter that takes many query parameters, each as a field of a msgspec struct.

    name: as the handler calls it. make: the struct.
    """

    name: str
    make: type[msgspec.Struct]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an operation.

    name:     as the handler calls it, or the struct of its group. told: as the wire calls it.
    type:     with its constraints.
    required: False when the handler has a default.
    """

    name: str
    told: str
    place: Place
    type: Any
    required: bool
    default: Any
    group: Group | None = None

    def read(self, text: str) -> Any:
        """Read a value. Raises Invalid, naming the parameter and the limit."""
        require_storable_text(text, f"{self.place} parameter {self.told}")
        try:
            return msgspec.convert(_as_json(text, _base(self.type)), self.type)
        except msgspec.ValidationError as fault:
            raise Invalid(f"{self.place} parameter {self.told}: {misfit(fault, self.type)}") from fault


def misfit(fault: msgspec.ValidationError, declared: Any) -> str:
    """Return what does not fit and the limit, without the value: refusals are audited, and a PIN may be typed anywhere.

    declared: the struct of a body, or a parameter's type. Only enumerations right in it are told with their values.
    """
    echo = ECHO.fullmatch(str(fault))
    if echo is None:
        return str(fault)
    allowed = _member(declared, echo[1]) if echo[1] else declared
    limit = f"one of {', '.join(allowed)}" if isinstance(allowed, EnumType) else "not one of the allowed values"
    return f"{echo[1]}: {limit}" if echo[1] else limit


def parameters_of(handler: Callable[..., Any], hints: Mapping[str, Any], path: str) -> tuple[Parameter, ...]:
    """Return the parameters that a handler's signature declares."""
    in_path = set(re.findall(r"\{(\w+)\}", path))
    names = [name for name in inspect.signature(handler).parameters if name not in {"request", "body"}]
    assert in_path <= set(names), f"{handler.__name__} does not take all of {path}"
    return tuple(parameter for name in names for parameter in _declared(handler, hints, name, in_path))


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
    arguments: dict[str, Any] = {}
    gathered: dict[Group, dict[str, Any]] = {}
    for parameter in parameters:
        among = arguments if parameter.group is None else gathered.setdefault(parameter.group, {})
        among[parameter.name] = _read(parameter, sources[parameter.place])
    return arguments | {group.name: group.make(**values) for group, values in gathered.items()}


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


def _declared(
    handler: Callable[..., Any], hints: Mapping[str, Any], name: str, in_path: set[str]
) -> tuple[Parameter, ...]:
    """Return a parameter, or those that a struct groups."""
    hint = hints[name]
    if not (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
        return (_parameter(handler, hints, name, in_path),)
    return tuple(_field(Group(name, hint), field) for field in msgspec.structs.fields(hint))


def _field(group: Group, field: msgspec.structs.FieldInfo) -> Parameter:
    default = None if field.required else field.default
    told = field.encode_name
    return Parameter(field.name, told, Place.QUERY, _without_none(field.type), field.required, default, group)


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


def _member(body: type[msgspec.Struct], place: str) -> Any:
    """Return the type of a body's member, or None where a place is further down."""
    hints = {f"$.{field.encode_name}": field.type for field in msgspec.structs.fields(body)}
    return _without_none(hints[place]) if place in hints else None


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
