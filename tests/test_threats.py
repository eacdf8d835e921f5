"""docs/threats.md tells of the tests that there are, of all of them, and of nothing else."""

import ast
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TABLE = TESTS.parent / "docs" / "threats.md"
THREATS = [f"T{number:02}" for number in range(1, 63)]
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+\*?)`")
TRIES = re.compile(r"test_(t\d\d)_")


def rows() -> dict[str, list[str]]:
    """The cells of each row after its id."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith("| T")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {first: rest for first, *rest in cells}


@cache
def known() -> frozenset[tuple[str, str]]:
    """Every test, as its file and its name."""
    return frozenset(
        (path.relative_to(TESTS).as_posix(), node.name)
        for path in TESTS.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def test_every_threat_has_one_row_with_what_stops_it_and_a_test_or_what_it_waits_for():
    table = rows()
    assert list(table) == THREATS
    assert [id for id, cells in table.items() if len(cells) != 4 or not cells[0]] == []
    assert [
        id for id, (_, stop, tried, waits) in table.items() if not (NAMED.search(tried) and stop) and not waits
    ] == []


@pytest.mark.parametrize("id", THREATS)
def test_every_test_that_a_threat_names_is_there(id: str):
    named = NAMED.findall(rows()[id][2])
    assert rows()[id][2].count("::") == len(named), "a test that is not written as `file.py::name`"
    assert [(file, name) for file, name in named if not any(is_of(test, file, name) for test in known())] == []


def test_every_test_of_a_threat_is_named_in_its_row():
    table = {id: NAMED.findall(cells[2]) for id, cells in rows().items()}
    tried = {(test, tries[1].upper()) for test in known() if (tries := TRIES.match(test[1]))}
    assert len(tried) > 100
    assert sorted(f"{id}: {'::'.join(test)}" for test, id in tried if not is_named(test, table.get(id, []))) == []


def is_named(test: tuple[str, str], named: list[tuple[str, str]]) -> bool:
    """Whether a row names a test."""
    return any(is_of(test, file, name) for file, name in named)


def is_of(test: tuple[str, str], file: str, name: str) -> bool:
    """Whether a test is meant by a name."""
    return test[0] == file and fnmatchcase(test[1], name)
