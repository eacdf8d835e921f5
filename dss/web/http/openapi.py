"""The public contract as a document, built from the declared operations. Source: OpenAPI 3.1.1."""

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
import yaml

from dss.kernel.errors import DssError
from dss.web.http.op import JSON, Operation, Protocol
from dss.web.http.params import Parameter
from dss.web.http.problems import ErrorForm
from dss.web.http.reading import Upload

TEMPLATE = "#/components/schemas/{name}"
TEXT = {"schema": {"type": "string"}}
SECONDS = {"schema": {"type": "integer", "minimum": 0}}


@dataclass(frozen=True, slots=True)
class Info:
    """What the document says of the API as a whole."""

    title: str
    version: str
    description: str


@dataclass(frozen=True, slots=True)
class _Schemas:
    """The schemas of all types that the protocols use, by the type."""

    of: dict[Any, dict[str, Any]]
    components: dict[str, Any]


def document(info: Info, protocols: Sequence[Protocol]) -> dict[str, Any]:
    """Return the OpenAPI document of the protocols."""
    schemas = _schemas(protocols)
    paths: dict[str, dict[str, Any]] = {}
    for protocol in protocols:
        for operation in protocol.operations:
            declared = operation.declared
            paths.setdefault(declared.path, {})[declared.method.lower()] = _operation(operation, protocol, schemas)
    securities = [protocol.security for protocol in protocols if protocol.security]
    return {
        "openapi": "3.1.1",
        "info": {"title": info.title, "version": info.version, "description": info.description},
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {security.name: dict(security.scheme) for security in securities},
        },
    }


def to_yaml(contract: dict[str, Any]) -> str:
    """Write the document as YAML; through JSON first, so that shared parts become no anchors."""
    plain = json.loads(json.dumps(contract))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)


def _schemas(protocols: Sequence[Protocol]) -> _Schemas:
    used: list[Any] = []
    for protocol in protocols:
        used.append(protocol.errors.body)
        for operation in protocol.operations:
            used += [parameter.type for parameter in operation.parameters]
            used += [body for body in (operation.body, operation.result_body) if body not in {None, Upload}]
    schemas, components = msgspec.json.schema_components(used, ref_template=TEMPLATE)
    return _Schemas(dict(zip(used, schemas, strict=True)), dict(sorted(components.items())))


def _operation(operation: Operation, protocol: Protocol, schemas: _Schemas) -> dict[str, Any]:
    summary, _, description = (inspect.getdoc(operation.handler) or "").partition("\n")
    told: dict[str, Any] = {"operationId": operation.name, "tags": [protocol.name], "summary": summary}
    if description:
        told["description"] = description.strip()
    if operation.parameters:
        told["parameters"] = [_parameter(parameter, schemas) for parameter in operation.parameters]
    if operation.body is not None:
        told["requestBody"] = _request_body(operation, schemas)
    told["responses"] = {str(operation.declared.status): _success(operation, schemas)}
    if operation.takes_time:
        told["responses"][str(HTTPStatus.ACCEPTED.value)] = _not_yet()
    told["responses"] |= _refusals(operation, protocol, schemas)
    if protocol.security and not operation.declared.public:
        told["security"] = [{protocol.security.name: []}]
    return told


def _parameter(parameter: Parameter, schemas: _Schemas) -> dict[str, Any]:
    schema = dict(schemas.of[parameter.type])
    description = schema.pop("description", None)
    told = {"name": parameter.told, "in": parameter.place.value, "required": parameter.required}
    if description:
        told["description"] = description
    if parameter.default is not None:
        schema["default"] = parameter.default
    return {**told, "schema": schema}


def _request_body(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    if operation.body is Upload:
        content: dict[str, Any] = {name: {} for name in operation.declared.takes}
    else:
        content = {name: {"schema": schemas.of[operation.body]} for name in operation.declared.takes}
    limit = f"At most {operation.declared.limit} bytes."
    return {"required": True, "description": limit, "content": content}


def _success(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    declared = operation.declared
    told: dict[str, Any] = {"description": HTTPStatus(declared.status).phrase}
    headers: dict[str, Any] = dict.fromkeys(declared.tells, TEXT)
    if operation.creates:
        headers["Location"] = {**TEXT, "required": True, "description": "Where the new object can be read."}
    if headers:
        told["headers"] = headers
    if operation.result_body is not None:
        told["content"] = {JSON: {"schema": schemas.of[operation.result_body]}}
    elif operation.is_ready_made:
        told["content"] = {name: {} for name in declared.gives}
    return told


def _not_yet() -> dict[str, Any]:
    return {"description": "It is being made: ask again.", "headers": {"Retry-After": {**SECONDS, "required": True}}}


def _refusals(operation: Operation, protocol: Protocol, schemas: _Schemas) -> dict[str, Any]:
    form = protocol.errors
    by_status: dict[int, list[type[DssError]]] = {}
    for error in operation.errors:
        by_status.setdefault(form.status(error), []).append(error)
    content = {form.media_type: {"schema": schemas.of[form.body]}}
    return {
        str(status): {"description": _titles(form, kinds), **_headers(status, operation, protocol), "content": content}
        for status, kinds in sorted(by_status.items())
    }


def _titles(form: ErrorForm, kinds: list[type[DssError]]) -> str:
    return "; ".join(f"{form.code(kind)}: {kind.title}" for kind in kinds)


def _headers(status: int, operation: Operation, protocol: Protocol) -> dict[str, Any]:
    told: dict[str, Any] = dict.fromkeys(operation.declared.tells, TEXT)
    if status == HTTPStatus.UNAUTHORIZED:
        told["WWW-Authenticate"] = {**TEXT, "required": True}
        if protocol.security and not operation.declared.public:
            told |= dict.fromkeys(protocol.security.tells, TEXT)
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        told["Retry-After"] = SECONDS
    return {"headers": told} if told else {}
