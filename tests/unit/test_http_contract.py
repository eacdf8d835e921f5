"""The OpenAPI document of declared operations, and a server that keeps it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, settings
from schemathesis.core.failures import FailureGroup

from dss.web.http.op import Protocol
from dss.web.http.openapi import Info, document, to_yaml
from tests.world.asgi import application
from tests.world.contract import Later, assert_committed, random_requests
from tests.world.sample_api import BEARER, SAMPLE, keep_note, read_file, read_note

INFO = Info("Notes", "1", "A small API.")
WRITER = {"Authorization": "Bearer writer"}


@pytest.fixture
def told() -> dict[str, Any]:
    return document(INFO, (SAMPLE,))


@pytest.fixture(scope="module", autouse=True)
def server() -> None:
    later.app = application((SAMPLE,))


later = Later()
requests = random_requests(document(INFO, (SAMPLE,)), later)


@requests.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_requests_get_declared_answers_only(case):
    case.call_and_validate(headers=WRITER)


def test_a_server_that_gives_what_it_does_not_declare_is_found(told):
    del told["paths"]["/health"]["get"]["responses"]["200"]
    case = random_requests(told, later)["/health"]["GET"].Case()

    with pytest.raises(FailureGroup):
        case.call_and_validate()


def test_the_document_says_what_an_operation_takes_and_gives(told):
    operation = told["paths"]["/notes"]["post"]

    assert operation["operationId"] == "keep_note"
    assert operation["summary"] == "Keep a note."
    assert operation["description"] == "A note is kept for ever."
    assert operation["security"] == [{"bearer": []}]
    assert operation["requestBody"]["required"] is True
    assert operation["requestBody"]["description"] == "At most 1048576 bytes."
    assert list(operation["responses"]) == ["201", "400", "401", "403", "409", "413", "415", "422", "423", "503"]
    assert operation["responses"]["201"]["headers"]["Location"]["required"] is True


def test_the_document_says_where_each_parameter_stands_and_its_limits(told):
    by_name = {one["name"]: one for one in told["paths"]["/notes/{id}"]["get"]["parameters"]}

    assert by_name["wait"] == {
        "name": "wait",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 0, "maximum": 60, "default": 0},
    }
    assert (by_name["id"]["in"], by_name["id"]["required"]) == ("path", True)
    (key,) = told["paths"]["/notes"]["post"]["parameters"]
    assert (key["name"], key["in"], key["schema"]["maxLength"]) == ("Idempotency-Key", "header", 255)


def test_unknown_members_are_forbidden_by_the_document_too(told):
    assert told["components"]["schemas"]["NewNote"]["additionalProperties"] is False


def test_files_have_their_media_types_in_the_document(told):
    assert set(told["paths"]["/files"]["post"]["requestBody"]["content"]) == {"application/pdf", "image/png"}
    assert set(told["paths"]["/file"]["get"]["responses"]["200"]["content"]) == {"application/pdf"}


def test_the_document_says_what_takes_its_time(told):
    responses = told["paths"]["/copies/{id}"]["get"]["responses"]

    assert responses["202"] == {
        "description": "It is being made: ask again.",
        "headers": {"Retry-After": {"schema": {"type": "integer", "minimum": 0}, "required": True}},
    }
    assert responses["200"] == {"description": "OK", "content": {"application/json": {}}}
    assert "202" not in told["paths"]["/file"]["get"]["responses"]


def test_a_public_operation_has_no_security_in_the_document(told):
    assert "security" not in told["paths"]["/health"]["get"]
    assert "401" not in told["paths"]["/health"]["get"]["responses"]


def test_refusals_are_problem_documents_in_the_document(told):
    refusal = told["paths"]["/notes"]["post"]["responses"]["409"]

    assert refusal["description"] == "conflict: The object is not in the required state"
    assert refusal["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_headers_that_answers_carry_besides_are_in_the_document():
    read = replace(read_note, declared=replace(read_note.declared, tells=("Next",)))
    protocol = replace(SAMPLE, operations=(read,), security=replace(BEARER, tells=("Nonce",)))
    ((_, operation),) = document(INFO, (protocol,))["paths"][read.declared.path].items()

    headers = {status: set(answer.get("headers", ())) for status, answer in operation["responses"].items()}

    assert headers["401"] == {"Next", "Nonce", "WWW-Authenticate"}
    assert headers["503"] == {"Next", "Retry-After"}
    assert headers["200"] == headers["404"] == {"Next"}


def test_the_yaml_says_the_same_without_anchors(told):
    text = to_yaml(told)

    assert yaml.safe_load(text) == told
    assert "&id" not in text


def test_the_committed_file_must_be_the_generated_one(told, tmp_path: Path):
    committed = tmp_path / "openapi.yaml"
    committed.write_text(to_yaml(told), encoding="utf-8")
    assert_committed(committed, told)

    changed = document(INFO, (Protocol("sample", (keep_note, read_file), BEARER),))
    with pytest.raises(AssertionError, match=r"-  /notes/\{id\}:"):
        assert_committed(committed, changed)


def test_a_committed_file_that_is_not_there_is_no_contract(told, tmp_path: Path):
    with pytest.raises(AssertionError):
        assert_committed(tmp_path / "openapi.yaml", told)


def test_a_handler_that_does_not_take_its_path_is_found_when_it_is_declared():
    with pytest.raises(AssertionError, match="does not take all of"):
        type(keep_note.declared)("GET", "/notes/{id}")(keep_note.handler)


def test_the_name_of_an_operation_is_its_handlers():
    assert read_note.name == "read_note"
