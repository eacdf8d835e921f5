"""Switching something of the server off and on again, from outside: the server itself has no such switch."""

import importlib
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import ModuleType, TracebackType
from typing import Any, Self

Instead = Callable[[Callable[..., Any]], Callable[..., Any]]
Place = tuple[Any, str]


class Change:
    """Puts another function in a place, for as long as it is entered; it may be entered again."""

    def __init__(self, holder: Any, name: str, other: Any) -> None:
        self._holder, self._name, self._other = holder, name, other
        self._original = getattr(holder, name)

    def __enter__(self) -> Self:
        setattr(self._holder, self._name, self._other)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        setattr(self._holder, self._name, self._original)


class Switch:
    """Changes that are made and taken back together.

    changes: names as `module:function` or `module:Class.method`, each with what makes the other function of the
    original. A function is changed wherever it is imported. Raises AttributeError where there is no such thing.
    """

    def __init__(self, changes: Mapping[str, Instead]) -> None:
        self._changes: list[Change] = []
        for target, instead in changes.items():
            place = resolve(target)
            original = getattr(*place)
            other = instead(original)
            self._changes += [Change(*found, other) for found in _places(*place, original)]
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        for change in self._changes:
            self._entered.enter_context(change)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.close()


def resolve(target: str) -> Place:
    """Return where a name leads to: what holds it, and its last part."""
    module, _, path = target.partition(":")
    *holders, name = path.split(".")
    held: Any = importlib.import_module(module)
    for holder in holders:
        held = getattr(held, holder)
    return held, name


def _places(holder: Any, name: str, original: Any) -> list[Place]:
    if not isinstance(holder, ModuleType):
        return [(holder, name)]
    ours = [module for key, module in list(sys.modules.items()) if key.partition(".")[0] == "dss"]
    return [(module, found) for module in ours for found, value in vars(module).items() if value is original]
