"""Paths that there are not and methods that are not taken: a page for people, a problem document for programs."""

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.protocol.html_reading import Reading
from tests.protocol.pages_world import Site

BROWSER = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}


async def operation(_: Request) -> Response:
    return Response("{}", media_type="application/json")


async def defect(_: Request) -> Response:
    raise RuntimeError("a text that is nobody's")


@pytest.fixture
def site() -> Site:
    routes = [Route("/v1/things", operation), Route("/v1/defect", defect), Route("/account/defect", defect)]
    return Site(routes=routes)


@pytest.mark.parametrize(
    "path",
    [
        "/signin/",
        "/signin/nowhere",
        "/signin/second/nowhere",
        "/account/nowhere",
        "/oauth/authorize/",
        "/oauth/waiting",
        "/oauth/waiting/1/2/3",
        "/account/%0A",
    ],
)
async def test_a_path_that_there_is_not_is_told_in_a_page(site, path):
    answer = await site.browser.get(path, headers={"Accept": "*/*"})

    assert answer.status_code == 404
    assert Reading(answer.text).text("h1") == "There is no such page"
    assert "form-action 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [("PUT", "/signin", "GET, HEAD, POST"), ("DELETE", "/account", "GET, HEAD"), ("POST", "/account", "GET, HEAD")],
)
async def test_a_method_that_is_not_taken_is_told_in_a_page(site, method, path, allow):
    answer = await site.browser.request(method, path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allow)
    assert Reading(answer.text).text("h1") == "That did not work"


@pytest.mark.parametrize(
    ("headers", "lang", "title"),
    [
        ({}, "uk", "Такої сторінки немає"),
        ({"Accept-Language": "ru"}, "", "Такой страницы нет"),
        ({"Accept-Language": "ru"}, "uk", "Такої сторінки немає"),
    ],
)
async def test_it_is_in_the_language_that_is_wanted(site, headers, lang, title):
    answer = await site.browser.get("/signin/nowhere", params={"lang": lang}, headers=headers)

    assert Reading(answer.text).text("h1") == title


@pytest.mark.parametrize("path", ["/", "/v1/nowhere", "/wait/nowhere"])
async def test_elsewhere_a_browser_gets_the_page_and_a_program_the_problem_document(site, path):
    page = await site.browser.get(path, headers=BROWSER)
    document = await site.browser.get(path, headers={"Accept": "application/json"})

    assert (page.status_code, document.status_code) == (404, 404)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert document.headers["content-type"] == "application/problem+json"


async def test_a_method_that_an_operation_does_not_take_stays_a_problem_document(site):
    answer = await site.browser.delete("/v1/things")

    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("/account/defect", "text/html; charset=utf-8"), ("/v1/defect", "application/problem+json")],
)
async def test_a_defect_is_told_without_its_text(site, path, media_type):
    answer = await site.another_browser(fails=False).get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (500, media_type)
    assert "nobody's" not in answer.text
