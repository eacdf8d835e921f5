"""One PKCS#11 library in this process: it is initialised once, whatever the number of its tokens.

C_Finalize must not run while another thread is inside the library, and it ends the sessions of every token. So every
use passes the gate, and whoever renews the library closes it first. A renewal raises the generation, by which each
token knows that it has to log in again.
"""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pkcs11 import PKCS11Error

from dss.hsm.library import Library
from dss.kernel.errors import HsmUnavailable

DRAIN_S = 20.0
PAUSE_S = 1.0


class ModuleDown(PKCS11Error):
    """The last attempt to initialise the library failed."""


class Gate:
    """Lets many in together, or one alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._closed = False

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Be inside together with others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one inside. Raises HsmUnavailable when the others do not leave in DRAIN_S seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not self._closed)
            self._closed = True
            left = self._changed.wait_for(lambda: self._inside == 0, DRAIN_S)
        try:
            if not left:
                raise HsmUnavailable("the HSM does not finish a call")
            yield
        finally:
            with self._changed:
                self._closed = False
                self._changed.notify_all()


class Module:
    """A library by its path; get it from `module_at`, since a process can initialise it once only.

    generation: rises with each initialisation; 0 before the first, which is at the first use: a library must not be
                carried over a fork.
    """

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._monotonic = monotonic
        self._gate = Gate()
        self._library: Library | None = None
        self._alive = False
        self._renewed_at = float("-inf")
        self.generation = 0

    @contextmanager
    def using(self, lock_file: Path) -> Iterator[tuple[Library, int]]:
        """Give the initialised library and its generation; neither changes until the end.

        Raises ModuleDown, HsmUnavailable.
        """
        if not self.generation:
            self.renew(0, lock_file)
        with self._gate.shared():
            if not self._alive or self._library is None:
                raise ModuleDown
            yield self._library, self.generation

    def renew(self, seen: int, lock_file: Path) -> None:
        """Finalise and initialise the library, unless that was done since generation `seen`.

        At most once in PAUSE_S seconds: a token that is away must not keep disturbing the others of its library.
        Raises HsmUnavailable.
        """
        if self._renewed_since(seen):
            return
        with self._gate.alone():
            if self._renewed_since(seen):
                return
            try:
                with locked(lock_file):
                    self._initialise()
            finally:
                # Not before it is over: who comes meanwhile waits at the gate for what comes of it.
                self._renewed_at = self._monotonic()

    def _renewed_since(self, seen: int) -> bool:
        if self._alive and self.generation != seen:
            return True
        if self._monotonic() - self._renewed_at < PAUSE_S:
            raise HsmUnavailable("the HSM does not answer", retry_after=1)
        return False

    def _initialise(self) -> None:
        self._alive = False
        try:
            if self._library is None:
                self._library = Library(str(self._path))
            else:
                self._library.finalize()
                self._library.initialize()
        except (PKCS11Error, OSError) as failure:
            raise HsmUnavailable("the HSM's library cannot be initialised") from failure
        self._alive = True
        self.generation += 1


_modules: dict[Path, Module] = {}
_modules_lock = threading.Lock()


def module_at(path: Path) -> Module:
    """Return this process's module for a library: one for every path to the same file."""
    real = path.resolve()
    with _modules_lock:
        return _modules.setdefault(real, Module(real))


@contextmanager
def locked(lock_file: Path) -> Iterator[None]:
    """Hold a lock among processes: SoftHSM rewrites its files at each login, and who reads meanwhile reads halves.

    Raises HsmUnavailable where the lock file cannot be made.
    """
    try:
        file = lock_file.open("w")
    except OSError as failure:
        raise HsmUnavailable("the HSM's lock file cannot be opened") from failure
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
