"""docs/conformance tells of each clause how far it is done, and of tests that there are."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.test_threats import known

PAGES = sorted((Path(__file__).parents[1] / "docs" / "conformance").glob("*.md"))
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
STATES = {"done", "differs", "not done"}
HEAD = ["clause", "asks", "state", "how", "test"]


@cache
def rows(page: Path) -> list[list[str]]:
    """The cells of each row of a page's tables, without what stands above them."""
    lines = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")] for line in lines]
    return [row for row in cells if row != HEAD]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_clause_says_how_far_it_is_done_and_how_where_it_differs(page: Path):
    assert rows(page)
    assert [row for row in rows(page) if len(row) != len(HEAD) or row[2] not in STATES] == []
    assert [row[:2] for row in rows(page) if row[2] == "differs" and not row[3]] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_is_done_is_shown_by_tests_that_are_there(page: Path):
    named = [(row, NAMED.findall(row[4])) for row in rows(page)]
    assert [row[:2] for row, tests in named if row[2] == "done" and not tests] == []
    assert [row[:2] for row, tests in named if row[4].count("::") != len(tests)] == []
    assert [test for _, tests in named for test in tests if test not in known()] == []
