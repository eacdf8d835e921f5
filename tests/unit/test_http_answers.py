"""How the kit answers: success, refusals, failures, and the headers of all of them."""

from collections.abc import AsyncIterator

import httpx
import pytest

from dss.kernel import b64
from dss.kernel.errors import DatabaseUnavailable
from tests.world.asgi import Notebook, application, client
from tests.world.sample_api import FAILING, NOTE, NOTES, SAMPLE

READER = {"Authorization": "Bearer reader"}
WRITER = {"Authorization": "Bearer writer"}


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
async def api(notebook: Notebook) -> AsyncIterator[httpx.AsyncClient]:
    async with client(application((SAMPLE, FAILING), audit=notebook)) as caller:
        yield caller


async def test_a_refusal_is_a_problem_document(api):
    """RFC 9457 section 3."""
    answer = await api.post("/notes", json={"text": "conflict"}, headers=WRITER)

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "urn:dss:error:conflict",
        "title": "The object is not in the required state",
        "status": 409,
        "detail": "there is such a note",
    }


async def test_who_does_not_authenticate_is_told_how(api):
    """RFC 9110 section 15.5.2."""
    answer = await api.get(f"/notes/{NOTE}")

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_authentication_comes_before_everything_that_is_read(api):
    answer = await api.post("/notes?unknown=1", content=b"\xff" * 2_000_000, headers={"Content-Type": "text/plain"})

    assert answer.status_code == 401


async def test_a_caller_without_the_scope_is_forbidden_and_told_which(api):
    """RFC 6750 section 3.1."""
    answer = await api.post("/notes", json={"text": "x"}, headers=READER)

    assert answer.status_code == 403
    assert answer.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="write"'
    assert "write" in answer.json()["detail"]


async def test_a_public_operation_asks_for_nothing(api):
    assert (await api.get("/health")).json() == {"size": 1, "media_type": "text/plain"}


async def test_unavailable_tells_when_to_come_back(api):
    answer = await api.get("/down", headers=READER)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "7")


async def test_a_file_is_given_with_its_type(api):
    answer = await api.get("/file", headers=READER)

    assert (answer.content, answer.headers["content-type"]) == (b"%PDF-1.7", "application/pdf")


async def test_what_is_being_made_is_202_without_a_body_and_tells_when_to_come_back(api):
    """RFC 9110 sections 10.2.3 and 15.3.3."""
    answer = await api.get(f"/copies/{NOTE}", headers=READER)

    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (202, b"", "3")


async def test_what_was_made_is_given_as_the_bytes_that_it_is(api):
    answer = await api.get(f"/copies/{NOTE}?ready=true", headers=READER)

    assert (answer.status_code, answer.content) == (200, b'{"copy":1}')
    assert answer.headers["content-type"] == "application/json"


async def test_an_undeclared_202_fails_the_test_that_meets_it(api):
    with pytest.raises(AssertionError, match="hasty gave NotYet, which it does not declare"):
        await api.get("/hasty", headers=READER)


async def test_nothing_to_tell_is_204_without_a_body(api):
    answer = await api.delete(f"/notes/{NOTE}", headers=WRITER)

    assert (answer.status_code, answer.content) == (204, b"")


async def test_an_unknown_path_is_a_problem_document(api):
    answer = await api.get("/nowhere")

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:dss:error:not_found")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("PUT", "/notes", "GET, HEAD, POST"), ("POST", f"/notes/{NOTE}", "DELETE, GET, HEAD"), ("GET", "/files", "POST")],
)
async def test_a_wrong_method_is_405_naming_all_that_are_allowed(api, method, path, allow):
    """RFC 9110 section 15.5.6."""
    answer = await api.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert answer.json()["type"] == "urn:dss:error:method_not_allowed"


async def test_head_is_answered_where_get_is(api):
    assert (await api.head("/health")).status_code == 200


async def test_an_unexpected_error_tells_the_caller_nothing(notebook):
    async with client(application((SAMPLE,), audit=notebook), shows_defects=False) as caller:
        answer = await caller.post("/notes", json={"text": "defect"}, headers=WRITER)

    assert answer.status_code == 500
    assert answer.json() == {"type": "urn:dss:error:internal", "title": "The server failed", "status": 500}
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_undeclared_error_fails_the_test_that_meets_it(api):
    with pytest.raises(AssertionError, match="keep_note raised too_many, 429, which it does not declare"):
        await api.post("/notes", json={"text": "undeclared"}, headers=WRITER)


async def test_an_undeclared_error_is_given_all_the_same_in_production():
    async with client(application((SAMPLE,), strict=False)) as caller:
        answer = await caller.post("/notes", json={"text": "undeclared"}, headers=WRITER)

    assert answer.status_code == 429


@pytest.mark.parametrize(
    "path", ["/health", "/nowhere", f"/notes/{NOTE}", "/notes?x=1", "/file", "/down"], ids=lambda path: path[:8]
)
async def test_every_answer_carries_the_security_headers(api, path):
    answer = await api.get(path, headers=READER)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


async def test_a_refusal_of_a_known_caller_is_audited_once(api, notebook):
    await api.get("/notes?x=1", headers=READER)

    assert notebook.refusals == [("client:reader", "GET /notes", "invalid")]


async def test_a_refusal_of_nobody_is_not_audited(api, notebook):
    await api.get("/notes?x=1")
    await api.get("/health?x=1", headers=READER)

    assert notebook.refusals == []


async def test_what_the_audit_log_is_told_fits_its_columns_and_holds_nothing_unprintable(api, notebook):
    await api.get("/notes/%00%0A%E2%80%AE" + "x" * 500, headers=READER)

    ((_, subject, _),) = notebook.refusals
    assert len(subject) == 128
    assert subject.isprintable()


@pytest.mark.parametrize("name", ["\x07", "\u202e", "\x1b[31m", "x" * 500], ids=["bell", "bidi", "escape", "long"])
async def test_a_detail_that_quotes_the_caller_is_cut_and_printable(api, name):
    answer = await api.post("/notes", json={"text": "x", name: 1}, headers=WRITER)

    detail = answer.json()["detail"]
    assert answer.status_code == 422
    assert detail.isprintable()
    assert len(detail) <= 300


async def test_a_refusal_is_given_even_if_it_cannot_be_audited():
    class Broken(Notebook):
        async def refused(self, *_: object) -> None:
            raise DatabaseUnavailable

    async with client(application((SAMPLE,), audit=Broken())) as caller:
        assert (await caller.get("/notes?x=1", headers=READER)).status_code == 422


async def test_pages_follow_one_another_to_the_end(api):
    """D3: pages of 10."""
    pages, path = [], "/notes"
    while path:
        page = (await api.get(path, headers=READER)).json()
        pages.append(page["items"])
        path = page["next"]

    assert [len(page) for page in pages] == [10, 10, 5]
    assert [note for page in pages for note in page] == NOTES


async def test_the_next_page_has_the_limit_of_this_one(api):
    page = (await api.get("/notes?limit=2", headers=READER)).json()

    assert (await api.get(page["next"], headers=READER)).json()["items"] == NOTES[2:4]


@pytest.mark.parametrize("limit", [0, 101, -1, "ten"])
async def test_a_page_has_1_to_100_items(api, limit):
    answer = await api.get(f"/notes?limit={limit}", headers=READER)

    assert (answer.status_code, "limit" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    "cursor",
    ["", "!", "AB", b64.url_encode(b"\x00"), b64.url_encode("é".encode()), b64.url_encode(b"x' OR 1"), "A" * 65],
)
async def test_a_cursor_that_no_page_gave_is_422(api, cursor):
    assert (await api.get(f"/notes?cursor={cursor}", headers=READER)).status_code == 422
