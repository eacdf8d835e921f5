"""The sessions of one login: one a thread, since an operation belongs to its session."""

import threading
from contextlib import suppress
from typing import Any

import pkcs11
from pkcs11 import Attribute, NoSuchKey, ObjectClass, PKCS11Error


class Bench:
    """One thread's session, and the handles it found there: a search costs more the more objects a token has."""

    def __init__(self, session: pkcs11.Session) -> None:
        self.session = session
        self._found: dict[tuple[str, ObjectClass], Any] = {}

    def key(self, label: str, kind: ObjectClass) -> Any:
        """Return the only key with this label, searched for once. Raises NoSuchKey, PKCS11Error."""
        if (label, kind) not in self._found:
            self._found[label, kind] = self.search_one(label, kind)
        return self._found[label, kind]

    def search_one(self, label: str, kind: ObjectClass) -> Any:
        """Search the only key with this label. Raises NoSuchKey, also for two: a clash of labels must not sign."""
        found = self.search({Attribute.LABEL: label, Attribute.CLASS: kind})
        if len(found) != 1:
            raise NoSuchKey(f"{len(found)} keys with the label {label}")
        return found[0]

    def search(self, attributes: dict[Attribute, Any]) -> list[Any]:
        """Return all objects with these attributes; a search must be read to its end."""
        return list(self.session.get_objects(attributes))


class Sessions:
    """Opens a session for each thread of a process that is logged in.

    generation: that of the library at the login.
    """

    def __init__(self, token: pkcs11.Token, generation: int) -> None:
        self._token = token
        self._of_thread = threading.local()
        self.generation = generation

    def bench(self) -> Bench:
        """Return this thread's bench. Raises PKCS11Error."""
        bench: Bench | None = getattr(self._of_thread, "bench", None)
        if bench is None:
            # Without the PIN: the login is the process's, and closing a session opened with it logs all of them out.
            bench = self._of_thread.bench = Bench(self._token.open(rw=True))
        return bench

    def drop_bench(self) -> None:
        """Close this thread's session, and with it what a failed operation left in it: handles, keys, a search."""
        bench: Bench | None = getattr(self._of_thread, "bench", None)
        self._of_thread.bench = None
        if bench is not None:
            with suppress(PKCS11Error):
                bench.session.close()
