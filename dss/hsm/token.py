"""A token of the HSM: its threads, its login, and its recovery without a restart."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pkcs11
from pkcs11 import (
    MultipleTokensReturned,
    NoSuchKey,
    NoSuchToken,
    PinExpired,
    PinIncorrect,
    PinInvalid,
    PinLenRange,
    PinLocked,
    PKCS11Error,
    UserAlreadyLoggedIn,
)

from dss.hsm.library import Library
from dss.hsm.module import locked, module_at
from dss.hsm.sessions import Bench, Sessions
from dss.kernel.errors import HsmUnavailable

Result = TypeVar("Result")
Probe = Callable[[Bench], object]

PIN_REFUSED = (PinIncorrect, PinLocked, PinInvalid, PinLenRange, PinExpired)
MOST_WAITING = 1000

log = logging.getLogger(__name__)


class Absent(HsmUnavailable):
    """The token answers, and has no such key."""


class Refused(HsmUnavailable):
    """The token answers, and refuses this very call; its own error is the cause."""


@dataclass(frozen=True, slots=True)
class TokenSpec:
    """A token, as the operator names it.

    module:     the vendor's PKCS#11 library.
    label:      the token's label, at most 32 bytes of UTF-8.
    pin:        the user's PIN.
    lock_file:  the same for all processes that use the library; made when absent.
    threads:    calls in the HSM at a time.
    patience_s: seconds a call may take, waiting for a thread included.
    """

    module: Path
    label: str
    pin: str = field(repr=False)
    lock_file: Path
    threads: int = 2
    patience_s: float = 30.0


class Token:
    """Runs work on a token. Nothing is opened before the first use, so that a server starts while its HSM is away."""

    def __init__(self, spec: TokenSpec) -> None:
        self.spec = spec
        self._module = module_at(spec.module)
        self._threads = ThreadPoolExecutor(spec.threads, thread_name_prefix=f"hsm-{spec.label}")
        self._waiting = 0
        self._login_lock = threading.Lock()
        self._sessions: Sessions | None = None
        self._pin_refused = False

    async def run(self, work: Callable[[Bench], Result], probe: Probe) -> Result:
        """Do `do` on one of the token's threads. Raises the same, and HsmUnavailable when it takes too long."""
        return await self.in_thread(lambda: self.do(work, probe))

    async def in_thread(self, work: Callable[[], Result]) -> Result:
        """Run blocking work on one of the token's threads.

        Raises HsmUnavailable when it takes longer than the token's patience, or when MOST_WAITING calls wait already.
        """
        if self._waiting >= MOST_WAITING:
            raise HsmUnavailable(f"more than {MOST_WAITING} calls wait for the HSM")
        self._waiting += 1
        try:
            future = asyncio.get_running_loop().run_in_executor(self._threads, work)
            return await asyncio.wait_for(future, self.spec.patience_s)
        except TimeoutError as late:
            raise HsmUnavailable(f"the HSM did not answer in {self.spec.patience_s:g} seconds") from late
        finally:
            self._waiting -= 1

    def do(self, work: Callable[[Bench], Result], probe: Probe) -> Result:
        """Run work in this thread's session, twice if need be. Blocking.

        A lost login, a lost token and a bad argument give the same errors. So a failure is followed by `probe`, which
        succeeds on every token that is in order; if it fails too, the library is renewed. Then the work has its second
        and last try, with fresh handles.

        work: when it fails half-way, leaves nothing behind that hinders its second run.
        Raises Absent and Refused from a token that answers, HsmUnavailable otherwise, and what the work raises.
        """
        seen = self._module.generation
        try:
            return self._once(work)
        except PKCS11Error as failure:
            if not self._answers(probe):
                log.warning("token %s does not answer (%r), starting over", self.spec.label, failure)
                self._module.renew(seen, self.spec.lock_file)
        try:
            return self._once(work)
        except PKCS11Error as failure:
            raise self._told(failure, probe) from failure

    def close(self) -> None:
        """Take no more work. The login ends with the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _once(self, work: Callable[[Bench], Result]) -> Result:
        with self._module.using(self.spec.lock_file) as (library, generation):
            sessions = self._logged_in(library, generation)
            try:
                return work(sessions.bench())
            except BaseException:
                sessions.drop_bench()
                raise

    def _answers(self, probe: Probe) -> bool:
        try:
            self._once(probe)
        except PKCS11Error:
            return False
        return True

    def _told(self, failure: PKCS11Error, probe: Probe) -> HsmUnavailable:
        if not self._answers(probe):
            return HsmUnavailable(f"the token {self.spec.label} does not answer")
        if isinstance(failure, NoSuchKey):
            return Absent(f"the token {self.spec.label} lacks a key")
        return Refused(f"the token {self.spec.label} refused a call")

    def _logged_in(self, library: Library, generation: int) -> Sessions:
        with self._login_lock:
            if self._sessions is None or self._sessions.generation != generation:
                self._sessions = Sessions(self._login(library), generation)
            return self._sessions

    def _login(self, library: Library) -> pkcs11.Token:
        """Log the process in, and leave that session open: its end would be the logout of all."""
        if self._pin_refused:
            raise HsmUnavailable(f"the PIN of token {self.spec.label} was refused; it is not tried again")
        with locked(self.spec.lock_file):
            token = find_token(library, self.spec.label)
            try:
                token.open(rw=True, user_pin=self.spec.pin)
            except UserAlreadyLoggedIn:
                return token
            except PIN_REFUSED as refusal:
                # Each try counts towards the lock of the PIN.
                self._pin_refused = True
                log.error("the PIN of token %s was refused (%r)", self.spec.label, refusal)  # noqa: TRY400  no trace
                raise HsmUnavailable(f"the PIN of token {self.spec.label} was refused") from refusal
        return token


def find_token(library: Library, label: str) -> pkcs11.Token:
    """Return the only token with this label. Raises NoSuchToken, MultipleTokensReturned, PKCS11Error.

    A slot that cannot be read is passed over: a token that is away must not hide the others.
    """
    found = [token for token in tokens(library) if token.label == label]
    if not found:
        raise NoSuchToken(label)
    if len(found) > 1:
        raise MultipleTokensReturned(label)
    return found[0]


def tokens(library: Library) -> list[pkcs11.Token]:
    """Return every token that can be read."""
    readable = []
    for slot in library.get_slots(token_present=True):
        try:
            readable.append(slot.get_token())
        except PKCS11Error:
            continue
    return readable
