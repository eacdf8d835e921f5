"""A stranger to whom evidence is shown: knows the root certificate and the log's key, and never asks the server."""

from dss.audit.log_key import log_key
from dss.evidence.record import Record
from dss.evidence.verifying import Proven, Trust, verify
from dss.kernel.ids import TransactionId
from dss.wiring import Services


async def trust(services: Services, kept: str | None = None) -> Trust:
    """What a stranger has from elsewhere; kept: a checkpoint that they kept."""
    root = (await services.ca.chain("root"))[-1]
    return Trust(root, await log_key(services.tokens.service, services.settings.log_origin), kept)


async def sealed_evidence(services: Services, id: str) -> Record:
    """The evidence of a transaction, once the log has sealed what waits."""
    await services.sealer.round()
    record = await services.evidence.of(TransactionId(id))
    assert record is not None
    return record


async def proven(services: Services, id: str) -> Proven:
    """What the evidence of a transaction proves to a stranger."""
    record = await sealed_evidence(services, id)
    return verify(record.encoded(), await trust(services))
