"""Requests of /v1 that cannot be read: content types, JSON, parameters."""

import json

import pytest

from tests.protocol.scene import ABSENT, Refusal, Scene, scene

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}


async def refuses_body(scene: Scene, body: bytes, expected: Refusal) -> None:
    for path in ("/v1/signatures", "/v1/credentials"):
        await scene.refuses(scene.shop.http.post(path, content=body, headers=JSON), expected)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/pdf", "application/json-patch+json", "application/x-www-form-urlencoded"]
)
async def test_a_wish_that_does_not_come_as_json_is_refused(scene: Scene, media_type: str):
    body = json.dumps(scene.wish()).encode()
    call = scene.shop.http.post("/v1/signatures", content=body, headers={"Content-Type": media_type})
    await scene.refuses(call, Refusal(415, "unsupported_media_type", "application/json"))


async def test_a_wish_without_a_content_type_is_refused(scene: Scene):
    call = scene.shop.http.post("/v1/signatures", content=json.dumps(scene.wish()).encode())
    await scene.refuses(call, Refusal(415, "unsupported_media_type", "application/json"))


async def test_a_wish_in_another_charset_is_refused(scene: Scene):
    headers = {"Content-Type": "application/json; charset=utf-16"}
    body = json.dumps(scene.wish()).encode("utf-16")
    call = scene.shop.http.post("/v1/signatures", content=body, headers=headers)
    await scene.refuses(call, Refusal(415, "unsupported_media_type", "utf-8"))


async def test_a_compressed_wish_is_refused(scene: Scene):
    call = scene.shop.http.post("/v1/signatures", content=b"\x1f\x8b", headers={**JSON, "Content-Encoding": "gzip"})
    await scene.refuses(call, Refusal(415, "unsupported_media_type", "content encoding"))


@pytest.mark.parametrize(
    "rest", [b"", b",}", b', "text": NaN}', b", 'text': 1}", b', "text": "a\x00b"}', b"}}", b"} x"]
)
async def test_what_is_not_json_is_refused(scene: Scene, rest: bytes):
    body = b'{"credential_id": "%s"%s' % (ABSENT.encode(), rest)
    call = scene.shop.http.post("/v1/signatures", content=body, headers=JSON)
    await scene.refuses(call, Refusal(400, "bad_request", "not JSON in UTF-8"))


async def test_an_empty_body_is_not_json(scene: Scene):
    await refuses_body(scene, b"", Refusal(400, "bad_request", "not JSON in UTF-8"))


@pytest.mark.parametrize("text", [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80"])
async def test_what_is_not_utf_8_is_refused(scene: Scene, text: bytes):
    call = scene.shop.http.post("/v1/signatures", content=b'{"text": "%s"}' % text, headers=JSON)
    await scene.refuses(call, Refusal(400, "bad_request", "not JSON in UTF-8"))


@pytest.mark.parametrize("text", [rb"a\u0000b", rb"\ud800"])
async def test_text_that_no_database_keeps_is_refused(scene: Scene, text: bytes):
    body = b'{"credential_id": "%s", "text": "%s", "user": "%s"}' % (ABSENT.encode(), text, text)
    await refuses_body(scene, body, Refusal(422, "invalid", "may not stand in text"))


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1", b"{}"])
async def test_json_of_another_shape_is_refused(scene: Scene, body: bytes):
    await refuses_body(scene, body, Refusal(422, "invalid"))


@pytest.mark.parametrize("key", ["", "a b", "ключ", "x" * 256, "a\tb"])
async def test_an_idempotency_key_is_of_255_printable_characters_at_most(scene: Scene, key: str):
    headers = {"Idempotency-Key": key.encode()}
    call = scene.shop.http.post("/v1/signatures", json=scene.wish(), headers=headers)
    await scene.refuses(call, Refusal(422, "invalid", "Idempotency-Key"))


@pytest.mark.parametrize("path", ["/v1/documents", "/v1/signatures", "/v1/credentials?user=alice"])
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=0", "limit: Expected `int` >= 1"),
        ("limit=101", "limit: Expected `int` <= 100"),
        ("limit=ten", "limit"),
        ("limit=1e1", "limit"),
        ("cursor=", "cursor"),
        ("cursor=page-2", "cursor: not one that a page gave"),
        ("cursor=Jw", "cursor: not one that a page gave"),
        ("cursor=" + "QUFB" * 17, "cursor"),
        ("order=desc", "order is not known here"),
    ],
)
async def test_a_page_that_does_not_exist_is_refused(scene: Scene, path: str, query: str, says: str):
    joined = f"{path}{'&' if '?' in path else '?'}{query}"
    await scene.refuses(scene.shop.http.get(joined), Refusal(422, "invalid", says))


@pytest.mark.parametrize("query", ["limit=1&limit=2", "limit=%FF"])
async def test_a_query_that_cannot_be_read_is_refused(scene: Scene, query: str):
    await scene.refuses(scene.shop.http.get(f"/v1/signatures?{query}"), Refusal(400, "bad_request", "query"))


@pytest.mark.parametrize(
    ("wait", "says"), [("61", "<= 60"), ("-1", ">= 0"), ("", "wait"), ("1.5", "wait"), ("9" * 5000, "wait")]
)
@pytest.mark.parametrize("path", ["/v1/signatures", "/v1/credentials"])
async def test_a_wait_is_of_0_to_60_whole_seconds(scene: Scene, path: str, wait: str, says: str):
    await scene.refuses(scene.shop.http.get(f"{path}/{ABSENT}?wait={wait}"), Refusal(422, "invalid", says))


@pytest.mark.parametrize("id", ["1", "x" * 26, ABSENT.lower(), f"{ABSENT}%0A", "%00"])
async def test_an_identifier_of_another_form_is_refused(scene: Scene, id: str):
    for path in ("documents", "signatures", "credentials"):
        answer = await scene.shop.http.get(f"/v1/{path}/{id}")
        assert answer.status_code == 422, answer.text
        assert "path parameter id" in answer.json()["detail"]
