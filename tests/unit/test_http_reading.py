"""What the kit reads: bodies, parameters, and what it refuses in them."""

import json
import tracemalloc
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dss.kernel.storable import require_storable_json
from dss.web.http.params import misfit
from tests.world.asgi import application, client
from tests.world.sample_api import NOTE, SAMPLE, UPLOAD_LIMIT, NewNote

JSON = {"Content-Type": "application/json"}
WRITER = {"Authorization": "Bearer writer"}


class Wrapped(msgspec.Struct):
    """A body with a value further down."""

    note: NewNote


@pytest.fixture
async def api() -> AsyncIterator[httpx.AsyncClient]:
    async with client(application((SAMPLE,))) as caller:
        caller.headers.update(WRITER)
        yield caller


async def keep(api: httpx.AsyncClient, content: bytes | str, **headers: str) -> httpx.Response:
    return await api.post("/notes", content=content, headers={**JSON, **headers})


async def test_a_body_is_decoded_and_the_new_object_is_told(api):
    kept = await keep(api, '{"text": "hello", "colour": "blue", "copies": 2}', **{"Idempotency-Key": "k-1"})

    assert kept.status_code == 201
    assert kept.headers["location"] == f"/notes/{NOTE}"
    assert kept.headers["content-type"] == "application/json"
    assert kept.json() == {"id": NOTE, "text": "hello", "colour": "blue", "key": "k-1"}


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"text": 1}', ["$.text", "str"]),
        ('{"text": ""}', ["$.text", "1"]),
        ('{"text": "' + "x" * 21 + '"}', ["$.text", "20"]),
        ('{"text": "x", "copies": 10}', ["$.copies", "9"]),
        ('{"text": "x", "copies": 1.5}', ["$.copies", "int"]),
        ('{"text": "x", "colour": "green"}', ["$.colour", "one of red, blue"]),
        ('{"text": "x", "tags": ["a", 5]}', ["$.tags[1]"]),
        ('{"text": "x", "tags": ["a", "b", "c", "d"]}', ["$.tags", "3"]),
        ('{"text": "x", "state": "confirmed"}', ["state", "unknown"]),
        ("{}", ["text", "missing"]),
        ("[]", ["object"]),
        ("null", ["object"]),
        ('{"text": "a\\u0000b"}', ["$.text", "U+0000"]),
        ('{"text": "x", "tags": ["\\u0000"]}', ["$.tags[0]", "U+0000"]),
        ('{"\\u0000": "x"}', ["U+0000"]),
        ('{"text": "\\ud800"}', ["$.text", "U+D800"]),
        ('{"text": "\\udc00\\ud800"}', ["$.text", "surrogate"]),
        ('{"text": "x", "copies": 9007199254740992}', ["$.copies", "53 bits"]),
        ('{"text": "x", "copies": -10000000000000000000000000000000000000000}', ["$.copies", "53 bits"]),
    ],
)
async def test_a_value_that_does_not_fit_is_422_naming_its_place_and_the_limit(api, body, named):
    """T31: members that the contract does not have are refused."""
    answer = await keep(api, body)

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:dss:error:invalid"
    for part in named:
        assert part.replace("surrogate", "U+D") in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'text': 'x'}",
        b'{"text": "x"} trailing',
        b'{"text": "\xff"}',
        b"\xff\xfe{\x00}\x00",
        b'\xef\xbb\xbf{"text": "x"}',
        b'{"text": "\x00"}',
        b'{"text": "x", "copies": NaN}',
        b'{"text": "x", "copies": 01}',
        b'{"text": "x", "copies": ' + b"9" * 5000 + b"}",
        b'{"text": "\\u0041", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
async def test_what_is_not_json_in_utf8_is_400(api, body):
    """RFC 8259 section 8.1."""
    answer = await keep(api, body)

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:dss:error:bad_request"


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b'{"text":' + b"[" * 1_000_000, b'{"text":' + b'{"a":' * 200_000])
async def test_deep_nesting_is_refused_as_any_other_wrong_value(api, body):
    assert (await keep(api, body)).status_code in {400, 422}


async def test_text_with_escaped_pairs_and_backslashes_is_not_mistaken_for_what_is_refused(api):
    body = json.dumps({"text": "😀 \\u0000 \\ud800"})

    answer = await keep(api, body)

    assert answer.json()["text"] == "😀 \\u0000 \\ud800"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=30), member=st.text(max_size=5), number=st.integers())
async def test_no_json_makes_a_failure_of_the_server(api, text, member, number):
    answer = await keep(api, json.dumps({"text": text, "copies": number, member: [number, text]}))

    assert answer.status_code in {201, 400, 422}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60))
async def test_no_bytes_make_a_failure_of_the_server(api, body):
    assert (await keep(api, body)).status_code in {400, 422}


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"'],
)
async def test_a_charset_of_utf8_is_taken(api, content_type):
    assert (await keep(api, '{"text": "x"}', **{"Content-Type": content_type})).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/json-patch", "application/x-www-form-urlencoded", "application/json, text/plain"],
)
async def test_another_content_type_is_415_naming_the_one_that_is_taken(api, content_type):
    answer = await keep(api, '{"text": "x"}', **{"Content-Type": content_type})

    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


async def test_a_json_body_without_a_content_type_is_415(api):
    assert (await api.post("/notes", content=b'{"text": "x"}')).status_code == 415


@pytest.mark.parametrize(
    "headers",
    [{"Content-Type": "application/json; charset=utf-16"}, {"Content-Encoding": "gzip"}, {"Content-Encoding": ""}],
)
async def test_another_charset_and_any_content_encoding_is_415(api, headers):
    """RFC 9110 section 15.5.16."""
    assert (await keep(api, '{"text": "x"}', **headers)).status_code == 415


@pytest.mark.parametrize("body", [b"x" * (1024 * 1024 + 1), b"x" * (2 * 1024 * 1024)])
async def test_a_json_body_over_one_mebibyte_is_413_naming_the_limit(api, body):
    answer = await keep(api, body)

    assert answer.status_code == 413
    assert "1048576 bytes" in answer.json()["detail"]


async def one_too_many() -> AsyncIterator[bytes]:
    for _ in range(UPLOAD_LIMIT):
        yield b"x"
    yield b"x"


@pytest.mark.parametrize("length", ["", "1", "-5", "x", "99999999999999999999999999"])
async def test_an_upload_is_counted_as_it_comes_whatever_length_it_claims(api, length):
    """T56."""
    headers = {"Content-Type": "application/pdf"} | ({"Content-Length": length} if length else {})
    answer = await api.post("/files?name=a", content=one_too_many(), headers=headers)

    assert answer.status_code == 413
    assert f"{UPLOAD_LIMIT} bytes" in answer.json()["detail"]


async def test_an_upload_of_exactly_the_limit_is_taken(api):
    headers = {"Content-Type": "application/PDF; x=y"}
    answer = await api.post("/files?name=a", content=b"x" * UPLOAD_LIMIT, headers=headers)

    assert answer.json() == {"size": UPLOAD_LIMIT, "media_type": "application/pdf"}


async def test_an_upload_of_another_type_is_415_naming_all_that_are_taken(api):
    answer = await api.post("/files?name=a", content=b"x", headers={"Content-Type": "text/html"})

    assert answer.json()["detail"] == "the content type must be application/pdf or image/png"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("wait=61", ["wait", "60"]),
        ("wait=-1", ["wait", "0"]),
        ("wait=", ["wait", "int"]),
        ("wait=1.0", ["wait", "int"]),
        ("wait=1e1", ["wait", "int"]),
        ("wait=%201", ["wait", "int"]),
        ("wait=007", ["wait", "int"]),
        ("wait=%D9%A3", ["wait", "int"]),
        ("wait=" + "9" * 99, ["wait"]),
        ("wait=" + "9" * 5000, ["wait"]),
        ("big=yes", ["big", "bool"]),
        ("big=1", ["big", "bool"]),
        ("colour=green", ["colour", "one of red, blue"]),
        ("colour=%00", ["colour", "U+0000"]),
        ("unknown=1", ["unknown"]),
        ("Wait=1", ["Wait"]),
    ],
)
async def test_a_query_parameter_that_does_not_fit_is_422_naming_it(api, query, named):
    answer = await api.get(f"/notes/{NOTE}?{query}")

    assert answer.status_code == 422
    for part in named:
        assert part in answer.json()["detail"]


@pytest.mark.parametrize("typed", ["135790", "13'5790", "13\"'5790", "135790` - at `$.text`", "13\n5790"])
async def test_t53_a_value_that_is_none_of_those_allowed_is_not_repeated(api, typed):
    """A PIN may be typed into any field, and what is refused may be kept."""
    in_body = await keep(api, json.dumps({"text": "x", "colour": typed}))
    in_query = await api.get(f"/notes/{NOTE}", params={"colour": typed})

    assert (in_body.status_code, in_body.json()["detail"]) == (422, "$.colour: one of red, blue")
    assert (in_query.status_code, in_query.json()["detail"]) == (422, "query parameter colour: one of red, blue")


def test_t53_a_value_far_down_in_a_body_is_not_repeated():
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({"note": {"text": "x", "colour": "135790"}}, Wrapped)

    assert misfit(refused.value, Wrapped) == "$.note.colour: not one of the allowed values"


@pytest.mark.parametrize("query", ["wait=1&wait=2", "colour=%ff", "&".join(f"a{n}=1" for n in range(101))])
async def test_a_query_that_cannot_be_read_is_400(api, query):
    assert (await api.get(f"/notes/{NOTE}?{query}")).status_code == 400


async def test_query_parameters_are_read_as_their_types(api):
    answer = await api.get(f"/notes/{NOTE}?wait=60&big=true&colour=red")

    assert answer.json() == {"id": NOTE, "text": "60 True", "colour": "red", "key": None}


@pytest.mark.parametrize("id", ["x", NOTE.lower(), NOTE + "0", NOTE[:-1] + "U", NOTE + "%0A", NOTE[:-1] + "%00"])
async def test_a_path_parameter_that_does_not_fit_is_422(api, id):
    answer = await api.get(f"/notes/{id}")

    assert answer.status_code == 422
    assert "path parameter id" in answer.json()["detail"]


async def test_a_parameter_without_a_default_must_be_there(api):
    answer = await api.post("/files", content=b"x", headers={"Content-Type": "application/pdf"})

    assert (answer.status_code, answer.json()["detail"]) == (422, "query parameter name is missing")


@pytest.mark.parametrize("key", ["", "two words", "x" * 256, "é".encode(), b"\x7f"])
async def test_an_idempotency_key_is_1_to_255_visible_ascii_characters(api, key):
    answer = await keep(api, '{"text": "x"}', **{"Idempotency-Key": key})

    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["!", "x" * 255, "a/b:c~"])
async def test_an_idempotency_key_reaches_the_operation_as_it_is(api, key):
    assert (await keep(api, '{"text": "x"}', **{"Idempotency-Key": key})).json()["key"] == key


def test_t56_a_long_name_over_many_elements_costs_no_more_memory_than_the_body():
    body = b'{"' + b"n" * 200_000 + b'\\u0041": [' + b"0," * 100_000 + b"0]}"
    tracemalloc.start()
    require_storable_json(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * len(body)
