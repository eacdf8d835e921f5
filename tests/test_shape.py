"""The shape of the code, as CONTRIBUTING.md promises it: short, shallow, documented, and free of machine traces."""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = ("dss", "mobile_mock", "deploy")
COMMITTED = (*PRODUCT, "migrations", "tests", "docs", ".ci")
LONGEST_FILE, LONGEST_FUNCTION, MOST_ARGUMENTS, DEEPEST_BLOCK = 300, 40, 5, 3

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.TryStar, ast.Match)


# --- what is looked at ---


def python_files(*folders: str) -> list[Path]:
    """Return the Python files under folders of the project."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def committed_texts() -> Iterator[tuple[Path, str]]:
    """Give every file that is committed, with its text: the folders above and the files beside them."""
    beside = [path for path in ROOT.iterdir() if path.is_file() and path.name != ".git"]  # a file in a linked work tree
    within = [path for folder in COMMITTED for path in (ROOT / folder).rglob("*") if path.is_file()]
    for path in sorted(beside + within):
        if "__pycache__" not in path.parts and path.suffix != ".ttf":
            yield path, path.read_text(encoding="utf-8")


def functions(tree: ast.AST) -> list[Function]:
    """Return every function and method of a module."""
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def in_functions(folders: tuple[str, ...], measure: Callable[[Function], int], most: int) -> list[str]:
    """Name the functions of which more is measured than there may be."""
    return [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {measure(function)}"
        for path in python_files(*folders)
        for function in functions(ast.parse(path.read_text()))
        if measure(function) > most
    ]


# --- how it is measured ---


def lines(function: Function) -> int:
    """Return the lines of a function from its `def`, docstring and all."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def arguments(function: Function) -> int:
    """Return the arguments a caller thinks of: all kinds, but not self and cls.

    The parameters of a command line are its options: they are listed once, in `--help`, and nobody calls them by place.
    """
    if any(
        isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith(".command") for mark in function.decorator_list
    ):
        return 0
    taken = function.args
    names = [argument.arg for argument in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"])) + bool(taken.vararg) + bool(taken.kwarg)


def depth(node: ast.AST) -> int:
    """Return how deep blocks stand within one another; an `elif` is beside its `if`, a nested function starts anew."""
    return max((_depth_of_child(node, child) for child in ast.iter_child_nodes(node)), default=0)


def _depth_of_child(parent: ast.AST, child: ast.AST) -> int:
    if isinstance(child, Function):
        return 0
    is_elif = isinstance(parent, ast.If) and isinstance(child, ast.If) and parent.orelse == [child]
    return depth(child) + (isinstance(child, BLOCKS) and not is_elif)


def undocumented(tree: ast.Module) -> list[str]:
    """Name the public classes, functions and methods without a docstring, and the module itself."""
    found = [] if ast.get_docstring(tree) or not tree.body else ["module"]
    open_scopes: list[ast.Module | ast.ClassDef] = [tree]
    while open_scopes:
        for node in open_scopes.pop().body:
            if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                found.append(f"{node.name}, line {node.lineno}")
            if isinstance(node, ast.ClassDef):
                open_scopes.append(node)
    return found


# --- the rules ---


def test_no_file_is_longer_than_300_lines():
    long = {
        str(path.relative_to(ROOT)): count
        for path in python_files(*PRODUCT, "migrations", "tests")
        if (count := len(path.read_text().splitlines())) > LONGEST_FILE
    }

    assert long == {}, "split by verb or clause, never into a file of leftovers"


def test_no_function_is_longer_than_40_lines():
    assert in_functions((*PRODUCT, "tests"), lines, LONGEST_FUNCTION) == []


def test_no_function_takes_more_than_5_arguments():
    assert in_functions(PRODUCT, arguments, MOST_ARGUMENTS) == [], "more than five belong in a frozen dataclass"


def test_blocks_are_nested_at_most_3_deep():
    assert in_functions((*PRODUCT, "tests"), depth, DEEPEST_BLOCK) == []


def test_everything_public_says_what_it_is():
    bare = {
        str(path.relative_to(ROOT)): names
        for path in python_files(*PRODUCT)
        if (names := undocumented(ast.parse(path.read_text())))
    }

    assert bare == {}


# The words are put together here, so that this file does not hold what it looks for.
UNOWNED = re.compile(r"\b(?:" + "TO" + "DO|" + "FIX" + r"ME)\b")
REGISTRY = re.compile("--(?:extra-)?" + "index-url|py" + "pi\\.|python" + "hosted|https?://[^\\s\"']*/" + "simple")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:" + "ro" + "ot|wo" + r"rk|home|Users)/\w")


@pytest.mark.parametrize(
    ("what", "pattern"),
    [("work left open", UNOWNED), ("a package registry", REGISTRY), ("a path of one machine", MACHINE_PATH)],
)
def test_committed_text_is_free_of(what, pattern):
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}" for path, text in committed_texts() if (match := pattern.search(text))
    ]

    assert found == [], what


def test_every_locked_package_has_its_hashes():
    for name in ("requirements.txt", "requirements-dev.txt"):
        packages = re.split(r"\n(?=\S)", (ROOT / "deploy" / name).read_text())

        assert len(packages) > 50
        assert [package for package in packages if "==" not in package or "--hash=sha256:" not in package] == []


# --- the measures themselves ---

SAMPLE = """
def deep(self, a, *, b, **c):
    if a:
        for item in b:
            with item:
                pass
    elif b:
        def inner():
            while True:
                if a: pass
    elif c:
        pass

class Bare:
    def method(self):
        "Said."
"""


def test_the_measures_measure():
    tree = ast.parse(SAMPLE)
    deep = functions(tree)[0]

    assert (lines(deep), arguments(deep), depth(deep)) == (11, 3, 3)
    assert undocumented(tree) == ["module", "deep, line 2", "Bare, line 14"]
    assert REGISTRY.search("see https://example.org/" + "simple")
    assert MACHINE_PATH.search("at /home" + "/someone")
    assert UNOWNED.search("# TO" + "DO: later")
