"""`python -m tests.world.crashing`: real server processes, with trip wires laid from outside.

One process reads the program in and stays: each line on its standard input makes it fork a process that sets up,
serves or audits, or asks how one fares. So a server that is started again and again need not be read in each time.
Nothing is opened before the fork. The settings are read as the server reads them, from DSS_* variables and DSS_HOME.
"""

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib import import_module
from typing import Any

import dss.cli.main as cli
from dss.cli import installing
from dss.clients.model import OWN
from dss.clients.service import NewClient
from dss.devices import enrolment
from dss.devices.model import Limits
from dss.kernel.clock import SystemClock
from dss.kernel.ids import CredentialId
from dss.kernel.policy import Bounds, Policy
from dss.settings import Settings, home
from dss.transactions.model import Limits as TransactionLimits
from dss.users.service import NewUser
from dss.wiring import capabilities, opened
from dss.worker import rounds
from tests.world import crash_wires
from tests.world.auditor import audit_all
from tests.world.clock import HandClock

OPERATOR = "operator:test"
LOGIN = "alice"
A_DAY = timedelta(days=1)
PART = 50  # of a batch
SESSIONS = Bounds(100, 60)
READ_IN_LATE = (
    "alembic.command",
    "pkilint.etsi",
    "pkilint.pkix.extension",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)


def stem() -> None:
    """Fork, or tell how a process fares, as each line asks; at the end of the input end all that still run."""
    for name in READ_IN_LATE:
        import_module(name)
    running: set[int] = set()
    for line in sys.stdin:
        asked = json.loads(line)
        if "status" in asked:
            pid, status = os.waitpid(asked["status"], os.WNOHANG | os.WUNTRACED)
            if pid and not os.WIFSTOPPED(status):
                running.remove(pid)
            answer = status if pid else None
        else:
            answer = fork(**asked)
            running.add(answer)
        tell(answer)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def fork(verb: str, given: list[Any], output: str) -> int:
    """Do something in a process of its own, which writes to a file; return its id."""
    if pid := os.fork():
        return pid
    try:
        _write_to(output)
        VERBS[verb](*given)
    except BaseException:  # noqa: BLE001  whatever it is, this process ends here
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def tell(answer: Any) -> None:
    """Write a line of JSON to standard output."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def install(url: str) -> None:
    """Set an installation up, with a relying application, and a signer who has got two letters."""
    tell(asyncio.run(_install(url)))


def serve(port: int, box_keys_last_s: int) -> None:
    """Serve as `dss serve` does, with every wire laid, quick PINs, and without the sealer.

    A node that is made to stand still in the middle of a round of it would hold the one lock of SQLite all the while.
    The auditor seals at the end. box_keys_last_s: another value than before, and the next request needs a box key that
    is not there yet.
    """
    enrolment.PIN_ITERATIONS = 1
    rounds.JOBS = tuple(job for job in rounds.JOBS if job.name != "seal the log")
    lifetime = timedelta(seconds=box_keys_last_s)
    capabilities.DeviceLimits = partial(Limits, box_key_lifetime=lifetime)  # type: ignore[assignment,attr-defined]
    capabilities.Limits = partial(TransactionLimits, part=PART)  # type: ignore[assignment,attr-defined]
    crash_wires.lay(home())
    cli.app(["serve", "--port", str(port)])


def audit() -> None:
    """Let the auditor read the log, and the worker destroy box keys a day later; tell which stay."""
    tell(asyncio.run(_audit()))


def invite() -> None:
    """Send the signer two letters more, for one more phone."""
    tell(asyncio.run(_invite()))


def allow_sessions(key: str) -> None:
    """Let the policy of a key allow sessions."""
    tell(asyncio.run(_allow_sessions(key)))


VERBS: dict[str, Callable[..., None]] = {
    "install": install,
    "serve": serve,
    "audit": audit,
    "invite": invite,
    "allow sessions": allow_sessions,
}


async def _install(url: str) -> dict[str, str]:
    await installing.install(installing.Plan(home(), url, "Test", "Test", "EE"), lambda _: None)
    async with opened(Settings.load()) as services:
        application = NewClient("Contracts Ltd", OWN, None, True, "")
        registered = await services.clients.register(application, OPERATOR)
        alice = NewUser(
            login=LOGIN,
            email="alice@example.org",
            given_name="Alice",
            surname="Example",
            country="UA",
            serial_number=None,
            organization=None,
            locale="en",
        )
        await services.inviting.invite(await services.users.register(alice, OPERATOR), OPERATOR)
        await services.notify.send_due()
    return {"id": registered.client.id, "secret": registered.secret or ""}


async def _invite() -> str:
    async with opened(Settings.load()) as services:
        invitation = await services.inviting.invite(await services.users.by_login(LOGIN), OPERATOR)
        await services.notify.send_due()
    return invitation.enrolment_id


async def _allow_sessions(key: str) -> str:
    async with opened(Settings.load()) as services:
        await services.policies.change_credential(CredentialId(key), Policy(session=SESSIONS), OPERATOR)
    return key


async def _audit() -> dict[str, list[str]]:
    async with opened(Settings.load()) as services:
        await audit_all(services)
    clock = HandClock(SystemClock().now() + A_DAY)
    async with opened(Settings.load(), clock) as services:
        await services.boxes.retire(await services.transactions.live_box_keys())
        return {"box_keys": sorted(await services.tokens.service.box_key_ids())}


def _write_to(output: str) -> None:
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, stream in ((nothing, 0), (file, 1), (file, 2)):
        os.dup2(source, stream)


if __name__ == "__main__":
    stem()
