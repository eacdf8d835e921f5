"""The rounds of the worker: each job is small, safe to repeat, and safe on several nodes at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from dss.hsm.servicekeys import KeyName
from dss.infra import once
from dss.kernel.errors import DssError
from dss.wiring import Services

log = structlog.get_logger(__name__)

# More than a transaction takes from its first prepared file to its end, outages of a day among it.
LONGEST_WORK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Job:
    """Something done every so often; every_s in seconds."""

    name: str
    every_s: float
    do: Callable[[Services], Awaitable[object]]


async def _send_letters(services: Services) -> None:
    await services.notify.send_due()


async def _expire(services: Services) -> None:
    await services.transactions.expire_overdue()


async def _retire_box_keys(services: Services) -> None:
    await services.boxes.retire(await services.transactions.live_box_keys())


async def _forget(services: Services) -> None:
    await services.transactions.forget_uncollected()
    await services.preparing.forget()
    # A node whose clock runs ahead would forget what is not over: proofs would be good a second time.
    await services.database.check(services.clock)
    async with services.database.write() as connection:
        await once.forget_expired(connection, services.clock.now())


async def _sweep_files(services: Services) -> None:
    await services.documents.sweep(services.clock.now() - services.settings.collect_within - LONGEST_WORK)


async def _publish_crls(services: Services) -> None:
    await services.ca.publish_due()


async def _seal(services: Services) -> None:
    await services.sealer.round()


async def _renew_certificates(services: Services) -> None:
    await services.service_certificates.ensure(KeyName.EVIDENCE_SEAL)


async def _retire_records(services: Services) -> None:
    # A node whose clock runs years ahead would delete what is to be kept.
    await services.database.check(services.clock)
    await services.retiring.round()
    await services.passing.round()


async def _tidy(services: Services) -> None:
    await services.tidying.round()


async def _retire_token_keys(services: Services) -> None:
    # A node whose clock runs ahead would destroy a key whose tokens are good.
    await services.database.check(services.clock)
    await services.key_rotation.retire()


async def _thin_checkpoints(services: Services) -> None:
    await services.log.thin()


JOBS = (
    Job("seal the log", 1, _seal),
    Job("thin old checkpoints", 3600, _thin_checkpoints),
    Job("delete records after the years of retention", 3600, _retire_records),
    Job("renew the certificates of the server's keys", 3600, _renew_certificates),
    Job("send letters", 1, _send_letters),
    Job("expire transactions", 1, _expire),
    Job("retire box keys", 60, _retire_box_keys),
    Job("retire token keys", 60, _retire_token_keys),
    Job("forget what was not collected", 60, _forget),
    Job("delete what has ended of signing in and authorization", 60, _tidy),
    Job("delete files that a crash left", 3600, _sweep_files),
    # Every role revokes, and only this one publishes: so often is looked for what is not listed yet.
    Job("publish lists of revoked certificates", 5, _publish_crls),
)


async def run(services: Services, job: Job) -> None:
    """Do a job over and over until cancelled. A job that fails is logged and done again in the next round."""
    while True:
        try:
            await job.do(services)
        except DssError as fault:
            log.warning("job postponed", job=job.name, error_code=fault.code, why=fault.detail)
        except Exception:
            log.exception("job failed", job=job.name)
        await asyncio.sleep(job.every_s)
